"""An artist as everybody may see one: the specification's public fields, nothing else."""

from __future__ import annotations

from typing import Any

from portal.artists.models import Artist


def artist(artist: Artist) -> dict[str, Any]:
    """GET /artists/{slug}, the same in both versions."""
    return {
        "artistName": artist.artist_name,
        "slug": artist.slug,
        "bio": artist.bio,
        "profileImageUrl": artist.profile_image_url,
        "socialLinks": artist.social_links or {},
        "isVerified": artist.is_verified,
    }


def of_master(artist: Artist) -> dict[str, Any]:
    """The artist inside a master; `name` and `artistName` are the same words (the specification uses both)."""
    return {
        "id": str(artist.id),
        "name": artist.artist_name,
        "artistName": artist.artist_name,
        "slug": artist.slug,
        "isVerified": artist.is_verified,
    }
