"""An artist as everybody may see one: the specification's public fields, nothing else."""

from __future__ import annotations

import re

from typing_extensions import TypedDict

from portal.artists.models import Artist
from portal.web.schema import Id

_WEB = re.compile(r"https?://[^\s\\]+\Z", re.I)


class PublicArtist(TypedDict):
    artistName: str
    slug: str
    bio: str | None
    profileImageUrl: str | None
    socialLinks: dict[str, str]
    isVerified: bool


class MasterArtist(TypedDict):
    """The artist inside a master: the specification calls the same words `name` and `artistName`."""

    id: Id
    name: str
    artistName: str
    slug: str
    isVerified: bool


class Following(TypedDict):
    following: bool
    followerCount: int


def artist(artist: Artist) -> PublicArtist:
    """GET /artists/{slug}, the same in both versions."""
    return {
        "artistName": artist.artist_name,
        "slug": artist.slug,
        "bio": artist.bio,
        "profileImageUrl": artist.profile_image_url,
        "socialLinks": web_links(artist),
        "isVerified": artist.is_verified,
    }


def web_links(artist: Artist) -> dict[str, str]:
    """Social links that lead to a web page; whatever else stands there (`javascript:`, `data:`) is told to nobody."""
    given = artist.social_links or {}
    return {name: href for name, href in given.items() if isinstance(href, str) and _WEB.match(href)}


def of_master(artist: Artist) -> MasterArtist:
    return {
        "id": str(artist.id),
        "name": artist.artist_name,
        "artistName": artist.artist_name,
        "slug": artist.slug,
        "isVerified": artist.is_verified,
    }
