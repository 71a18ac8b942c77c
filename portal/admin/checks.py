# ruff: noqa: S608  (statements are put together from constants)
"""What holds for the work in the background that staff look after: nothing waits for ever or fails unheard."""

from __future__ import annotations

from portal.checks import LATE, AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "jobs.are_not_leased_for_ever",
        "outbox",
        "Whoever took a job finishes it or gives it back.",
        f"""
        SELECT id, job || ' taken by ' || runner || ' until ' || coalesce(leased_until::text, 'ever'), 'done or free'
        FROM outbox WHERE done_at IS NULL AND failed_at IS NULL AND runner IS NOT NULL
          AND (leased_until IS NULL OR leased_until < now() - {LATE})
        """,
    ),
    Check(
        "jobs.are_carried_out",
        "outbox",
        "A job that is due is carried out.",
        f"""
        SELECT id, job || ' due since ' || coalesce(not_before, created_at), 'done' FROM outbox
        WHERE done_at IS NULL AND failed_at IS NULL AND coalesce(not_before, created_at) < now() - {LATE}
        """,
    ),
    Check(
        "jobs.do_not_fail_unheard",
        "outbox",
        "A job that gave up says why, and a system event tells of it.",
        f"""
        SELECT o.id, o.job || ' failed: ' || coalesce(o.last_error, 'no reason'), 'a reason and a system event'
        FROM outbox o WHERE o.failed_at < now() - {LATE} AND (o.last_error IS NULL OR NOT EXISTS (
            SELECT FROM system_events e WHERE e.job_id = o.id::text OR e.source = left(o.dedupe, 100)))
        """,
    ),
    Check(
        "jobs.end_in_one_way",
        "outbox",
        "A job is done or failed, not both, and nobody holds it then.",
        """
        SELECT id, concat_ws(', ', job, 'done ' || done_at, 'failed ' || failed_at, 'held by ' || runner), 'one of them'
        FROM outbox WHERE (done_at IS NOT NULL AND failed_at IS NOT NULL)
           OR (runner IS NOT NULL AND num_nonnulls(done_at, failed_at) > 0)
        """,
    ),
    Check(
        "clock.strikes",
        "periodic",
        "The work of the clock comes in its time.",
        f"""
        SELECT name, 'due since ' || next_at, 'every ' || every_seconds || ' seconds' FROM periodic
        WHERE next_at < now() - {LATE}
        """,
    ),
    Check(
        "requests.are_answered_or_not",
        "idempotency_keys",
        "A key keeps a whole answer or none, and not in the future.",
        """
        SELECT id, coalesce(status::text, 'no status') || CASE WHEN body IS NULL THEN ' without' ELSE ' with' END
               || ' a body, ' || created_at, 'both or none'
        FROM idempotency_keys WHERE (status IS NULL) <> (body IS NULL) OR created_at > now() + interval '1 hour'
        """,
    ),
]
