# ruff: noqa: S608  (statements are put together from constants)
"""The market as the chain tells of it: orders, what they sold for, what waits, and royalties.

Called by `projections` inside the indexer's transaction, after the moves are written. A listing ends with the next
thing that happens to its share, in the order of the logs: it sells, it is taken back or replaced, or the share moves
on without it (stale).
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.ids import id_sql

CHAIN = "CAST(:chain AS text)"
NFT_ID = id_sql("nft", CHAIN, "s.address", "s.token_id")
NFT_OF_ORDER = id_sql("nft", CHAIN, "s.ref", "s.token_id")
MOVE = "s.kind = 'shares' AND s.event = 'Transfer'"
OF_LISTING = "s.kind = 'market' AND s.event IN ('Listed', 'Cancelled', 'Sold')"
DEADLINE = "CASE WHEN {0} > 0 THEN to_timestamp(CAST({0} AS double precision)) END"
OPEN_LISTING = "o.kind = 'listing' AND o.status = 'open'"

PLACED = """
    id, kind, chain_id, market_address, order_key, contract_address, token_id, master_nft_id, master_id, maker_wallet,
    price, currency, fee_bps, moves, deadline, placed_tx_hash, placed_block, placed_log_index, placed_at"""
CLOSED = """
    closed_tx_hash, closed_block, closed_log_index, closed_at, taker_wallet, fee, royalty, artist_part, first_part,
    second_part, third_part, seller_gets"""


def _sold(alias: str, taker: str) -> str:
    """Values of CLOSED, in its order: where an order ended and, where it sold, what for."""
    told = [taker, "figures[5]", "royalty", *(f"figures[{n}]" for n in (1, 2, 3, 4)), "figures[6]"]
    ended = [f"{alias}.{column}" for column in ("tx_hash", "block_number", "log_index", "block_time")]
    return ", ".join([*ended, *(f"CASE WHEN {alias}.outcome = 'sold' THEN {alias}.{value} END" for value in told)])


OFFERED = f"""
INSERT INTO nft_orders ({PLACED})
SELECT {id_sql("order", CHAIN, "s.address", "'offer'", "s.figures[1]")}, 'offer', c.chain_id, s.address,
    CAST(s.figures[1] AS text), s.ref, s.token_id, {NFT_OF_ORDER}, c.master_id, s.sender, s.amount, s.currency,
    CAST(s.figures[2] AS int), NULL, {DEADLINE.format("s.figures[3]")}, s.tx_hash, s.block_number, s.log_index,
    s.block_time
FROM staged_logs s JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.ref
WHERE s.kind = 'market' AND s.event = 'Offered'
"""

OF_OFFER = (
    "o.chain_id = :chain AND o.market_address = {0}.address AND o.kind = 'offer' AND o.status = 'open'"
    " AND o.order_key = CAST({0}.figures[1] AS text)"
)

TAKEN_BACK = f"""
UPDATE nft_orders o
SET status = 'cancelled', closed_tx_hash = s.tx_hash, closed_block = s.block_number, closed_log_index = s.log_index,
    closed_at = s.block_time, updated_at = now()
FROM staged_logs s
WHERE s.kind = 'market' AND s.event = 'OfferCancelled' AND {OF_OFFER.format("s")}
"""

ACCEPTED = f"""
WITH pairs AS (
    SELECT s.event, s.address, s.figures, s.tx_hash,
           lead(s.event) OVER w AS next_event, lead(s.log_index) OVER w AS next_index
    FROM staged_logs s WHERE s.kind = 'market' AND s.event IN ('Accepted', 'Sold')
    WINDOW w AS (PARTITION BY s.address, s.tx_hash ORDER BY s.log_index)
), sold AS (SELECT s.*, 'sold' AS outcome FROM staged_logs s WHERE s.kind = 'market' AND s.event = 'Sold')
UPDATE nft_orders o SET status = 'sold', updated_at = now(), ({CLOSED}) = ROW({_sold("d", "sender")})
FROM pairs a JOIN sold d ON d.tx_hash = a.tx_hash AND d.log_index = a.next_index
WHERE a.event = 'Accepted' AND a.next_event = 'Sold' AND {OF_OFFER.format("a")}
  AND o.contract_address = d.ref AND o.token_id = d.token_id
"""
"""The market sells in one go: the next sale of the transaction is the one that was accepted."""

BY_OFFER = """EXISTS (
    SELECT FROM nft_orders f WHERE f.kind = 'offer' AND f.chain_id = :chain AND f.closed_block = s.block_number
      AND f.closed_log_index = s.log_index AND f.status = 'sold')"""

HAPPENED = f"""
WITH all_of_them AS (
    SELECT s.ref AS collection, s.event, CASE WHEN s.event <> 'Sold' THEN 'cancelled'
             WHEN {BY_OFFER} THEN 'stale' ELSE 'sold' END AS outcome,
           s.token_id, s.address, s.sender, s.receiver, s.amount, s.currency, s.royalty, s.figures,
           s.tx_hash, s.block_number, s.log_index, s.block_time
    FROM staged_logs s WHERE {OF_LISTING}
    UNION ALL
    SELECT s.address, s.event, 'stale', s.token_id, s.address, s.sender, s.receiver, s.amount, s.currency, s.royalty,
           s.figures, s.tx_hash, s.block_number, s.log_index, s.block_time
    FROM staged_logs s
    JOIN nft_transfers t ON t.chain_id = :chain AND t.tx_hash = s.tx_hash AND t.log_index = s.log_index
    WHERE {MOVE} AND t.marketplace IS NULL AND (
        EXISTS (SELECT FROM nft_orders o WHERE o.master_nft_id = {NFT_ID} AND {OPEN_LISTING})
        OR EXISTS (SELECT FROM staged_logs l WHERE l.kind = 'market' AND l.event = 'Listed'
                   AND l.ref = s.address AND l.token_id = s.token_id))
), happened AS MATERIALIZED (
    SELECT e.*, row_number() OVER (
        PARTITION BY e.collection, e.token_id ORDER BY e.block_number, e.log_index) AS number
    FROM all_of_them e
)
"""
"""What ends a listing, numbered by share. A move that is a sale of the market is told by its `Sold`."""

ENDED = f"""
{HAPPENED}
UPDATE nft_orders o SET status = e.outcome, updated_at = now(), ({CLOSED}) = ROW({_sold("e", "receiver")})
FROM happened e
WHERE e.number = 1 AND o.chain_id = :chain AND o.contract_address = e.collection AND o.token_id = e.token_id
  AND {OPEN_LISTING}
"""

LISTED = f"""
{HAPPENED}
INSERT INTO nft_orders ({PLACED}, status, {CLOSED})
SELECT {id_sql("order", CHAIN, "s.address", "'listing'", "s.tx_hash", "s.log_index")}, 'listing', c.chain_id, s.address,
    concat(s.tx_hash, ':', s.log_index), s.collection, s.token_id,
    {id_sql("nft", CHAIN, "s.collection", "s.token_id")}, c.master_id, s.sender, s.amount, s.currency,
    CAST(s.figures[1] AS int), s.figures[2], {DEADLINE.format("s.figures[3]")}, s.tx_hash, s.block_number, s.log_index,
    s.block_time, coalesce(e.outcome, 'open'), {_sold("e", "receiver")}
FROM happened s JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.collection
LEFT JOIN happened e ON e.collection = s.collection AND e.token_id = s.token_id AND e.number = s.number + 1
WHERE s.event = 'Listed'
"""

TOUCHED = f"""
SELECT {NFT_OF_ORDER} AS id FROM staged_logs s WHERE {OF_LISTING}
UNION
SELECT {NFT_ID} FROM staged_logs s
WHERE {MOVE} AND EXISTS (SELECT FROM nft_orders o WHERE o.master_nft_id = {NFT_ID} AND o.kind = 'listing')
"""
"""Shares whose listing these logs may have changed."""

SHOWN = f"""
UPDATE master_nfts n
SET listing_status = x.status, listing_price_wei = x.price, listing_currency = x.currency, listed_at = x.placed_at,
    updated_at = now()
FROM (
    SELECT k.id, CASE WHEN o.id IS NULL THEN 'not_listed' ELSE 'listed' END AS status,
           CASE WHEN o.maker_wallet = k.current_owner_wallet THEN o.price END AS price, o.currency, o.placed_at
    FROM master_nfts k LEFT JOIN nft_orders o ON o.master_nft_id = k.id AND {OPEN_LISTING}
    WHERE k.id IN ({TOUCHED})
) x
WHERE n.id = x.id AND (n.listing_status, n.listing_price_wei, n.listing_currency, n.listed_at)
    IS DISTINCT FROM (x.status, x.price, x.currency, x.placed_at)
"""
"""A listing by somebody else than the owner cannot be true: it has no price here, which the table refuses."""

FORGET_ORDERS = "DELETE FROM nft_orders WHERE chain_id = :chain AND placed_block > :fork"
REOPENED = f"""
UPDATE nft_orders SET status = 'open', updated_at = now(), ({CLOSED}) = ROW({", ".join(["NULL"] * 12)})
WHERE chain_id = :chain AND closed_block > :fork
"""

# --- what waits in the market -----------------------------------------------------------------------------

CREDIT_ID = id_sql("market_credit", CHAIN, "s.address", "s.wallet", "s.currency")
CREDITS = f"""
SELECT {CREDIT_ID} AS id, s.address, s.wallet, s.currency,
       coalesce(sum(s.amount) FILTER (WHERE s.event = 'Held'), 0) AS held,
       coalesce(sum(s.amount) FILTER (WHERE s.event = 'Withdrawn'), 0) AS withdrawn
FROM staged_logs s WHERE s.kind = 'market' AND s.event IN ('Held', 'Withdrawn') GROUP BY 2, 3, 4
"""
NEW_CREDITS = f"""
INSERT INTO market_credits (id, chain_id, market_address, wallet, currency)
SELECT w.id, {CHAIN}, w.address, w.wallet, w.currency FROM ({CREDITS}) w ON CONFLICT (id) DO NOTHING
"""
MORE_CREDITS = f"""
UPDATE market_credits c SET held = c.held + w.held, withdrawn = c.withdrawn + w.withdrawn, updated_at = now()
FROM ({CREDITS}) w WHERE c.id = w.id
"""
LESS_CREDITS = f"""
UPDATE market_credits c SET held = c.held - w.held, withdrawn = c.withdrawn - w.withdrawn, updated_at = now()
FROM ({CREDITS}) w WHERE c.id = w.id
"""
NO_CREDITS = f"DELETE FROM market_credits c USING ({CREDITS}) w WHERE c.id = w.id AND c.held = 0"

# --- royalties --------------------------------------------------------------------------------------------

ROYALTY = """
INSERT INTO royalty_credits (
    id, master_id, chain_id, contract_address, kind, wallet, currency, amount, artist_part, first_part, second_part,
    third_part, tx_hash, block_number, log_index, block_timestamp)
"""
ROYALTY_ID = id_sql("royalty", CHAIN, "s.tx_hash", "s.log_index")
ROYALTY_PLACE = "s.tx_hash, s.block_number, s.log_index, s.block_time"

ARRIVED = f"""
{ROYALTY}
SELECT {ROYALTY_ID}, c.master_id, c.chain_id, s.collection, 'arrived', s.wallet, s.currency, s.amount,
    NULL, NULL, NULL, NULL, {ROYALTY_PLACE}
FROM (
    SELECT s.address AS collection, s.wallet, 'ETH' AS currency, s.amount, {ROYALTY_PLACE}
    FROM staged_logs s WHERE s.kind = 'shares' AND s.event = 'RoyaltyReceived' AND s.amount > 0
    UNION ALL
    SELECT s.ref, s.address, s.currency, s.royalty, {ROYALTY_PLACE}
    FROM staged_logs s WHERE s.kind = 'market' AND s.event = 'Sold' AND s.currency <> 'ETH' AND s.royalty > 0
) s JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.collection
"""
"""Native coin says itself that it came; of tokens, the market's sales do, and others at the next split."""

CREDITED = f"""
{ROYALTY}
SELECT {ROYALTY_ID}, c.master_id, c.chain_id, s.address, 'credited', NULL, s.currency,
    s.figures[1] + s.figures[2] + s.figures[3] + s.figures[4], s.figures[1], s.figures[2], s.figures[3], s.figures[4],
    {ROYALTY_PLACE}
FROM staged_logs s JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.address
WHERE s.kind = 'shares' AND s.event = 'RoyaltyCredited'
"""

POT = "coalesce(sum(r.{0}_part) FILTER (WHERE c.{0}_minter_wallet = s.wallet), 0) AS {0}"
TAKEN = f"""
{ROYALTY}
SELECT {ROYALTY_ID}, c.master_id, c.chain_id, s.address, 'withdrawn', s.wallet, s.currency, s.amount,
    s.amount - p.first - p.second - p.third, p.first, p.second, p.third, {ROYALTY_PLACE}
FROM (
    SELECT s.*, lag(s.block_number) OVER w AS after_block, lag(s.log_index) OVER w AS after_index
    FROM staged_logs s WHERE s.kind = 'shares' AND s.event = 'RoyaltyWithdrawn'
    WINDOW w AS (PARTITION BY s.address, s.wallet, s.currency ORDER BY s.block_number, s.log_index)
) s JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = s.address
LEFT JOIN LATERAL (
    SELECT r.block_number, r.log_index FROM royalty_credits r
    WHERE r.master_id = c.master_id AND r.contract_address = s.address AND r.currency = s.currency
      AND r.kind = 'withdrawn' AND r.wallet = s.wallet
    ORDER BY r.block_number DESC, r.log_index DESC LIMIT 1
) b ON true
CROSS JOIN LATERAL (
    SELECT {POT.format("first")}, {POT.format("second")}, {POT.format("third")}
    FROM royalty_credits r
    WHERE r.master_id = c.master_id AND r.contract_address = s.address AND r.currency = s.currency
      AND r.kind = 'credited' AND (r.block_number, r.log_index) < (s.block_number, s.log_index)
      AND (r.block_number, r.log_index) > (coalesce(s.after_block, b.block_number, -1),
                                           coalesce(s.after_index, b.log_index, 0))
) p
"""
"""Who withdraws empties all roles at once: a minter's own pots since the last time, and the rest is the artist's."""

FORGET_ROYALTIES = "DELETE FROM royalty_credits WHERE chain_id = :chain AND block_number > :fork"


CONCERNED = """
SELECT EXISTS (SELECT FROM staged_logs WHERE kind = 'market')
    OR EXISTS (SELECT FROM nft_orders WHERE chain_id = :chain AND kind = 'listing' AND status = 'open')
"""
PAYS_ROYALTIES = """
SELECT EXISTS (SELECT FROM staged_logs
               WHERE event IN ('Sold', 'RoyaltyReceived', 'RoyaltyCredited', 'RoyaltyWithdrawn'))
"""


def apply(session: Session, chain_id: str) -> None:
    """Orders and credits; the moves of the same logs are written already. Raises IntegrityError as `projections`."""
    if not session.scalar(sa.text(CONCERNED), {"chain": chain_id}):
        return
    for statement in (OFFERED, TAKEN_BACK, ACCEPTED, ENDED, LISTED, SHOWN, NEW_CREDITS, MORE_CREDITS):
        session.execute(sa.text(statement), {"chain": chain_id})


def apply_royalties(session: Session, chain_id: str) -> None:
    """Royalties, once it is known who minted first."""
    if not session.scalar(sa.text(PAYS_ROYALTIES)):
        return
    for statement in (ARRIVED, CREDITED, TAKEN):
        session.execute(sa.text(statement), {"chain": chain_id})


def undo(session: Session, chain_id: str, fork: int) -> None:
    """Take orders, credits and royalties back; before the shares themselves are undone."""
    for statement in (FORGET_ORDERS, REOPENED, LESS_CREDITS, NO_CREDITS, FORGET_ROYALTIES):
        session.execute(sa.text(statement), {"chain": chain_id, "fork": fork})


def show(session: Session, chain_id: str) -> None:
    """Let shares say what their orders say; after their owners were given back."""
    session.execute(sa.text(SHOWN), {"chain": chain_id})
