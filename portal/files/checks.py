# ruff: noqa: S608  (statements are put together from constants)
"""What holds for pictures and recordings: they are what their address says, and what is shown is there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portal.checks import AnyCheck, Check, ReckonedCheck
from portal.files.cids import MOST_BYTES, MOST_LINKS, cid_of_digests
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


def _cid(row: Sequence[Any]) -> str:
    """Of a recording, from its blocks' digests and sizes."""
    digests, sizes = row[2:]
    if not digests or len(digests) > MOST_LINKS:
        return f"{len(digests or ())} blocks"
    return cid_of_digests([bytes(digest) for digest in digests], sizes)


RECORDINGS: list[AnyCheck] = [
    Check(
        "recordings.are_their_blocks",
        "media_recordings",
        "A recording's blocks are numbered from 0 without a gap, all but the last are full, and it is as long as they.",
        f"""
        SELECT r.id, concat_ws(', ', r.size, 'blocks', b.first, 'to', b.last),
               concat_ws(', ', b.size, 'blocks 0 to', b.blocks - 1, 'all but the last full')
        FROM media_recordings r LEFT JOIN (
            SELECT recording_id, sum(octet_length(content)) AS size, count(*) AS blocks, min(position) AS first,
                   max(position) AS last, count(*) FILTER (WHERE octet_length(content) = {MOST_BYTES}) AS filled
            FROM media_recording_blocks GROUP BY 1
        ) b ON b.recording_id = r.id
        WHERE (r.size, 0, b.blocks - 1) IS DISTINCT FROM (b.size, b.first, b.last)
           OR b.filled <> r.size / {MOST_BYTES} OR b.blocks <> ceil(r.size / {MOST_BYTES}.0)
        """,
    ),
    ReckonedCheck(
        "recordings.are_what_their_cid_says",
        "media_recordings",
        "A recording's CID is its content's.",
        """
        SELECT r.id, r.cid, array_agg(sha256(b.content) ORDER BY b.position) FILTER (WHERE b.content IS NOT NULL),
               array_agg(octet_length(b.content) ORDER BY b.position) FILTER (WHERE b.content IS NOT NULL)
        FROM media_recordings r LEFT JOIN media_recording_blocks b ON b.recording_id = r.id GROUP BY r.id
        """,
        _cid,
    ),
    Check(
        "masters.recordings_are_there",
        "masters",
        "A master names its recording, and none where it has none.",
        """
        SELECT coalesce(m.id, r.master_id), coalesce(m.audio_ipfs_hash, 'none'), coalesce(r.cid, 'none')
        FROM masters m FULL JOIN media_recordings r ON r.master_id = m.id
        WHERE m.audio_ipfs_hash IS DISTINCT FROM r.cid
        """,
    ),
]

CHECKS: list[AnyCheck] = [
    *RECORDINGS,
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
