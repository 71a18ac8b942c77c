# ruff: noqa: S608  (statements are put together from constants)
"""What holds for uploaded pictures: they are what their address says, and what is shown is there."""

from __future__ import annotations

from portal.checks import AnyCheck, Check
from portal.files.store import ADDRESS

SHOWN = (
    ("users", "avatar_url", "people.avatars_are_there"),
    ("artists", "profile_image_url", "artists.portraits_are_there"),
    ("artists", "banner_image_url", "artists.banners_are_there"),
    ("masters", "cover_image_url", "masters.covers_are_there"),
    ("vstudio_sessions", "cover_image_url", "rooms.covers_are_there"),
)
"""Table, the column that shows a picture, and the name of the invariant."""


def _shown(table: str, column: str, name: str) -> Check:
    return Check(
        name,
        table,
        "A picture that is shown from here is here.",
        f"""
        SELECT t.id, t.{column}, 'a row of media_files' FROM {table} t
        WHERE t.{column} LIKE '{ADDRESS}%' AND NOT EXISTS (
            SELECT FROM media_files f WHERE f.cid = substr(t.{column}, {len(ADDRESS) + 1}))
        """,
    )


CHECKS: list[AnyCheck] = [
    Check(
        "files.are_what_their_cid_says",
        "media_files",
        "A file's CID and size are its content's.",
        """
        SELECT id, cid || ', ' || size, cid_of(content) || ', ' || octet_length(content) FROM media_files
        WHERE cid <> cid_of(content) OR size <> octet_length(content)
        """,
    ),
    *(_shown(*one) for one in SHOWN),
]
