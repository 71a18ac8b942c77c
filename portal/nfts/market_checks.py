# ruff: noqa: S608  (statements are put together from constants)
"""What holds for resale: orders are the logs' and the chain's, the market keeps what it owes, royalties are counted.

A currency's code stands for the token that the logs of its rows name. A sale of the market is the last move of its
share before its `Sold`: of several in one transaction, the first sale belongs to the first order that sold.
"""

from __future__ import annotations

from collections.abc import Sequence

from portal.chain.abi import NATIVE
from portal.chain.checks import amount, calls, held_in, returned
from portal.chain.words import address_sql, number_sql, word_sql
from portal.checks import AnyCheck, ChainCheck, Check

READ = "c.chain_id = :chain AND coalesce(c.last_indexed_block, -1) >= c.deployed_at_block"
OPEN_LISTING = "o.kind = 'listing' AND o.status = 'open'"
NO_ORDER = f"{NATIVE}, {NATIVE}, 0, {NATIVE}, 0, 0, 0"
TOPICS = [address_sql(f"l.topics[{place}]") for place in range(5)]
NUMBERS = [number_sql(f"l.topics[{place}]") for place in range(5)]


def _address(place: int) -> str:
    return address_sql(word_sql("l.data", place))


def _number(place: int) -> str:
    return number_sql(word_sql("l.data", place))


def _numbers(places: Sequence[int]) -> str:
    return ", ".join(map(_number, places))


def _at(alias: str, prefix: str = "") -> str:
    """The log stands where the row says: `prefix` for a row with two places."""
    block = f"{prefix}block" if prefix else "block_number"
    place = ", ".join(f"{alias}.{column}" for column in ("chain_id", block, f"{prefix}log_index", f"{prefix}tx_hash"))
    return f"(l.chain_id, l.block_number, l.log_index, l.tx_hash) = ({place})"


PLACED, CLOSED = _at("o", "placed_"), _at("o", "closed_")
SHARE = "(o.contract_address, o.token_id)"
DEADLINE = "coalesce(CAST(extract(epoch FROM o.deadline) AS bigint), 0)"
TERMS = f"(o.maker_wallet, o.price, o.fee_bps, {DEADLINE}, o.currency = 'ETH')"
IS_NATIVE = "{0} = " + f"'{NATIVE}'"
LISTED = f"""
 l.name = 'Listed' AND o.order_key = l.tx_hash || ':' || l.log_index AND {SHARE} = ({TOPICS[2]}, {NUMBERS[3]})
 AND o.moves = {_number(3)}
 AND {TERMS} = ({TOPICS[4]}, {_numbers((1, 2, 4))}, {IS_NATIVE.format(_address(0))})"""
OFFERED = f"""
 l.name = 'Offered' AND o.order_key = CAST({NUMBERS[2]} AS text) AND {SHARE} = ({TOPICS[3]}, {NUMBERS[4]})
 AND {TERMS} = ({_address(0)}, {_numbers((2, 3, 4))}, {IS_NATIVE.format(_address(1))})"""
TOKEN = f"CASE l.name WHEN 'Listed' THEN {_address(0)} ELSE {_address(1)} END"
"""The currency that the log of a new order names."""
CURRENCIES = f"""(
    SELECT DISTINCT o.market_address, o.currency, {TOKEN} AS token FROM nft_orders o JOIN chain_logs l ON {PLACED}
    WHERE o.chain_id = :chain)"""
BUYER, SELLER = (
    f"CASE o.kind WHEN 'listing' THEN o.{of_listing} ELSE o.{of_offer} END"
    for of_listing, of_offer in (("taker_wallet", "maker_wallet"), ("maker_wallet", "taker_wallet"))
)
SOLD = f"""
 l.name = 'Sold' AND l.address = o.market_address AND {SHARE} = ({TOPICS[2]}, {NUMBERS[3]})
 AND (o.price, o.artist_part, o.first_part, o.second_part, o.third_part, o.fee, o.seller_gets)
   = ({_numbers(range(2, 9))})
 AND ({BUYER}, {SELLER}) = ({TOPICS[4]}, {_address(0)})
 AND (o.currency = 'ETH') = ({IS_NATIVE.format(_address(1))})"""
ENDED = f"""CASE o.status || ' ' || o.kind
    WHEN 'sold listing' THEN {SOLD}
    WHEN 'sold offer' THEN {SOLD} AND EXISTS (
        SELECT FROM chain_logs l WHERE l.name = 'Accepted' AND l.address = o.market_address
         AND (l.chain_id, l.block_number, l.tx_hash) = (o.chain_id, o.closed_block, o.closed_tx_hash)
         AND l.log_index < o.closed_log_index AND CAST({NUMBERS[2]} AS text) = o.order_key)
    WHEN 'cancelled offer' THEN
        l.name = 'OfferCancelled' AND l.address = o.market_address AND CAST({NUMBERS[2]} AS text) = o.order_key
    WHEN 'cancelled listing' THEN
        l.name IN ('Cancelled', 'Listed') AND l.address = o.market_address AND {SHARE} = ({TOPICS[2]}, {NUMBERS[3]})
    WHEN 'stale listing' THEN
        (l.name = 'Transfer' AND l.address = o.contract_address AND {NUMBERS[4]} = o.token_id)
        OR (l.name = 'Sold' AND l.address = o.market_address AND {SHARE} = ({TOPICS[2]}, {NUMBERS[3]}))
    ELSE false END"""
"""What ended an order: a listing is taken back by another one of its share, and stale by a move without it."""

ORDERS: list[AnyCheck] = [
    Check(
        "orders.are_of_their_share",
        "nft_orders",
        "An order's collection, token and master are its share's.",
        """
        SELECT o.id, o.token_id || ' of ' || o.contract_address, n.token_id || ' of ' || n.contract_address
        FROM nft_orders o LEFT JOIN master_nfts n ON n.id = o.master_nft_id
        WHERE (o.chain_id, o.contract_address, o.token_id, o.master_id)
          IS DISTINCT FROM (n.chain_id, n.contract_address, n.token_id, n.master_id)
        """,
    ),
    Check(
        "orders.have_their_log",
        "nft_orders",
        "Every listing and offer is in the logs, word for word.",
        f"""
        SELECT o.id, o.kind || ' ' || o.order_key, 'a log that says the same' FROM nft_orders o
        WHERE NOT EXISTS (
            SELECT FROM chain_logs l
            WHERE {PLACED} AND l.address = o.market_address
              AND CASE o.kind WHEN 'listing' THEN {LISTED} ELSE {OFFERED} END)
        """,
    ),
    Check(
        "orders.name_one_currency",
        "nft_orders",
        "A currency's code stands for one token in all orders, and a token has one code.",
        f"""
        SELECT o.id, o.currency || ' for ' || {TOKEN}, 'the same as in other orders'
        FROM nft_orders o JOIN chain_logs l ON {PLACED}
        JOIN {CURRENCIES} k ON (k.currency = o.currency) <> (k.token = {TOKEN})
        """,
    ),
    Check(
        "orders.end_with_their_log",
        "nft_orders",
        "An order that is over ended with a log that says how: sold for what, taken back, or moved away from.",
        f"""
        SELECT o.id, o.status || ' in ' || o.closed_tx_hash || ':' || o.closed_log_index, 'a log that says the same'
        FROM nft_orders o
        WHERE o.status <> 'open' AND NOT EXISTS (SELECT FROM chain_logs l WHERE {CLOSED} AND {ENDED})
        """,
    ),
    Check(
        "logs.have_their_order",
        "chain_logs",
        "Every listing and offer in the logs is an order here.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'no order', 'one' FROM chain_logs l
        JOIN master_contracts c ON {READ} AND c.contract_address = CASE l.name WHEN 'Listed' THEN {TOPICS[2]}
         WHEN 'Offered' THEN {TOPICS[3]} END
        WHERE l.name IN ('Listed', 'Offered') AND l.chain_id = c.chain_id AND NOT EXISTS (
            SELECT FROM nft_orders o WHERE {PLACED} AND (o.kind = 'listing') = (l.name = 'Listed'))
        """,
    ),
    Check(
        "logs.end_their_order",
        "chain_logs",
        "Every sale in the logs ended the order that sold, and every offer that was taken back is over.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'ended nothing', 'an order ended' FROM chain_logs l
        WHERE l.chain_id = :chain AND l.name = 'Sold'
          AND EXISTS (SELECT FROM master_contracts c WHERE {READ} AND c.contract_address = {TOPICS[2]})
          AND NOT EXISTS (SELECT FROM nft_orders o WHERE {CLOSED} AND o.status = 'sold')
        UNION ALL
        SELECT l.tx_hash || ':' || l.log_index, 'ended nothing', 'an offer taken back' FROM chain_logs l
        JOIN nft_orders o ON (o.chain_id, o.market_address, o.kind, o.order_key)
          = (l.chain_id, l.address, 'offer', CAST({NUMBERS[2]} AS text))
        WHERE l.chain_id = :chain AND l.name = 'OfferCancelled' AND NOT ({CLOSED} AND o.status = 'cancelled')
        """,
    ),
    Check(
        "sales.are_orders_that_sold",
        "nft_transfers",
        "A sale of our market and the order that sold are one: same transaction, parties, price, currency, royalty.",
        f"""
        SELECT coalesce(s.id, o.id), concat_ws(' ', s.from_wallet, s.to_wallet, s.sale_price_wei, s.sale_currency),
               concat_ws(' ', o.seller, o.buyer, o.price, o.currency)
        FROM (
            SELECT *, row_number() OVER (PARTITION BY master_nft_id, tx_hash ORDER BY log_index) AS turn
            FROM nft_transfers WHERE marketplace IS NOT NULL
        ) s FULL JOIN (
            SELECT o.*, {SELLER} AS seller, {BUYER} AS buyer,
                   row_number() OVER (PARTITION BY master_nft_id, closed_tx_hash ORDER BY closed_log_index) AS turn
            FROM nft_orders o WHERE status = 'sold'
        ) o ON (o.master_nft_id, o.closed_tx_hash, o.turn) = (s.master_nft_id, s.tx_hash, s.turn)
        WHERE (s.from_wallet, s.to_wallet, s.sale_price_wei, s.sale_currency, s.royalty_paid_wei, s.block_number)
          IS DISTINCT FROM (o.seller, o.buyer, o.price, o.currency, o.royalty, o.closed_block)
           OR s.log_index > o.closed_log_index
        """,
    ),
    Check(
        "listings.are_open_orders",
        "master_nfts",
        "A listed share has one open listing, by who owns it, with its price, currency and time; others have none.",
        f"""
        SELECT coalesce(n.id, o.master_nft_id),
               concat_ws(' ', n.current_owner_wallet, n.listing_price_wei, n.listing_currency, n.listed_at),
               coalesce(concat_ws(' ', o.maker_wallet, o.price, o.currency, o.placed_at), 'not listed')
        FROM (SELECT * FROM master_nfts WHERE listing_status = 'listed') n
        FULL JOIN (SELECT * FROM nft_orders o WHERE {OPEN_LISTING}) o ON o.master_nft_id = n.id
        WHERE (n.current_owner_wallet, n.listing_price_wei, n.listing_currency, n.listed_at)
          IS DISTINCT FROM (o.maker_wallet, o.price, o.currency, o.placed_at)
        """,
    ),
    Check(
        "listings.name_the_last_move",
        "nft_orders",
        "An open listing names how often its share has moved since its mint: no move came after it.",
        f"""
        SELECT o.id, o.moves, count(t.id) FROM nft_orders o
        LEFT JOIN nft_transfers t ON t.master_nft_id = o.master_nft_id AND t.transfer_type <> 'mint'
        WHERE {OPEN_LISTING} GROUP BY o.id HAVING o.moves <> count(t.id)
        """,
    ),
    ChainCheck(
        "listings.are_chain_listings",
        "master_nfts",
        "Who lists a share here, and for what, the market says too; where nobody does, the market knows of nobody.",
        f"""
        SELECT s.id, CASE WHEN o.id IS NULL THEN '{NO_ORDER}'
                          ELSE concat_ws(', ', o.maker_wallet, o.contract_address, o.token_id, {_address(0)}, o.price,
                                         o.fee_bps, {DEADLINE}) END,
               s.market_address, s.contract_address, s.token_id
        FROM (
            SELECT DISTINCT master_nft_id AS id, market_address, contract_address, token_id FROM nft_orders
            WHERE kind = 'listing'
        ) s JOIN master_contracts c ON {READ} AND c.contract_address = s.contract_address
        LEFT JOIN (nft_orders o JOIN chain_logs l ON {PLACED})
          ON {OPEN_LISTING} AND (o.master_nft_id, o.market_address) = (s.id, s.market_address)
        """,
        calls("Market", "listing"),
        returned("Market", "listing"),
    ),
    ChainCheck(
        "offers.are_chain_offers",
        "nft_orders",
        "An open offer is the market's open offer, and one that is over is over there.",
        f"""
        SELECT o.id, CASE o.status WHEN 'open' THEN concat_ws(', ', o.maker_wallet, o.contract_address, o.token_id,
                                                              {_address(1)}, o.price, o.fee_bps, {DEADLINE})
                     ELSE '{NO_ORDER}' END, o.market_address, CAST(o.order_key AS numeric)
        FROM nft_orders o JOIN master_contracts c ON {READ} AND c.contract_address = o.contract_address
        LEFT JOIN chain_logs l ON {PLACED}
        WHERE o.kind = 'offer'
        """,
        calls("Market", "openOffer"),
        returned("Market", "openOffer"),
    ),
]

KEPT = f"""
SELECT l.chain_id, l.address AS market, {TOPICS[2]} AS wallet, {TOPICS[3]} AS token,
       coalesce(sum({_number(0)}) FILTER (WHERE l.name = 'Held'), 0) AS held,
       coalesce(sum({_number(0)}) FILTER (WHERE l.name = 'Withdrawn'), 0) AS withdrawn
FROM chain_logs l WHERE l.chain_id = :chain AND l.name IN ('Held', 'Withdrawn') GROUP BY 1, 2, 3, 4
"""
"""What waits in the market, told by its logs."""
HAS_CODE = "(k.market_address, k.currency)"

MONEY: list[AnyCheck] = [
    Check(
        "credits.are_held_less_withdrawn",
        "market_credits",
        "What waits for a wallet in the market is what the logs say was held for it, less what it withdrew.",
        f"""
        SELECT coalesce(c.id::text, w.wallet || ' ' || w.token), concat_ws(' - ', c.held, c.withdrawn),
               concat_ws(' - ', w.held, w.withdrawn)
        FROM (
            SELECT m.*, k.token FROM market_credits m
            LEFT JOIN {CURRENCIES} k ON {HAS_CODE} = (m.market_address, m.currency) WHERE m.chain_id = :chain
        ) c FULL JOIN ({KEPT}) w
          ON (w.chain_id, w.market, w.wallet, w.token) = (c.chain_id, c.market_address, c.wallet, c.token)
        WHERE (c.held, c.withdrawn) IS DISTINCT FROM (w.held, w.withdrawn)
        """,
    ),
    ChainCheck(
        "credits.are_chain_credits",
        "market_credits",
        "What a wallet may withdraw from the market here it may withdraw there.",
        f"""
        SELECT m.id, m.held - m.withdrawn, m.market_address, m.wallet, k.token FROM market_credits m
        JOIN {CURRENCIES} k ON {HAS_CODE} = (m.market_address, m.currency) WHERE m.chain_id = :chain
        """,
        calls("Market", "credits"),
        returned("Market", "credits"),
    ),
    ChainCheck(
        "market.holds_what_it_owes",
        "nft_orders",
        "The market has what it owes to open offers and to wallets whose money waits, in each currency.",
        f"""
        SELECT k.market_address || ' ' || k.currency, coalesce(o.asked, 0) + coalesce(m.waiting, 0), k.market_address,
               k.token
        FROM {CURRENCIES} k LEFT JOIN (
            SELECT market_address, currency, sum(price) AS asked FROM nft_orders
            WHERE chain_id = :chain AND kind = 'offer' AND status = 'open' GROUP BY 1, 2
        ) o USING (market_address, currency) LEFT JOIN (
            SELECT market_address, currency, sum(held - withdrawn) AS waiting FROM market_credits
            WHERE chain_id = :chain GROUP BY 1, 2
        ) m USING (market_address, currency)
        """,
        held_in,
        amount,
        least=True,  # anybody may send the market money without asking it
    ),
]

CREDITED = "l.name = 'RoyaltyCredited' AND l.address = r.contract_address"
ROYALTY_LOG = f"""CASE r.kind
    WHEN 'credited' THEN {CREDITED} AND (r.currency = 'ETH') = ({IS_NATIVE.format(TOPICS[2])})
        AND (r.artist_part, r.first_part, r.second_part, r.third_part) = ({_numbers(range(4))})
    WHEN 'withdrawn' THEN l.name = 'RoyaltyWithdrawn' AND l.address = r.contract_address
        AND (r.wallet, r.amount, r.currency = 'ETH') = ({TOPICS[2]}, {_number(0)}, {IS_NATIVE.format(TOPICS[3])})
    WHEN 'arrived' THEN CASE l.name
        WHEN 'RoyaltyReceived' THEN l.address = r.contract_address
            AND (r.wallet, r.amount, r.currency) = ({TOPICS[2]}, {_number(0)}, 'ETH')
        WHEN 'Sold' THEN r.contract_address = {TOPICS[2]} AND r.wallet = l.address AND r.currency <> 'ETH'
            AND r.amount = {" + ".join(map(_number, range(3, 7)))} ELSE false END
    END"""
ARRIVES = f"""CASE l.name WHEN 'RoyaltyReceived' THEN {_number(0)} > 0
    WHEN 'Sold' THEN {_address(1)} <> '{NATIVE}' AND {" + ".join(map(_number, range(3, 7)))} > 0 ELSE true END"""
ROYALTY_NAMES = "('RoyaltyReceived', 'RoyaltyCredited', 'RoyaltyWithdrawn', 'Sold')"
ROLES = "(VALUES (0), (1), (2), (3))"
PART = (
    "CASE p.role WHEN 0 THEN r.artist_part WHEN 1 THEN r.first_part WHEN 2 THEN r.second_part ELSE r.third_part END"
    " * CASE r.kind WHEN 'credited' THEN 1 ELSE -1 END"
)

ROYALTIES: list[AnyCheck] = [
    Check(
        "royalties.have_their_log",
        "royalty_credits",
        "Every royalty that came in, was split or was withdrawn is in the logs, word for word.",
        f"""
        SELECT r.id, r.kind || ' ' || r.amount || ' ' || r.currency, 'a log that says the same' FROM royalty_credits r
        WHERE NOT EXISTS (SELECT FROM chain_logs l WHERE {_at("r")} AND {ROYALTY_LOG})
        """,
    ),
    Check(
        "logs.have_their_royalty",
        "chain_logs",
        "Every royalty in the logs is one here.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'no royalty of ' || l.name, 'one' FROM chain_logs l
        JOIN master_contracts c ON {READ} AND c.chain_id = l.chain_id
         AND c.contract_address = CASE l.name WHEN 'Sold' THEN {TOPICS[2]} ELSE l.address END
        WHERE l.name IN {ROYALTY_NAMES} AND {ARRIVES} AND NOT EXISTS (SELECT FROM royalty_credits r WHERE {_at("r")})
        """,
    ),
    Check(
        "royalties.are_of_their_contract",
        "royalty_credits",
        "A royalty's master is the one whose contract it came to.",
        """
        SELECT r.id, r.master_id, coalesce(c.master_id::text, 'no contract at ' || r.contract_address)
        FROM royalty_credits r LEFT JOIN master_contracts c
          ON (c.chain_id, c.contract_address) = (r.chain_id, r.contract_address)
        WHERE r.master_id IS DISTINCT FROM c.master_id
        """,
    ),
    Check(
        "sales.elsewhere_brought_a_royalty",
        "nft_transfers",
        "A sale that is not our market's is one because a royalty came in beside it.",
        """
        SELECT t.id, t.transfer_type || ' in ' || t.tx_hash, 'a RoyaltyReceived beside it' FROM nft_transfers t
        WHERE t.transfer_type = 'sale' AND t.marketplace IS NULL AND NOT EXISTS (
            SELECT FROM royalty_credits r
            WHERE r.kind = 'arrived' AND r.currency = 'ETH' AND r.block_number = t.block_number
             AND (r.chain_id, r.tx_hash, r.contract_address) = (t.chain_id, t.tx_hash, t.contract_address))
        """,
    ),
    ChainCheck(
        "royalties.pots_are_chain_pots",
        "master_contracts",
        "What was credited to a role less what was withdrawn is the role's pot on the chain, in each currency.",
        f"""
        SELECT c.id, sum({PART}), c.contract_address, k.token, p.role FROM royalty_credits r
        JOIN master_contracts c ON {READ} AND c.contract_address = r.contract_address AND c.chain_id = r.chain_id
        JOIN (
            SELECT DISTINCT r.contract_address, r.currency, {TOPICS[2]} AS token
            FROM royalty_credits r JOIN chain_logs l ON {_at("r")} WHERE r.kind = 'credited' AND {CREDITED}
        ) k ON (k.contract_address, k.currency) = (r.contract_address, r.currency)
        CROSS JOIN {ROLES} AS p (role)
        WHERE r.kind IN ('credited', 'withdrawn') GROUP BY c.id, c.contract_address, k.token, p.role
        """,
        calls("MasterShares", "pot"),
        returned("MasterShares", "pot"),
    ),
]

CHECKS: list[AnyCheck] = [*ORDERS, *MONEY, *ROYALTIES]
