"""What holds for subscriptions and invoices."""

from __future__ import annotations

from portal.checks import AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "subscriptions.are_one_a_person",
        "subscriptions",
        "A person has at most one subscription that gives access.",
        """
        SELECT id, 'one of ' || n, '1' FROM (
            SELECT id, count(*) OVER (PARTITION BY user_id) AS n FROM subscriptions
            WHERE status IN ('active', 'trialing', 'past_due')) s
        WHERE n > 1
        """,
    ),
    Check(
        "invoices.paid_are_paid",
        "invoices",
        "A paid invoice says when, and that all of it was paid.",
        """
        SELECT id, amount_paid || ' of ' || amount_due || ' ' || currency || ', ' || coalesce(paid_at::text, 'never'),
               'all of it, with the time'
        FROM invoices WHERE status = 'paid' AND (amount_paid < amount_due OR paid_at IS NULL)
        """,
    ),
]
