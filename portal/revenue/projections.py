# ruff: noqa: S608  (statements are put together from constants)
"""Dividends as the chain tells of them: deposits, distributions, credits, claims. Set-based, called by the indexer.

Reads the temporary table `staged_logs`, like `portal.nfts.projections`, and must run after it: who held which share
at a distribution is the owner of today, or, where the share moved after the distribution's place (block, log index),
the sender of the first such move. A distribution pays its floored amount per share to each of them:

    earned = sum over distributions of (per share x shares held there) + sum of amounts credited by name
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import live
from portal.chain.ids import ZERO, id_sql

CHAIN = "CAST(:chain AS text)"
REASON = "dividend"
MOMENT = "s.block_time + CAST((s.block_number % 1000) * 1000 + s.log_index % 1000 AS int) * interval '1 microsecond'"
"""A snapshot's time: its block's, with its place as microseconds, so that two deposits of a block, or of two blocks
that share a second, stay apart."""

CONTRACT = """
FROM staged_logs s
JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
WHERE s.kind = 'dividends' AND s.event =
"""

HOLDERS = f"""
WITH paid AS MATERIALIZED (
    SELECT s.block_number, s.log_index, {MOMENT} AS moment, c.master_id, c.id AS shares_id, c.contract_address
    FROM staged_logs s
    JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
    JOIN master_contracts c ON c.chain_id = :chain AND c.master_id = d.master_id
    WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed'
)
INSERT INTO nft_ownership_snapshots (
    id, master_id, token_id, chain_id, contract_address, owner_wallet, snapshot_timestamp, snapshot_block_number,
    snapshot_reason)
SELECT {id_sql("snapshot", CHAIN, "p.contract_address", "n.token_id", "p.block_number", "p.log_index")}, p.master_id,
       n.token_id, n.chain_id, p.contract_address, coalesce(l.from_wallet, n.current_owner_wallet), p.moment,
       p.block_number, '{REASON}'
FROM paid p
JOIN master_nfts n ON n.master_contract_id = p.shares_id
LEFT JOIN LATERAL (
    SELECT t.from_wallet FROM nft_transfers t
    WHERE t.master_nft_id = n.id AND (t.block_number, t.log_index) > (p.block_number, p.log_index)
    ORDER BY t.block_number, t.log_index LIMIT 1
) l ON true
WHERE coalesce(l.from_wallet, n.current_owner_wallet) <> '{ZERO}'
"""
"""The zero address stands for both shares that were not minted yet and shares handed back. A share moved a few times:
looking them up one by one costs the same for every plan, while a join of all later moves is quadratic in a bad one."""

EVENTS = f"""
INSERT INTO dividend_events (
    id, master_id, dividend_contract_id, event_type, chain_id, contract_address, tx_hash, block_number, log_index,
    block_timestamp, total_amount, currency, claimant_wallet, per_token_amount, unminted_amount, carry_after,
    revenue_event_id, total_holders_at_distribution)
SELECT {id_sql("dividend", CHAIN, "s.tx_hash", "s.log_index")}, d.master_id, d.id, e.kind, d.chain_id, s.address,
       s.tx_hash, s.block_number, s.log_index, s.block_time, s.amount, s.currency, s.wallet, s.per_share, s.unminted,
       s.carry, r.id, CASE e.kind WHEN 'distribution' THEN (
           SELECT count(DISTINCT h.owner_wallet) FROM nft_ownership_snapshots h
           WHERE h.master_id = d.master_id AND h.chain_id = :chain AND h.snapshot_timestamp = {MOMENT}
             AND h.snapshot_reason = '{REASON}') END
FROM staged_logs s
JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
JOIN (VALUES ('RevenueDeposited', 'deposit'), ('DividendsDistributed', 'distribution'), ('DividendClaimed', 'claim'))
  AS e (event, kind) ON e.event = s.event
LEFT JOIN revenue_events r ON r.master_id = d.master_id
 AND r.id = CASE WHEN s.ref LIKE '0x' || repeat('0', 32) || '%' THEN CAST(substr(s.ref, 35) AS uuid) END
WHERE s.kind = 'dividends'
"""
"""A deposit's `ref` is its revenue event's id, 16 bytes, padded with zeros on the left."""

CLAIMS = f"""
INSERT INTO dividend_claims (
    id, wallet_address, master_id, dividend_contract_id, amount_claimed, currency, tx_hash, log_index, block_number,
    block_timestamp, chain_id)
SELECT {id_sql("claim", CHAIN, "s.tx_hash", "s.log_index")}, s.wallet, d.master_id, d.id, s.amount, s.currency,
       s.tx_hash, s.log_index, s.block_number, s.block_time, d.chain_id
{CONTRACT} 'DividendClaimed'
"""

EARNED = f"""
SELECT contract_id, master_id, currency, wallet, sum(amount) AS amount, max(held) AS held FROM (
    SELECT d.id AS contract_id, d.master_id, s.currency, h.owner_wallet AS wallet, s.per_share * count(*) AS amount,
           count(*) AS held
    FROM staged_logs s
    JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
    JOIN nft_ownership_snapshots h ON h.master_id = d.master_id AND h.chain_id = :chain
     AND h.snapshot_timestamp = {MOMENT} AND h.snapshot_reason = '{REASON}'
    WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed' AND s.per_share > 0
    GROUP BY d.id, d.master_id, s.currency, h.owner_wallet, s.block_number, s.log_index, s.per_share
    UNION ALL
    SELECT d.id, d.master_id, s.currency, s.wallet, s.amount, 0 {CONTRACT} 'Credited'
) parts GROUP BY contract_id, master_id, currency, wallet
"""

EARN = f"""
INSERT INTO wallet_dividend_balances AS b (
    id, wallet_address, master_id, dividend_contract_id, chain_id, currency, total_earned, claimable_amount,
    tokens_held)
SELECT {id_sql("balance", "e.contract_id", "e.wallet", "e.currency")}, e.wallet, e.master_id, e.contract_id, :chain,
       e.currency, e.amount, e.amount, e.held
FROM ({EARNED}) e
ON CONFLICT (wallet_address, dividend_contract_id, currency) DO UPDATE
SET total_earned = b.total_earned + excluded.total_earned,
    claimable_amount = b.claimable_amount + excluded.claimable_amount, updated_at = now()
"""

UNEARN = f"""
UPDATE wallet_dividend_balances b
SET total_earned = b.total_earned - e.amount, claimable_amount = b.claimable_amount - e.amount, updated_at = now()
FROM ({EARNED}) e
WHERE b.wallet_address = e.wallet AND b.dividend_contract_id = e.contract_id AND b.currency = e.currency
"""

CLAIMED = f"""
SELECT d.id AS contract_id, s.currency, s.wallet, sum(s.amount) AS amount {CONTRACT} 'DividendClaimed'
GROUP BY d.id, s.currency, s.wallet
"""

CLAIM = f"""
UPDATE wallet_dividend_balances b
SET total_claimed = b.total_claimed + :sign * c.amount, claimable_amount = b.claimable_amount - :sign * c.amount,
    last_claimed_at = l.block_timestamp, last_claim_tx_hash = l.tx_hash, updated_at = now()
FROM ({CLAIMED}) c
LEFT JOIN LATERAL (
    SELECT p.block_timestamp, p.tx_hash FROM dividend_claims p
    WHERE p.wallet_address = c.wallet AND p.dividend_contract_id = c.contract_id AND p.currency = c.currency
    ORDER BY p.block_number DESC, p.log_index DESC LIMIT 1
) l ON true
WHERE b.wallet_address = c.wallet AND b.dividend_contract_id = c.contract_id AND b.currency = c.currency
"""

UNKNOWN_CLAIMERS = f"""
INSERT INTO wallet_dividend_balances (
    id, wallet_address, master_id, dividend_contract_id, chain_id, currency, total_claimed, claimable_amount)
SELECT {id_sql("balance", "d.id", "s.wallet", "s.currency")}, s.wallet, d.master_id, d.id, :chain, s.currency,
       s.amount, -s.amount
{CONTRACT} 'DividendClaimed' AND NOT EXISTS (
    SELECT FROM wallet_dividend_balances b
    WHERE b.wallet_address = s.wallet AND b.dividend_contract_id = d.id AND b.currency = s.currency)
"""
"""Whoever claims without having earned breaks a check here: such a log cannot be true."""

TOKENS_HELD = """
UPDATE wallet_dividend_balances b SET tokens_held = h.held, updated_at = now()
FROM (
    SELECT w.id, count(n.id) AS held
    FROM (
        SELECT t.id, t.wallet_address, m.shares_id
        FROM (
            SELECT d.id AS contract_id, c.id AS shares_id, s.wallet
            FROM (
                SELECT s.address, s.sender AS wallet FROM staged_logs s
                WHERE s.kind = 'shares' AND s.event = 'Transfer'
                UNION
                SELECT s.address, s.receiver FROM staged_logs s WHERE s.kind = 'shares' AND s.event = 'Transfer'
            ) s
            JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.address
            JOIN dividend_contracts d ON d.chain_id = :chain AND d.master_id = c.master_id
            UNION
            SELECT d.id, c.id, s.wallet
            FROM staged_logs s
            JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
            JOIN master_contracts c ON c.chain_id = :chain AND c.master_id = d.master_id
            WHERE s.kind = 'dividends' AND s.event = 'Credited'
        ) m
        JOIN wallet_dividend_balances t ON t.dividend_contract_id = m.contract_id AND t.wallet_address = m.wallet
    ) w
    LEFT JOIN master_nfts n ON n.master_contract_id = w.shares_id AND n.current_owner_wallet = w.wallet_address
    GROUP BY w.id
) h
WHERE b.id = h.id AND b.tokens_held <> h.held
"""
"""Of those who have a balance; how many shares they hold is counted at once, not wallet by wallet."""

TOTALS = """
UPDATE dividend_contracts t
SET total_revenue_deposited = x.deposited, total_dividends_distributed = x.deposited - x.carry, updated_at = now()
FROM (
    SELECT d.id, coalesce(sum(e.total_amount) FILTER (WHERE e.event_type = 'deposit'), 0) AS deposited, coalesce((
        SELECT l.carry_after FROM dividend_events l
        WHERE l.dividend_contract_id = d.id AND l.event_type = 'distribution' AND l.currency = f.currency
        ORDER BY l.block_number DESC, l.log_index DESC LIMIT 1), 0) AS carry
    FROM dividend_contracts d
    LEFT JOIN LATERAL (
        SELECT e.currency FROM dividend_events e WHERE e.dividend_contract_id = d.id AND e.event_type = 'deposit'
        ORDER BY e.block_number, e.log_index LIMIT 1
    ) f ON true
    LEFT JOIN dividend_events e ON e.dividend_contract_id = d.id AND e.currency = f.currency
    WHERE d.chain_id = :chain AND d.contract_address IN (
        SELECT s.address FROM staged_logs s WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed')
    GROUP BY d.id, f.currency
) x
WHERE t.id = x.id
"""
"""Currencies never mix in a sum: the two totals are those of the contract's first currency, and all of a deposit
but the carry is distributed. `dividend_events` holds the others."""

FORGET = (
    "DELETE FROM dividend_claims WHERE chain_id = :chain AND block_number > :fork",
    "DELETE FROM dividend_events WHERE chain_id = :chain AND block_number > :fork",
)
FORGET_SNAPSHOTS = f"""
DELETE FROM nft_ownership_snapshots h
USING staged_logs s
JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed' AND h.master_id = d.master_id AND h.chain_id = :chain
  AND h.snapshot_timestamp = {MOMENT} AND h.snapshot_reason = '{REASON}'
"""
FORGET_EMPTY = """
DELETE FROM wallet_dividend_balances b
WHERE b.total_earned = 0 AND b.total_claimed = 0
  AND b.dividend_contract_id IN (
    SELECT d.id FROM dividend_contracts d JOIN staged_logs s ON s.address = d.contract_address
    WHERE d.chain_id = :chain AND s.kind = 'dividends')
"""

CREDITED = """
SELECT w.user_id, b.master_id, b.currency, sum(b.claimable_amount)
FROM wallet_dividend_balances b
JOIN user_wallets w ON w.wallet_address = b.wallet_address AND w.chain_id = b.chain_id AND w.verified
WHERE (w.user_id, b.dividend_contract_id) IN (
    SELECT u.user_id, d.id
    FROM staged_logs s
    JOIN dividend_contracts d ON d.chain_id = :chain AND d.contract_address = s.address
    JOIN wallet_dividend_balances t ON t.dividend_contract_id = d.id
     AND (s.event = 'DividendsDistributed' OR t.wallet_address = s.wallet)
    JOIN user_wallets u ON u.wallet_address = t.wallet_address AND u.chain_id = t.chain_id AND u.verified
    WHERE s.kind = 'dividends')
GROUP BY w.user_id, b.master_id, b.currency
"""


def apply(session: Session, chain_id: str) -> None:
    """Deposits, distributions, credits and claims; then the figures that follow from them.

    Raises IntegrityError for a log that cannot be true: a claim of more than was earned.
    """
    _run(session, chain_id, HOLDERS, EVENTS, CLAIMS, EARN, UNKNOWN_CLAIMERS, CLAIM, TOKENS_HELD, TOTALS)


def undo(session: Session, chain_id: str, fork: int) -> None:
    """Take back what `staged_logs` (all logs after block `fork`) did, while the shares still are as they were."""
    values = {"chain": chain_id, "fork": fork}
    for statement in FORGET:
        session.execute(sa.text(statement), values)
    _run(session, chain_id, CLAIM, UNEARN, FORGET_SNAPSHOTS, TOTALS, sign=-1)


def tidy(session: Session, chain_id: str) -> None:
    """After the shares were undone too and pages were told: shares held now, and no row that says nothing."""
    _run(session, chain_id, TOKENS_HELD, FORGET_EMPTY)


def announce(session: Session, chain_id: str, seq: int) -> None:
    """Tell people whose balances `staged_logs` changed what waits for them now, over all their wallets."""
    for user_id, master_id, currency, claimable in session.execute(sa.text(CREDITED), {"chain": chain_id}):
        payload = {
            "type": "dividend.credited",
            "masterId": str(master_id),
            "currency": currency,
            "claimable": str(int(claimable)),
            "seq": seq,
        }
        live.publish(session, f"user:{user_id}", f"{master_id}:{currency}", payload)


def _run(session: Session, chain_id: str, *statements: str, sign: int = 1) -> None:
    for statement in statements:
        session.execute(sa.text(statement), {"chain": chain_id, "sign": sign})
