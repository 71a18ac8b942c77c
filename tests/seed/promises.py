"""What the demo data promises, asked of the database by SQL."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from portal.db import db

COUNTERS = {
    "masters of an artist": """
        SELECT slug FROM artists a WHERE total_masters <> (SELECT count(*) FROM masters m WHERE m.artist_id = a.id)""",
    "followers": """
        SELECT slug FROM artists a
        WHERE follower_count <> (SELECT count(*) FROM artist_follows f WHERE f.artist_id = a.id)""",
    "minted supply": """
        SELECT id FROM master_ipos i
        WHERE minted_supply <> (SELECT count(*) FROM master_nfts n WHERE n.master_id = i.master_id)""",
    "shares for sale": """
        SELECT id FROM master_nfts n WHERE (listing_status = 'listed') <> EXISTS (
            SELECT FROM nft_orders o WHERE o.master_nft_id = n.id AND o.kind = 'listing' AND o.status = 'open'
              AND (o.maker_wallet, o.price, o.currency)
                = (n.current_owner_wallet, n.listing_price_wei, n.listing_currency))""",
    "votes of a room": """
        SELECT title FROM vstudio_sessions s
        WHERE total_votes <> (SELECT count(*) FROM vstudio_votes v WHERE v.vstudio_session_id = s.id)""",
    "participants of a room": """
        SELECT title FROM vstudio_sessions s
        WHERE participant_count <> (SELECT count(*) FROM vstudio_participants p WHERE p.vstudio_session_id = s.id)""",
    "votes of a participant": """
        SELECT id FROM vstudio_participants p WHERE votes_count <> (
            SELECT count(*) FROM vstudio_votes v
            WHERE v.vstudio_session_id = p.vstudio_session_id AND v.user_id = p.user_id)""",
    "claims": """
        SELECT id FROM wallet_dividend_balances b
        WHERE claimable_amount <> total_earned - total_claimed OR total_claimed <> (
            SELECT coalesce(sum(amount_claimed), 0) FROM dividend_claims c
            WHERE (c.wallet_address, c.dividend_contract_id, c.currency)
                = (b.wallet_address, b.dividend_contract_id, b.currency))""",
    "shares held": """
        SELECT id FROM wallet_dividend_balances b WHERE tokens_held <> (
            SELECT count(*) FROM master_nfts n
            WHERE n.master_id = b.master_id AND n.current_owner_wallet = b.wallet_address)""",
    "deposits": """
        SELECT id FROM dividend_contracts d WHERE total_revenue_deposited <> (
            SELECT coalesce(sum(total_amount), 0) FROM dividend_events e
            WHERE e.dividend_contract_id = d.id AND e.event_type = 'deposit')""",
    "earned is deposited but for the carry": """
        SELECT id FROM dividend_contracts d WHERE total_dividends_distributed <> (
            SELECT coalesce(sum(total_earned), 0) FROM wallet_dividend_balances b
            WHERE b.dividend_contract_id = d.id)""",
    "postings sum to zero": """
        SELECT posting_id FROM ledger_entries GROUP BY posting_id, currency HAVING sum(amount) <> 0""",
}
"""Each finds the rows whose counter is not what its rows say."""

SHOWN: dict[str, list[tuple[Any, ...]]] = {
    "SELECT m.status || '/' || i.status, count(*) FROM masters m JOIN master_ipos i ON i.master_id = m.id GROUP BY 1": [
        ("approved/scheduled", 2),
        ("archived/draft", 1),
        ("draft/draft", 2),
        ("live/cancelled", 1),
        ("live/closed", 1),
        ("live/live", 2),
        ("pending/draft", 1),
    ],
    "SELECT count(*), count(DISTINCT palette) FROM artists": [(4, 4)],
    """SELECT count(DISTINCT n.current_owner_wallet), count(*), count(DISTINCT n.minted_at) FROM master_nfts n
       JOIN master_ipos i ON i.master_id = n.master_id WHERE i.status = 'closed'""": [(12, 100, 12)],
    "SELECT count(*) FROM master_contracts": [(6,)],
    "SELECT kind, status, count(*) FROM nft_orders GROUP BY 1, 2": [
        ("listing", "open", 1),
        ("listing", "sold", 1),
        ("offer", "sold", 1),
    ],
    """SELECT count(*), min(block_timestamp) < now() - interval '100 days',
       max(block_timestamp) > now() - interval '1 day' FROM nft_transfers WHERE transfer_type = 'sale'""": [
        (2, True, True)
    ],
    "SELECT status, count(*) FROM revenue_events GROUP BY 1": [("distributed", 3), ("pending", 1)],
    """SELECT count(DISTINCT date_trunc('month', block_timestamp)), max(block_timestamp) > now() - interval '7 days',
       min(block_timestamp) BETWEEN now() - interval '100 days' AND now() - interval '60 days', count(*)
       FROM dividend_events WHERE event_type = 'distribution'""": [(3, True, True, 3)],
    """SELECT count(*) FROM revenue_events r JOIN dividend_events e ON e.revenue_event_id = r.id
       WHERE e.event_type = 'deposit' AND r.deposited_at = e.block_timestamp""": [(3,)],
    "SELECT count(*), count(DISTINCT wallet_address) FROM dividend_claims": [(6, 5)],
    "SELECT max(block_timestamp) < now() - interval '20 days' FROM dividend_claims": [(True,)],
    "SELECT status, count(*) FROM vstudio_sessions GROUP BY 1": [("completed", 1), ("live", 1), ("scheduled", 1)],
    """SELECT d.type, d.is_active, d.revealed_at IS NOT NULL FROM vstudio_decision_points d
       JOIN vstudio_sessions s ON s.id = d.vstudio_session_id WHERE s.status = 'live'""": [
        ("binary", False, True),
        ("open_text", True, False),
        ("poll", True, False),
        ("ranking", True, False),
        ("slider", True, False),
    ],
    "SELECT count(*) > 60, min(weight) = 1, max(weight) = 2 FROM vstudio_votes": [(True, True, True)],
    "SELECT count(*) FROM vstudio_decision_points WHERE results_computed_at IS NOT NULL": [(2,)],
    """SELECT p.slug, s.status, count(*) FROM subscriptions s JOIN subscription_plans p ON p.id = s.plan_id
       GROUP BY 1, 2""": [("enterprise", "active", 1), ("pro", "active", 4), ("pro", "trialing", 2)],
    "SELECT count(*) FROM users u JOIN user_wallets w ON w.user_id = u.id AND w.verified WHERE u.email LIKE 'fan%'": [
        (12,)
    ],
    "SELECT u.email, g.permission FROM permission_grants g JOIN users u ON u.id = g.user_id": [
        ("finance@example.org", "finance:read"),
        ("finance@example.org", "finance:verify"),
        ("security@example.org", "security:read"),
    ],
    """SELECT u.email FROM users u JOIN user_roles g ON g.user_id = u.id JOIN roles r ON r.id = g.role_id
       WHERE r.name = 'admin'""": [("admin@example.org",)],
    "SELECT count(*) FROM outbox WHERE failed_at IS NOT NULL": [(0,)],
}
"""What everybody may count on, with the rows in order."""

MOVING = {"chain_blocks", "chain_cursors", "periodic", "alembic_version"}
"""Tables that say what time it is."""


def keep() -> None:
    """Fails where a promise is broken, naming it."""
    for name, query in COUNTERS.items():
        assert _rows(query) == [], name
    for query, rows in SHOWN.items():
        assert _rows(query) == rows, query


def everything() -> dict[str, Any]:
    """Table -> how many rows and what is in them."""
    tables = _rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    digest = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} t"
    return {name: _rows(digest.format(name)) for (name,) in tables if name not in MOVING}


def _rows(query: str) -> list[tuple[Any, ...]]:
    db.session.remove()
    return sorted(tuple(row) for row in db.session.execute(sa.text(query)))
