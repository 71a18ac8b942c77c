"""One corruption for each invariant of resale."""

from __future__ import annotations

from tests.check.corrupting import LOG, STRANGER, by, changed, deleted

OF_OURS = "marketplace IS NOT NULL"
OF_SHARE = "chain_id, contract_address, token_id, master_nft_id, master_id"
ORDER_OF = (
    "INSERT INTO nft_orders (id, kind, market_address, order_key, {0}, maker_wallet, price, currency, fee_bps,"
    " placed_tx_hash, placed_block, placed_log_index, placed_at) SELECT gen_random_uuid(), 'offer', market_address,"
    " '999999', {0}, maker_wallet, 5, 'USDC', 0, placed_tx_hash, placed_block, placed_log_index, placed_at"
    " FROM nft_orders WHERE {1} LIMIT 1 RETURNING {2}"
).format
"""An offer that nobody made, of the same share as another order and as if it stood in its log."""
LOG_OF = (
    "INSERT INTO chain_logs (chain_id, address, tx_hash, block_number, log_index, block_hash, tx_index, topics, data,"
    " name) SELECT chain_id, {address}, tx_hash, block_number, 5000, block_hash, tx_index, {topics}, {data}, '{name}'"
    " FROM chain_logs WHERE {where} LIMIT 1"
).format
"""A log that nobody sent, beside another one."""
TOKEN_TOPIC = "'0x' || substr(data, 67, 64)"
"""The currency of a sale."""
CREDIT = (
    "INSERT INTO market_credits (id, chain_id, market_address, wallet, currency, held, withdrawn)"
    f" SELECT gen_random_uuid(), chain_id, market_address, '{STRANGER}', currency, {{held}}, 0 FROM nft_orders"
    " LIMIT 1 RETURNING {returning}"
).format
SPLIT_LOG = LOG_OF(
    address="'0x' || right(topics[2], 40)",
    topics=f"ARRAY[topics[1], {TOKEN_TOPIC}]",
    data="'0x' || repeat(lpad('5', 64, '0'), 4)",
    name="RoyaltyCredited",
    where="name = 'Sold'",
)
SPLIT = (
    "INSERT INTO royalty_credits (id, master_id, chain_id, contract_address, kind, currency, amount, artist_part,"
    " first_part, second_part, third_part, tx_hash, block_number, log_index, block_timestamp) SELECT"
    " gen_random_uuid(), master_id, r.chain_id, contract_address, 'credited', currency, 20, 5, 5, 5, 5, l.tx_hash,"
    " l.block_number, l.log_index, block_timestamp FROM royalty_credits r JOIN chain_logs l ON l.log_index = 5000"
    " LIMIT 1 RETURNING (SELECT c.id FROM master_contracts c WHERE c.contract_address ="
    " royalty_credits.contract_address)"
)
MARKET = {
    "orders.are_of_their_share": changed("nft_orders", "token_id = token_id + 1"),
    "orders.have_their_log": changed("nft_orders", "fee_bps = fee_bps + 1"),
    "orders.name_one_currency": changed("nft_orders", "currency = 'DAI'", "status = 'open'"),
    "orders.end_with_their_log": changed("nft_orders", f"taker_wallet = '{STRANGER}'", "status = 'sold'"),
    "logs.have_their_order": deleted("nft_orders", "kind = 'offer'", "placed_tx_hash || ':' || placed_log_index"),
    "logs.end_their_order": changed(
        "nft_orders",
        "status = 'open', closed_tx_hash = NULL, closed_block = NULL, closed_log_index = NULL, closed_at = NULL,"
        " taker_wallet = NULL, fee = NULL, royalty = NULL, artist_part = NULL, first_part = NULL, second_part = NULL,"
        " third_part = NULL, seller_gets = NULL",
        "status = 'sold' AND kind = 'offer'",
        "(SELECT tx_hash || ':' || log_index FROM chain_logs WHERE name = 'Sold' AND tx_hash ="
        " (SELECT tx_hash FROM chain_logs WHERE name = 'Accepted'))",
    ),
    "sales.are_orders_that_sold": changed("nft_transfers", "sale_price_wei = sale_price_wei + 1", OF_OURS),
    "listings.are_open_orders": changed(
        "master_nfts", "listing_price_wei = listing_price_wei + 1", "listing_status = 'listed'"
    ),
    "listings.name_the_last_move": changed("nft_orders", "moves = moves + 1", "status = 'open'"),
    "listings.are_chain_listings": changed(
        "nft_orders", "price = price + 1", "status = 'open' AND kind = 'listing'", "master_nft_id"
    ),
    "offers.are_chain_offers": by(ORDER_OF(OF_SHARE, "kind = 'offer'", "id")),
    "credits.are_held_less_withdrawn": by(CREDIT(held=7, returning="id")),
    "credits.are_chain_credits": by(CREDIT(held=7, returning="id")),
    "market.holds_what_it_owes": by(CREDIT(held="10::numeric ^ 30", returning="market_address || ' ' || currency")),
    "royalties.have_their_log": changed("royalty_credits", "amount = amount + 1"),
    "logs.have_their_royalty": deleted("royalty_credits", returning=LOG),
    "royalties.are_of_their_contract": changed("royalty_credits", "master_id = gen_random_uuid()"),
    "sales.elsewhere_brought_a_royalty": changed(
        "nft_transfers", "sale_price_wei = NULL, sale_currency = NULL, marketplace = NULL", OF_OURS
    ),
    "royalties.pots_are_chain_pots": by(SPLIT_LOG, SPLIT),
}
