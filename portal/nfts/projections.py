# ruff: noqa: S608  (statements are put together from constants)
"""Shares as the chain tells of them. The indexer calls this inside its transaction, set-based.

What came in lies in the session's temporary table `staged_logs` (`portal.indexer.staging` lists its columns):
decoded logs that were never projected before, all later than those that were. `apply` adds their effect and
`undo` takes the effect of orphaned logs back; neither reads anything but tables, so both can be repeated from
`chain_logs` at any time.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.ids import ZERO, id_sql
from portal.nfts import order_projections

CHAIN = "CAST(:chain AS text)"
NFT_ID = id_sql("nft", CHAIN, "s.address", "s.token_id")
MOVE = "s.kind = 'shares' AND s.event = 'Transfer'"
SOLD = "s.kind = 'market' AND s.event = 'Sold'"
MARKETPLACE = "AudiFi"

OWNERS = f"""
WITH last AS MATERIALIZED (
    SELECT DISTINCT ON (s.address, s.token_id) s.address, s.token_id, s.sender, s.receiver, s.block_number, s.block_time
    FROM staged_logs s WHERE {MOVE}
    ORDER BY s.address, s.token_id, s.block_number DESC, s.log_index DESC
), first AS MATERIALIZED (
    SELECT s.address, s.token_id, s.receiver, s.tx_hash, s.block_number, s.block_time, s.contract_id, s.master_id
    FROM staged_logs s WHERE {MOVE} AND s.sender = '{ZERO}'
), minted AS (
    INSERT INTO master_nfts (
        id, master_id, master_contract_id, token_id, chain_id, contract_address, current_owner_wallet,
        is_first_minter, is_second_minter, is_third_minter, original_minter_wallet, mint_tx_hash, minted_at_block,
        minted_at, mint_price_wei, last_indexed_block, last_indexed_at)
    SELECT {NFT_ID}, s.master_id, s.contract_id, s.token_id, :chain, s.address, l.receiver,
           s.token_id = 1, s.token_id = 2, s.token_id = 3, s.receiver, s.tx_hash, s.block_number,
           s.block_time, m.amount, l.block_number, l.block_time
    FROM first s
    JOIN last l ON l.address = s.address AND l.token_id = s.token_id
    LEFT JOIN staged_logs m ON m.kind = 'shares' AND m.event = 'Minted' AND m.tx_hash = s.tx_hash
     AND m.address = s.address AND s.token_id >= m.token_id AND s.token_id < m.token_id + m.count
)
UPDATE master_nfts n
SET current_owner_wallet = l.receiver, last_indexed_block = l.block_number, last_indexed_at = l.block_time,
    listing_status = 'not_listed', listing_price_wei = NULL, listing_currency = NULL, listed_at = NULL,
    updated_at = now()
FROM last l
WHERE n.chain_id = :chain AND n.contract_address = l.address AND n.token_id = l.token_id
"""
"""Mint with the owner at the end of the batch, and hand on what was there before: no row is written twice."""

MOVES = f"""
WITH traded AS (
    SELECT DISTINCT s.ref AS address, s.token_id FROM staged_logs s WHERE {SOLD}
), played AS (
    SELECT s.event, s.tx_hash, s.log_index, lead(s.event) OVER w AS next_event, lead(s.tx_hash) OVER w AS next_tx,
           lead(s.log_index) OVER w AS next_index
    FROM staged_logs s
    JOIN traded d ON d.address = CASE s.kind WHEN 'market' THEN s.ref ELSE s.address END AND d.token_id = s.token_id
    WHERE ({MOVE}) OR ({SOLD})
    WINDOW w AS (PARTITION BY d.address, d.token_id ORDER BY s.block_number, s.log_index)
), elsewhere AS (
    SELECT r.address, r.tx_hash, CASE WHEN count(*) = 1 THEN max(r.royalty) END AS royalty
    FROM (
        SELECT s.address, s.tx_hash, sum(s.amount) AS royalty
        FROM staged_logs s
        WHERE s.kind = 'shares' AND s.event = 'RoyaltyReceived' AND s.amount > 0 AND NOT EXISTS (
            SELECT FROM staged_logs m WHERE m.kind = 'market' AND m.event = 'Sold' AND m.tx_hash = s.tx_hash
              AND m.address = s.wallet)
        GROUP BY s.address, s.tx_hash
    ) r
    JOIN staged_logs m
      ON m.kind = 'shares' AND m.event = 'Transfer' AND m.tx_hash = r.tx_hash AND m.address = r.address
    GROUP BY r.address, r.tx_hash
)
INSERT INTO nft_transfers (
    id, master_nft_id, master_id, token_id, chain_id, contract_address, from_wallet, to_wallet, tx_hash,
    block_number, log_index, block_timestamp, transfer_type, sale_price_wei, sale_currency, marketplace,
    royalty_paid_wei, royalty_recipient)
SELECT {id_sql("transfer", CHAIN, "s.tx_hash", "s.log_index")}, {NFT_ID}, s.master_id, s.token_id, :chain,
       s.address, s.sender, s.receiver, s.tx_hash, s.block_number, s.log_index, s.block_time, k.type,
       o.amount, o.currency, CASE WHEN o.event IS NOT NULL THEN '{MARKETPLACE}' END, k.royalty,
       CASE WHEN k.royalty > 0 THEN s.address END
FROM staged_logs s
LEFT JOIN played p ON p.event = 'Transfer' AND p.next_event = 'Sold' AND p.next_tx = p.tx_hash
 AND p.tx_hash = s.tx_hash AND p.log_index = s.log_index
LEFT JOIN staged_logs o ON o.kind = 'market' AND o.event = 'Sold' AND o.tx_hash = p.next_tx
 AND o.log_index = p.next_index
LEFT JOIN elsewhere f ON f.address = s.address AND f.tx_hash = s.tx_hash
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.sender = '{ZERO}' THEN 'mint' WHEN s.receiver = '{ZERO}' THEN 'burn'
                WHEN o.event IS NOT NULL OR f.address IS NOT NULL THEN 'sale' ELSE 'transfer' END AS type,
           CASE WHEN o.event IS NOT NULL THEN o.royalty
                WHEN '{ZERO}' NOT IN (s.sender, s.receiver) THEN f.royalty END AS royalty
) k
WHERE {MOVE}
"""
"""A move is a sale where the market's `Sold` follows it in its transaction. One beside which native royalties came in
was sold elsewhere, for nobody here knows what; the royalty is told where it can only be this share's.

The share's id is reckoned, not looked up: a move of a share that was never minted breaks the foreign key."""

FORGET_MOVES = "DELETE FROM nft_transfers WHERE chain_id = :chain AND block_number > :fork"

FORGET_MINTS = f"""
DELETE FROM master_nfts n USING staged_logs s
WHERE {MOVE} AND s.sender = '{ZERO}'
  AND n.chain_id = :chain AND n.contract_address = s.address AND n.token_id = s.token_id
"""

GIVE_BACK = f"""
UPDATE master_nfts n
SET current_owner_wallet = l.to_wallet, last_indexed_block = l.block_number, last_indexed_at = l.block_timestamp,
    updated_at = now()
FROM (
    SELECT DISTINCT ON (t.master_nft_id) t.master_nft_id, t.to_wallet, t.block_number, t.block_timestamp
    FROM nft_transfers t WHERE t.master_nft_id IN (SELECT {NFT_ID} FROM staged_logs s WHERE {MOVE})
    ORDER BY t.master_nft_id, t.block_number DESC, t.log_index DESC
) l
WHERE n.id = l.master_nft_id
"""

MINTED_MASTERS = f"""
SELECT s.master_id FROM staged_logs s WHERE {MOVE} AND s.sender = '{ZERO}'
"""

MINTED_SUPPLY = f"""
UPDATE master_ipos i SET minted_supply = m.minted, updated_at = now()
FROM (
    SELECT c.master_id, sum(coalesce((
        SELECT max(n.token_id) FROM master_nfts n
        WHERE n.chain_id = c.chain_id AND n.contract_address = c.contract_address), 0)) AS minted
    FROM master_contracts c WHERE c.master_id IN ({MINTED_MASTERS}) GROUP BY c.master_id
) m
WHERE i.master_id = m.master_id AND i.minted_supply <> m.minted
"""
"""Token ids run from 1 without a gap, so the highest one is how many were minted."""

MINTERS = f"""
UPDATE master_contracts c
SET first_minter_wallet = m.first, second_minter_wallet = m.second, third_minter_wallet = m.third, updated_at = now()
FROM (
    SELECT k.id, min(n.original_minter_wallet) FILTER (WHERE n.token_id = 1) AS first,
           min(n.original_minter_wallet) FILTER (WHERE n.token_id = 2) AS second,
           min(n.original_minter_wallet) FILTER (WHERE n.token_id = 3) AS third
    FROM master_contracts k LEFT JOIN master_nfts n
      ON n.chain_id = k.chain_id AND n.contract_address = k.contract_address AND n.token_id IN (1, 2, 3)
    WHERE k.id IN (
        SELECT s.contract_id FROM staged_logs s WHERE {MOVE} AND s.sender = '{ZERO}' AND s.token_id <= 3)
    GROUP BY k.id
) m
WHERE c.id = m.id
"""

SALES = """
UPDATE artists a SET total_sales = (
    SELECT count(*) FROM nft_transfers t JOIN masters m ON m.id = t.master_id
    WHERE m.artist_id = a.id AND t.transfer_type = 'sale')
WHERE a.id IN (
    SELECT m.artist_id FROM staged_logs s
    JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = coalesce(s.ref, s.address)
    JOIN masters m ON m.id = c.master_id
    WHERE s.event IN ('Sold', 'RoyaltyReceived'))
"""
"""Every transfer that is a sale, whoever traded: which wallets belong to one person is not on the chain and changes,
so what leaves own trades out (prices and volume, `book.priced`) asks for that when it is shown.
"""

FIGURES = (
    (f"{MOVE} AND s.sender = '{ZERO}'", MINTED_SUPPLY),
    (f"{MOVE} AND s.sender = '{ZERO}' AND s.token_id <= 3", MINTERS),
    ("s.event IN ('Sold', 'RoyaltyReceived')", SALES),
)
"""(which staged logs move it, the statement)"""


def apply(session: Session, chain_id: str) -> None:
    """Shares minted, moved, sold and handed back; then the figures that follow from them.

    Raises IntegrityError for a log that cannot be true: a share minted twice or moved before its mint, a sale whose
    parts are not its price, a listing by another than the owner.
    """
    for statement in (OWNERS, MOVES):
        session.execute(sa.text(statement), {"chain": chain_id})
    order_projections.apply(session, chain_id)
    _refresh(session, chain_id)
    order_projections.apply_royalties(session, chain_id)


def undo(session: Session, chain_id: str, fork: int) -> None:
    """Take back what `staged_logs` (all logs after block `fork`) did; `revenue` must have been undone before."""
    values = {"chain": chain_id, "fork": fork}
    order_projections.undo(session, chain_id, fork)
    for statement in (FORGET_MOVES, FORGET_MINTS, GIVE_BACK):
        session.execute(sa.text(statement), values)
    order_projections.show(session, chain_id)
    _refresh(session, chain_id)


def _refresh(session: Session, chain_id: str) -> None:
    """The figures, each where something staged can have moved it: asked first, for most batches are of one kind."""
    for asked, statement in FIGURES:
        if session.scalar(sa.text(f"SELECT EXISTS (SELECT FROM staged_logs s WHERE {asked})")):
            session.execute(sa.text(statement), {"chain": chain_id})
