"""What the shares of one person earned and what the person fetched, reckoned from the mirrors of the chain.

A share earns for whoever holds it at the distribution's place on the chain (block, log index): holdings there are
the moves into the person's wallets before that place, less the moves out. Wallets named in a deposit (artist,
collaborators) are credited besides, and the artist for the shares that nobody held.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts.models import UserWallet
from portal.db import Units
from portal.revenue.models import DividendClaim

ENTRIES = """
WITH mine AS (
    SELECT wallet_address, chain_id FROM user_wallets WHERE user_id = :user AND verified
), moves AS (
    SELECT t.master_id, t.chain_id, t.block_number, t.log_index,
           (SELECT count(*) FROM mine m WHERE m.wallet_address = t.to_wallet AND m.chain_id = t.chain_id)
         - (SELECT count(*) FROM mine m WHERE m.wallet_address = t.from_wallet AND m.chain_id = t.chain_id) AS change
    FROM nft_transfers t
    WHERE t.to_wallet IN (SELECT wallet_address FROM mine) OR t.from_wallet IN (SELECT wallet_address FROM mine)
), paid AS (
    SELECT d.*, r.period_start, r.metadata -> 'plan' -> 'parts' AS parts
    FROM dividend_events d LEFT JOIN revenue_events r ON r.id = d.revenue_event_id
    WHERE d.event_type = 'distribution'
), dividends AS (
    SELECT d.id, 'dividend' AS kind, d.master_id, d.currency, sum(m.change)::bigint AS shares,
           d.per_token_amount AS per_share, sum(m.change) * d.per_token_amount AS amount,
           d.block_timestamp AS at, d.period_start, d.block_number, d.log_index, d.tx_hash
    FROM paid d JOIN moves m ON m.master_id = d.master_id AND m.chain_id = d.chain_id
     AND (m.block_number, m.log_index) < (d.block_number, d.log_index)
    GROUP BY d.id, d.master_id, d.currency, d.per_token_amount, d.block_timestamp, d.period_start, d.block_number,
             d.log_index, d.tx_hash
    HAVING sum(m.change) > 0 AND d.per_token_amount > 0
), credits AS (
    SELECT d.id, 'credit' AS kind, d.master_id, d.currency, NULL::bigint AS shares, NULL::numeric AS per_share,
           coalesce((SELECT sum((p ->> 1)::numeric) FROM jsonb_array_elements(d.parts) p
                     WHERE p ->> 2 IN (SELECT wallet_address FROM mine)), 0)
         + CASE WHEN a.user_id = :user THEN coalesce(d.unminted_amount, 0) ELSE 0 END AS amount,
           d.block_timestamp AS at, d.period_start, d.block_number, d.log_index, d.tx_hash
    FROM paid d JOIN masters ON masters.id = d.master_id JOIN artists a ON a.id = masters.artist_id
    WHERE a.user_id = :user OR EXISTS (SELECT FROM jsonb_array_elements(d.parts) p
                                       WHERE p ->> 2 IN (SELECT wallet_address FROM mine))
), claims AS (
    SELECT c.id, 'claim' AS kind, c.master_id, c.currency, NULL::bigint AS shares, NULL::numeric AS per_share,
           -c.amount_claimed AS amount, c.block_timestamp AS at, NULL::timestamptz AS period_start, c.block_number,
           c.log_index, c.tx_hash
    FROM dividend_claims c JOIN mine m ON m.wallet_address = c.wallet_address AND m.chain_id = c.chain_id
), entries AS (
    SELECT * FROM dividends UNION ALL SELECT * FROM credits WHERE amount > 0 UNION ALL SELECT * FROM claims
)
"""
PAGE = """, numbered AS (
    SELECT e.*, sum(amount) OVER (PARTITION BY currency ORDER BY block_number, log_index, kind, id) AS balance
    FROM entries e
)
SELECT n.id, n.kind, n.master_id, masters.title, masters.short_id, n.currency, n.shares, n.per_share, n.amount,
       n.balance, n.at, n.period_start, n.tx_hash, n.block_number, n.log_index
FROM numbered n JOIN masters ON masters.id = n.master_id
WHERE n.kind = ANY(:kinds)
  AND (CAST(:block AS numeric) IS NULL OR (n.block_number, n.log_index, n.kind, n.id)
       < (CAST(:block AS numeric), CAST(:log AS int), CAST(:kind AS text), CAST(:id AS uuid)))
ORDER BY n.block_number DESC, n.log_index DESC, n.kind DESC, n.id DESC
LIMIT :limit
"""
BY_MONTH = """
SELECT date_trunc('month', at)::date AS month, currency, sum(amount) AS amount
FROM entries WHERE kind <> 'claim' AND at >= date_trunc('month', now()) - make_interval(0, :months - 1)
GROUP BY 1, 2 ORDER BY 1, 2
"""
EARNED = ("dividend", "credit")
EVERYTHING = (*EARNED, "claim")
Place = tuple[int, int, str, uuid.UUID]


@dataclass(frozen=True)
class Entry:
    """One line of a person's book. `amount` is negative for a claim; `balance` is what waited after it, of all
    masters in that currency. `shares` and `per_share` are None where it is no dividend of shares."""

    id: uuid.UUID
    kind: str
    master_id: uuid.UUID
    title: str
    short_id: str
    currency: str
    shares: int | None
    per_share: int | None
    amount: int
    balance: int
    at: dt.datetime
    period_start: dt.datetime | None
    tx_hash: str
    place: Place


def entries(
    session: Session,
    user_id: uuid.UUID,
    limit: int,
    after: Place | None = None,
    kinds: Sequence[str] = EVERYTHING,
) -> list[Entry]:
    """A person's book, the newest line first, from the line after `after`: dividends, credits and claims."""
    block, log_index, kind, row_id = after or (None, None, None, None)
    rows = session.execute(
        sa.text(ENTRIES + PAGE),
        {
            "user": user_id,
            "kinds": list(kinds),
            "block": block,
            "log": log_index,
            "kind": kind,
            "id": row_id,
            "limit": limit,
        },
    )
    return [_entry(row) for row in rows]


def claims(
    session: Session, user_id: uuid.UUID, limit: int, after: tuple[int, int] | None = None
) -> list[DividendClaim]:
    """Payments to a person's own wallets, the newest first, from the one after (block, log index) `after`."""
    c, place = DividendClaim, sa.tuple_(DividendClaim.block_number, DividendClaim.log_index)
    mine = sa.and_(UserWallet.wallet_address == c.wallet_address, UserWallet.chain_id == c.chain_id)
    statement = sa.select(c).join(UserWallet, mine).where(UserWallet.user_id == user_id, UserWallet.verified)
    if after is not None:
        statement = statement.where(place < sa.tuple_(*after))
    return list(session.scalars(statement.order_by(c.block_number.desc(), c.log_index.desc()).limit(limit)))


def earned_by_month(session: Session, user_id: uuid.UUID, months: int = 12) -> list[tuple[dt.date, str, int]]:
    """(first of the month, currency, what came in) of the last months by the chain's clock, the oldest first."""
    statement = sa.text(ENTRIES + BY_MONTH).columns(month=sa.Date(), currency=sa.String(), amount=Units())
    rows = session.execute(statement, {"user": user_id, "months": months})
    return [(row.month, row.currency, row.amount) for row in rows]


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    found = dict(row._mapping)
    block, log_index = int(found.pop("block_number")), found.pop("log_index")
    for name in ("per_share", "amount", "balance"):
        found[name] = None if found[name] is None else int(found[name])
    return Entry(**found, place=(block, log_index, found["kind"], found["id"]))
