# ruff: noqa: S608  (statements are put together from constants)
"""Coins as the chain tells of them: transfers, balances and how many hold one. Set-based, called by the indexer.

Reads the temporary table `staged_logs`, like `portal.nfts.projections`.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.ids import ZERO, id_sql

CHAIN = "CAST(:chain AS text)"
COIN = "FROM staged_logs s WHERE s.kind = 'coin' AND s.event = 'Transfer'"

TRANSFERS = f"""
INSERT INTO token_transfers (
    id, artist_token_id, chain_id, contract_address, from_wallet, to_wallet, amount, tx_hash, block_number,
    log_index, block_timestamp)
SELECT {id_sql("coin", CHAIN, "s.tx_hash", "s.log_index")}, s.contract_id, :chain, s.address, s.sender, s.receiver,
       s.amount, s.tx_hash, s.block_number, s.log_index, s.block_time
{COIN}
"""

NEW_HOLDERS = f"""
INSERT INTO token_holders (id, artist_token_id, wallet_address, chain_id, first_acquired_at, first_acquired_tx_hash)
SELECT DISTINCT ON (token, wallet) {id_sql("holder", "token", "wallet")}, token, wallet, :chain, block_time, tx_hash
FROM (
    SELECT s.contract_id AS token, s.receiver AS wallet, s.block_time, s.tx_hash, s.block_number, s.log_index {COIN}
    UNION ALL
    SELECT s.contract_id, s.sender, NULL, NULL, NULL, NULL {COIN}
) moves WHERE wallet <> '{ZERO}'
ORDER BY token, wallet, block_number, log_index
ON CONFLICT (artist_token_id, wallet_address) DO NOTHING
"""
"""A sender that never received gets a row too, and then breaks its check: such a log cannot be true."""

BALANCES = f"""
UPDATE token_holders h SET balance = h.balance + :sign * d.change, updated_at = now()
FROM (
    SELECT token, wallet, sum(change) AS change FROM (
        SELECT s.contract_id AS token, s.receiver AS wallet, s.amount AS change {COIN}
        UNION ALL
        SELECT s.contract_id, s.sender, -s.amount {COIN}
    ) moves WHERE wallet <> '{ZERO}' GROUP BY token, wallet
) d
WHERE h.artist_token_id = d.token AND h.wallet_address = d.wallet AND d.change <> 0
"""

FORGET_TRANSFERS = "DELETE FROM token_transfers WHERE chain_id = :chain AND block_number > :fork"

FORGET_HOLDERS = f"""
DELETE FROM token_holders h
WHERE (h.artist_token_id, h.wallet_address) IN (SELECT s.contract_id, s.receiver {COIN})
  AND NOT EXISTS (SELECT FROM token_transfers t
                  WHERE t.artist_token_id = h.artist_token_id AND t.to_wallet = h.wallet_address)
"""

HOLDERS = f"""
UPDATE artist_tokens a SET holders_count = (
    SELECT count(*) FROM token_holders h WHERE h.artist_token_id = a.id AND h.balance > 0), updated_at = now()
WHERE a.id IN (SELECT s.contract_id {COIN})
"""


def apply(session: Session, chain_id: str) -> None:
    """Coins moved. Raises IntegrityError for a log that cannot be true: a balance below zero."""
    values = {"chain": chain_id, "sign": 1}
    for statement in (TRANSFERS, NEW_HOLDERS, BALANCES, HOLDERS):
        session.execute(sa.text(statement), values)


def undo(session: Session, chain_id: str, fork: int) -> None:
    """Take back what `staged_logs` (all logs after block `fork`) did."""
    values = {"chain": chain_id, "fork": fork, "sign": -1}
    for statement in (FORGET_TRANSFERS, BALANCES, FORGET_HOLDERS, HOLDERS):
        session.execute(sa.text(statement), values)
