"""What holds for people: one primary wallet, one person to a wallet, and no way in for who is gone."""

from __future__ import annotations

from portal.checks import AnyCheck, Check

CHECKS: list[AnyCheck] = [
    Check(
        "wallets.have_one_primary",
        "user_wallets",
        "A person has at most one primary wallet, and it is verified.",
        """
        SELECT id, CASE WHEN verified THEN 'one of ' || n || ' primary wallets' ELSE 'primary, not verified' END,
               'one, verified'
        FROM (SELECT id, verified, count(*) OVER (PARTITION BY user_id) AS n FROM user_wallets WHERE is_primary) w
        WHERE n > 1 OR NOT verified
        """,
    ),
    Check(
        "wallets.have_one_person",
        "user_wallets",
        "A wallet belongs to one person.",
        """
        SELECT id, wallet_address || ' of ' || n || ' people', '1' FROM (
            SELECT id, wallet_address, count(*) OVER (PARTITION BY lower(wallet_address), chain_id) AS n
            FROM user_wallets WHERE verified) w
        WHERE n > 1
        """,
    ),
    Check(
        "people.deleted_cannot_come_in",
        "users",
        "Who deleted the account has no open session, and says when it was.",
        """
        SELECT u.id, u.status || CASE WHEN u.deleted_at IS NULL THEN ' at no time' ELSE ' with an open session' END,
               'no session, and a time'
        FROM users u WHERE u.status = 'deleted' AND (u.deleted_at IS NULL OR EXISTS (
            SELECT FROM user_sessions s WHERE s.user_id = u.id AND s.revoked_at IS NULL))
        """,
    ),
]
