# ruff: noqa: S608  (statements are put together from constants)
"""What holds for the seals over the audit log; `flask audit verify` holds the rows themselves against their keys."""

from __future__ import annotations

from portal.audit.verifying import STRAY_LEAVES
from portal.checks import AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "seals.follow_each_other",
        "audit_seals",
        "Each seal hangs on the one before: number, hash and time.",
        """
        SELECT id, concat_ws(', ', number, range_start, coalesce(previous_hash, 'no hash')),
               concat_ws(', ', coalesce(last, 0) + 1, last_end, coalesce(last_hash, 'no hash'))
        FROM (SELECT *, lag(number) OVER w AS last, lag(seal_hash) OVER w AS last_hash,
                     lag(range_end) OVER w AS last_end
              FROM audit_seals WINDOW w AS (ORDER BY number)) s
        WHERE number <> coalesce(last, 0) + 1 OR previous_hash IS DISTINCT FROM last_hash
           OR range_start <> coalesce(last_end, range_start)
        """,
    ),
    Check(
        "seals.count_their_leaves",
        "audit_seals",
        "A seal has as many leaves as it counted, in their places from 0 on.",
        """
        SELECT s.id, count(l.audit_id) || ' up to place ' || coalesce(max(l.position)::text, 'none'), s.row_count
        FROM audit_seals s LEFT JOIN audit_leaves l ON l.seal_number = s.number
        GROUP BY s.id HAVING (count(l.audit_id), coalesce(max(l.position), -1)) <> (s.row_count, s.row_count - 1)
        """,
    ),
    Check(
        "seals.have_their_rows",
        "audit_leaves",
        "Every row that was sealed is in the log, and its leaf under a seal.",
        f"""
        SELECT l.audit_id, 'sealed by ' || l.seal_number || ', gone', 'in audit_logs' FROM audit_leaves l
        WHERE NOT EXISTS (SELECT FROM audit_logs a WHERE a.id = l.audit_id)
        UNION ALL SELECT audit_id, 'under seal ' || seal_number || ', which is gone', 'in audit_seals'
        FROM ({STRAY_LEAVES.text}) s
        """,
    ),
    Check(
        "records.are_sealed",
        "audit_logs",
        "No row slipped into a time that was sealed without it.",
        """
        SELECT a.id, a.action || ' at ' || a.created_at, 'a leaf under its seal' FROM audit_logs a
        WHERE a.created_at < (SELECT max(range_end) FROM audit_seals)
          AND NOT EXISTS (SELECT FROM audit_leaves l WHERE l.audit_id = a.id)
        """,
    ),
]
