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
MOVE = "s.kind = 'shares' AND s.event = 'Transfer'"
REASON = "dividend"
MOMENT = "s.block_time + CAST((s.block_number % 1000) * 1000 + s.log_index % 1000 AS int) * interval '1 microsecond'"
"""A snapshot's time: its block's, with its place as microseconds, so that two deposits of a block, or of two blocks
that share a second, stay apart."""

DIVIDENDS = "FROM staged_logs s WHERE s.kind = 'dividends'"

HOLDERS = f"""
WITH paid AS MATERIALIZED (
    SELECT s.block_number, s.log_index, {MOMENT} AS moment, s.master_id
    {DIVIDENDS} AND s.event = 'DividendsDistributed'
)
INSERT INTO nft_ownership_snapshots (
    id, master_id, token_id, chain_id, contract_address, owner_wallet, snapshot_timestamp, snapshot_block_number,
    snapshot_reason)
SELECT {id_sql("snapshot", CHAIN, "n.contract_address", "n.token_id", "p.block_number", "p.log_index")}, p.master_id,
       n.token_id, n.chain_id, n.contract_address, coalesce(l.from_wallet, n.current_owner_wallet), p.moment,
       p.block_number, '{REASON}'
FROM paid p
JOIN master_nfts n ON n.master_id = p.master_id AND n.chain_id = :chain
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
SELECT {id_sql("dividend", CHAIN, "s.tx_hash", "s.log_index")}, s.master_id, s.contract_id, e.kind, :chain, s.address,
       s.tx_hash, s.block_number, s.log_index, s.block_time, s.amount, s.currency, s.wallet, s.per_share, s.unminted,
       s.carry, r.id, CASE e.kind WHEN 'distribution' THEN (
           SELECT count(DISTINCT h.owner_wallet) FROM nft_ownership_snapshots h
           WHERE h.master_id = s.master_id AND h.chain_id = :chain AND h.snapshot_timestamp = {MOMENT}
             AND h.snapshot_reason = '{REASON}') END
FROM staged_logs s
JOIN (VALUES ('RevenueDeposited', 'deposit'), ('DividendsDistributed', 'distribution'), ('DividendClaimed', 'claim'))
  AS e (event, kind) ON e.event = s.event
LEFT JOIN revenue_events r ON r.master_id = s.master_id
 AND r.id = CASE WHEN s.ref LIKE '0x' || repeat('0', 32) || '%' THEN CAST(substr(s.ref, 35) AS uuid) END
WHERE s.kind = 'dividends'
"""
"""A deposit's `ref` is its revenue event's id, 16 bytes, padded with zeros on the left."""

CLAIMS = f"""
INSERT INTO dividend_claims (
    id, wallet_address, master_id, dividend_contract_id, amount_claimed, currency, tx_hash, log_index, block_number,
    block_timestamp, chain_id)
SELECT {id_sql("claim", CHAIN, "s.tx_hash", "s.log_index")}, s.wallet, s.master_id, s.contract_id, s.amount, s.currency,
       s.tx_hash, s.log_index, s.block_number, s.block_time, :chain
{DIVIDENDS} AND s.event = 'DividendClaimed'
"""

EARNED = f"""
SELECT s.contract_id, s.master_id, h.owner_wallet AS wallet, s.currency, s.per_share * count(*) AS amount
FROM staged_logs s
JOIN nft_ownership_snapshots h ON h.master_id = s.master_id AND h.chain_id = :chain
 AND h.snapshot_timestamp = {MOMENT} AND h.snapshot_reason = '{REASON}'
WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed' AND s.per_share > 0
GROUP BY s.contract_id, s.master_id, h.owner_wallet, s.currency, s.block_number, s.log_index, s.per_share
UNION ALL
SELECT s.contract_id, s.master_id, s.wallet, s.currency, s.amount {DIVIDENDS} AND s.event = 'Credited'
"""

MOVED = f"""
SELECT m.master_id, m.wallet, sum(m.shares) AS shares
FROM (
    SELECT s.master_id, s.receiver AS wallet, 1 AS shares FROM staged_logs s WHERE {MOVE}
    UNION ALL
    SELECT s.master_id, s.sender, -1 FROM staged_logs s WHERE {MOVE}
) m
WHERE m.wallet <> '{ZERO}' GROUP BY m.master_id, m.wallet HAVING sum(m.shares) <> 0
"""

CHANGES = f"""
SELECT g.*, l.block_timestamp AS claimed_at, l.tx_hash AS claim_tx_hash
FROM (
    SELECT contract_id, master_id, wallet, currency, sum(earned) AS earned, sum(claimed) AS claimed,
           CAST(sum(shares) AS int) AS shares
    FROM (
        SELECT e.contract_id, e.master_id, e.wallet, e.currency, e.amount AS earned, 0 AS claimed, 0 AS shares
        FROM ({EARNED}) e
        UNION ALL
        SELECT s.contract_id, s.master_id, s.wallet, s.currency, 0, s.amount, 0
        {DIVIDENDS} AND s.event = 'DividendClaimed'
        UNION ALL
        SELECT b.dividend_contract_id, b.master_id, b.wallet_address, b.currency, 0, 0, m.shares
        FROM ({MOVED}) m
        JOIN wallet_dividend_balances b
          ON b.wallet_address = m.wallet AND b.master_id = m.master_id AND b.chain_id = :chain
    ) parts GROUP BY contract_id, master_id, wallet, currency
) g
LEFT JOIN LATERAL (
    SELECT p.block_timestamp, p.tx_hash FROM dividend_claims p
    WHERE g.claimed > 0 AND p.wallet_address = g.wallet AND p.dividend_contract_id = g.contract_id
      AND p.currency = g.currency
    ORDER BY p.block_number DESC, p.log_index DESC LIMIT 1
) l ON true
"""
"""What the logs add to each balance, and the newest claim that is written. Shares are for those who have a balance:
whoever gets one gets it with the shares that are held then."""

BALANCES = f"""
WITH changes AS MATERIALIZED ({CHANGES}), changed AS (
    UPDATE wallet_dividend_balances b
    SET total_earned = b.total_earned + :sign * c.earned, total_claimed = b.total_claimed + :sign * c.claimed,
        claimable_amount = b.claimable_amount + :sign * (c.earned - c.claimed),
        tokens_held = b.tokens_held + :sign * c.shares,
        last_claimed_at = CASE WHEN c.claimed > 0 THEN c.claimed_at ELSE b.last_claimed_at END,
        last_claim_tx_hash = CASE WHEN c.claimed > 0 THEN c.claim_tx_hash ELSE b.last_claim_tx_hash END,
        updated_at = now()
    FROM changes c
    WHERE b.wallet_address = c.wallet AND b.dividend_contract_id = c.contract_id AND b.currency = c.currency
)
INSERT INTO wallet_dividend_balances (
    id, wallet_address, master_id, dividend_contract_id, chain_id, currency, total_earned, total_claimed,
    claimable_amount, last_claimed_at, last_claim_tx_hash, tokens_held)
SELECT {id_sql("balance", "c.contract_id", "c.wallet", "c.currency")}, c.wallet, c.master_id, c.contract_id, :chain,
       c.currency, :sign * c.earned, :sign * c.claimed, :sign * (c.earned - c.claimed), c.claimed_at, c.claim_tx_hash, (
           SELECT count(*) FILTER (WHERE n.master_id = c.master_id AND n.chain_id = :chain)
           FROM master_nfts n WHERE n.current_owner_wallet = c.wallet)
FROM changes c
WHERE NOT EXISTS (
    SELECT FROM wallet_dividend_balances b
    WHERE b.wallet_address = c.wallet AND b.dividend_contract_id = c.contract_id AND b.currency = c.currency)
"""
"""Every balance is written once. Whoever claims more than was earned breaks a check: such a log cannot be true."""

TOTALS = f"""
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
    WHERE d.id IN (SELECT s.contract_id {DIVIDENDS} AND s.event = 'DividendsDistributed')
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
WHERE s.kind = 'dividends' AND s.event = 'DividendsDistributed' AND h.master_id = s.master_id AND h.chain_id = :chain
  AND h.snapshot_timestamp = {MOMENT} AND h.snapshot_reason = '{REASON}'
"""
FORGET_EMPTY = f"""
DELETE FROM wallet_dividend_balances b
WHERE b.total_earned = 0 AND b.total_claimed = 0 AND b.dividend_contract_id IN (SELECT s.contract_id {DIVIDENDS})
"""

CREDITED = """
SELECT w.user_id, b.master_id, b.currency, sum(b.claimable_amount)
FROM wallet_dividend_balances b
JOIN user_wallets w ON w.wallet_address = b.wallet_address AND w.chain_id = b.chain_id AND w.verified
WHERE (w.user_id, b.dividend_contract_id) IN (
    SELECT u.user_id, s.contract_id
    FROM staged_logs s
    JOIN wallet_dividend_balances t ON t.dividend_contract_id = s.contract_id
     AND (s.event = 'DividendsDistributed' OR t.wallet_address = s.wallet)
    JOIN user_wallets u ON u.wallet_address = t.wallet_address AND u.chain_id = t.chain_id AND u.verified
    WHERE s.kind = 'dividends')
GROUP BY w.user_id, b.master_id, b.currency
"""


def apply(session: Session, chain_id: str) -> None:
    """Deposits, distributions, credits and claims; then the figures that follow from them.

    Raises IntegrityError for a log that cannot be true: a claim of more than was earned.
    """
    _run(session, chain_id, HOLDERS, EVENTS, CLAIMS, BALANCES, TOTALS)


def undo(session: Session, chain_id: str, fork: int) -> None:
    """Take back what `staged_logs` (all logs after block `fork`) did, while the shares still are as they were."""
    values = {"chain": chain_id, "fork": fork}
    for statement in FORGET:
        session.execute(sa.text(statement), values)
    _run(session, chain_id, BALANCES, FORGET_SNAPSHOTS, TOTALS, sign=-1)


def tidy(session: Session, chain_id: str) -> None:
    """After pages were told: no row that says nothing."""
    _run(session, chain_id, FORGET_EMPTY)


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
