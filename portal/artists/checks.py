"""What holds for artists: the counters of their profiles."""

from __future__ import annotations

from portal.checks import AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "artists.follower_count_is_follows",
        "artists",
        "An artist's number of followers is how many there are.",
        """
        SELECT a.id, a.follower_count, coalesce(f.followers, 0) FROM artists a
        LEFT JOIN (SELECT artist_id, count(*) AS followers FROM artist_follows GROUP BY 1) f ON f.artist_id = a.id
        WHERE a.follower_count <> coalesce(f.followers, 0)
        """,
    ),
]
