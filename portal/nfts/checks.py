# ruff: noqa: S608  (statements are put together from constants)
"""What holds for shares: who owns them, how they moved, who may list them, and what their contracts say."""

from __future__ import annotations

from portal.chain.checks import NOBODY, calls, returned
from portal.chain.ids import ZERO
from portal.chain.words import address_sql, number_sql
from portal.checks import AnyCheck, ChainCheck, Check
from portal.nfts import market_checks
from portal.nfts.projections import MARKETPLACE

READ = "coalesce(c.last_indexed_block, -1) >= c.deployed_at_block"
"""The indexer has read this contract: one that was recorded a moment ago waits for its first reading."""
OF_CHAIN = f"c.chain_id = :chain AND {READ}"
MOVE = f"""
 t.chain_id = l.chain_id AND t.block_number = l.block_number AND t.log_index = l.log_index AND t.tx_hash = l.tx_hash
 AND t.contract_address = l.address AND t.from_wallet = {address_sql("l.topics[2]")}
 AND t.to_wallet = {address_sql("l.topics[3]")} AND t.token_id = {number_sql("l.topics[4]")}
"""
HELD = f"(SELECT count(*) FROM master_nfts n WHERE n.master_contract_id = c.id AND n.current_owner_wallet <> '{ZERO}')"
PAID = """EXISTS (
    SELECT FROM chain_logs l
    WHERE l.chain_id = c.chain_id AND l.address = c.contract_address AND l.name = 'ProceedsWithdrawn')"""

OWNERSHIP: list[AnyCheck] = [
    Check(
        "shares.owner_is_last_receiver",
        "master_nfts",
        "Who owns a share is who received it last.",
        """
        SELECT n.id, n.current_owner_wallet, coalesce(t.to_wallet, 'a transfer') FROM master_nfts n
        LEFT JOIN (
            SELECT DISTINCT ON (master_nft_id) master_nft_id, to_wallet FROM nft_transfers
            ORDER BY master_nft_id, block_number DESC, log_index DESC
        ) t ON t.master_nft_id = n.id
        WHERE n.current_owner_wallet IS DISTINCT FROM t.to_wallet
        """,
    ),
    Check(
        "transfers.follow_each_other",
        "nft_transfers",
        "Whoever hands a share on had received it; the first comes from nobody.",
        f"""
        SELECT id, from_wallet, coalesce(before, '{ZERO}') FROM (
            SELECT id, from_wallet, lag(to_wallet) OVER (
                PARTITION BY master_nft_id ORDER BY block_number, log_index) AS before FROM nft_transfers
        ) t WHERE from_wallet <> coalesce(before, '{ZERO}')
        """,
    ),
    Check(
        "transfers.have_their_kind",
        "nft_transfers",
        "A mint comes from nobody, a burn goes to nobody; sales of our market, and they alone, have a price.",
        f"""
        SELECT id, concat_ws(' ', transfer_type, 'from', from_wallet, 'to', to_wallet, 'for', sale_price_wei,
                             sale_currency, marketplace), 'what it is'
        FROM nft_transfers
        WHERE (transfer_type = 'mint') <> (from_wallet = '{ZERO}') OR (transfer_type = 'burn') <> (to_wallet = '{ZERO}')
           OR num_nonnulls(sale_price_wei, sale_currency, royalty_paid_wei)
              <> CASE marketplace WHEN '{MARKETPLACE}' THEN 3 ELSE num_nonnulls(royalty_paid_wei) END
           OR (transfer_type <> 'sale' AND num_nonnulls(marketplace, royalty_paid_wei) > 0)
           OR marketplace <> '{MARKETPLACE}'
        """,
    ),
    Check(
        "shares.minter_is_first_receiver",
        "master_nfts",
        "A share's minter, price and transaction are those of its mint.",
        """
        SELECT n.id, n.original_minter_wallet || ' in ' || coalesce(n.mint_tx_hash, 'nothing'),
               coalesce(t.to_wallet || ' in ' || t.tx_hash, 'a mint')
        FROM master_nfts n LEFT JOIN nft_transfers t ON t.master_nft_id = n.id AND t.transfer_type = 'mint'
        WHERE (n.original_minter_wallet, n.mint_tx_hash, n.minted_at_block, n.minted_at)
          IS DISTINCT FROM (t.to_wallet, t.tx_hash, t.block_number, t.block_timestamp)
        """,
    ),
    Check(
        "transfers.have_their_log",
        "nft_transfers",
        "Every transfer is in the logs, word for word.",
        f"""
        SELECT t.id, t.tx_hash || ':' || t.log_index, 'a Transfer in chain_logs that says the same'
        FROM nft_transfers t
        WHERE NOT EXISTS (SELECT FROM chain_logs l WHERE {MOVE} AND l.name = 'Transfer')
        """,
    ),
    Check(
        "logs.have_their_transfer",
        "chain_logs",
        "Every Transfer of a share in the logs is a transfer.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'no transfer of share ' || {number_sql("l.topics[4]")}, 'one'
        FROM chain_logs l
        JOIN master_contracts c ON {OF_CHAIN} AND c.chain_id = l.chain_id AND c.contract_address = l.address
        WHERE l.name = 'Transfer' AND NOT EXISTS (SELECT FROM nft_transfers t WHERE {MOVE})
        """,
    ),
    Check(
        "shares.belong_to_their_contract",
        "master_nfts",
        "A share's master, chain and address are its contract's.",
        """
        SELECT n.id, n.master_id || ' at ' || n.contract_address, c.master_id || ' at ' || c.contract_address
        FROM master_nfts n JOIN master_contracts c ON c.id = n.master_contract_id
        WHERE (n.master_id, n.chain_id, n.contract_address) <> (c.master_id, c.chain_id, c.contract_address)
        """,
    ),
    ChainCheck(
        "shares.owner_is_chain_owner",
        "master_nfts",
        "Who owns a share here owns it on the chain.",
        f"""
        SELECT n.id, CASE n.current_owner_wallet WHEN '{ZERO}' THEN '{NOBODY}' ELSE n.current_owner_wallet END,
               n.contract_address, n.token_id
        FROM master_nfts n JOIN master_contracts c ON c.id = n.master_contract_id
        WHERE {OF_CHAIN} ORDER BY n.contract_address, n.token_id
        """,
        calls("MasterShares", "ownerOf"),
        returned("MasterShares", "ownerOf"),
    ),
]

SUPPLY: list[AnyCheck] = [
    Check(
        "shares.run_from_one",
        "master_contracts",
        "The ids of a master's shares run from 1 without a gap.",
        """
        SELECT c.id, count(*) || ' shares up to ' || max(n.token_id), 'as many as the highest id'
        FROM master_contracts c JOIN master_nfts n ON n.master_contract_id = c.id
        GROUP BY c.id HAVING count(DISTINCT n.token_id) <> max(n.token_id) OR min(n.token_id) <> 1
        """,
    ),
    Check(
        "offers.minted_supply_is_shares",
        "master_ipos",
        "An offer's minted supply is the number of its shares.",
        """
        SELECT i.id, i.minted_supply, coalesce(n.shares, 0) FROM master_ipos i
        LEFT JOIN (SELECT master_id, count(*) AS shares FROM master_nfts GROUP BY 1) n USING (master_id)
        WHERE i.minted_supply <> coalesce(n.shares, 0)
        """,
    ),
    ChainCheck(
        "offers.minted_supply_is_chain_minted",
        "master_ipos",
        "An offer's minted supply is what its contract has minted.",
        f"""
        SELECT i.id, i.minted_supply, c.contract_address
        FROM master_ipos i JOIN master_contracts c ON c.master_id = i.master_id WHERE {OF_CHAIN}
        """,
        calls("MasterShares", "minted"),
        returned("MasterShares", "minted"),
    ),
    ChainCheck(
        "contracts.held_supply_is_chain_supply",
        "master_contracts",
        "As many shares are held here as on the chain: those handed back are nobody's.",
        f"SELECT c.id, {HELD}, c.contract_address FROM master_contracts c WHERE {OF_CHAIN}",
        calls("MasterShares", "totalSupply"),
        returned("MasterShares", "totalSupply"),
    ),
    ChainCheck(
        "contracts.escrow_is_chain_escrow",
        "master_contracts",
        "A contract holds the mint price of every share that is held, until it pays out.",
        f"""
        SELECT c.id, CASE WHEN {PAID} THEN 0 ELSE coalesce(i.mint_price_wei, 0) * {HELD} END, c.contract_address
        FROM master_contracts c JOIN master_ipos i ON i.master_id = c.master_id WHERE {OF_CHAIN}
        """,
        calls("MasterShares", "escrow"),
        returned("MasterShares", "escrow"),
    ),
    Check(
        "shares.cost_the_offers_price",
        "master_nfts",
        "A share was minted at its offer's price.",
        """
        SELECT n.id, n.mint_price_wei, i.mint_price_wei FROM master_nfts n JOIN master_ipos i USING (master_id)
        WHERE n.mint_price_wei IS DISTINCT FROM i.mint_price_wei
        """,
    ),
    Check(
        "shares.minter_slots_are_the_first_three",
        "master_nfts",
        "The first, second and third minter minted tokens 1, 2 and 3.",
        """
        SELECT id, concat_ws(' ', token_id, is_first_minter, is_second_minter, is_third_minter),
               concat_ws(' ', token_id, token_id = 1, token_id = 2, token_id = 3)
        FROM master_nfts
        WHERE (is_first_minter, is_second_minter, is_third_minter) <> (token_id = 1, token_id = 2, token_id = 3)
        """,
    ),
    Check(
        "contracts.minters_are_the_first_three",
        "master_contracts",
        "A contract's three minter slots are the minters of its first three shares.",
        """
        SELECT c.id, concat_ws(' ', c.first_minter_wallet, c.second_minter_wallet, c.third_minter_wallet),
               concat_ws(' ', m.first, m.second, m.third)
        FROM master_contracts c LEFT JOIN (
            SELECT master_contract_id, min(original_minter_wallet) FILTER (WHERE token_id = 1) AS first,
                   min(original_minter_wallet) FILTER (WHERE token_id = 2) AS second,
                   min(original_minter_wallet) FILTER (WHERE token_id = 3) AS third
            FROM master_nfts WHERE token_id <= 3 GROUP BY 1
        ) m ON m.master_contract_id = c.id
        WHERE (c.first_minter_wallet, c.second_minter_wallet, c.third_minter_wallet)
          IS DISTINCT FROM (m.first, m.second, m.third)
        """,
    ),
    ChainCheck(
        "contracts.first_minter_is_chain_minter",
        "master_contracts",
        "The chain pays the first minter's part to the same wallet.",
        f"""
        SELECT c.id, coalesce(c.first_minter_wallet, '{ZERO}'), c.contract_address, 1::numeric
        FROM master_contracts c WHERE {OF_CHAIN}
        """,
        calls("MasterShares", "roleWallet"),
        returned("MasterShares", "roleWallet"),
    ),
    Check(
        "shares.are_minted_before_the_close",
        "master_nfts",
        "Closed is final: no share is minted after its offer ended.",
        """
        SELECT n.id, n.minted_at, 'before ' || i.actual_end_at FROM master_nfts n JOIN master_ipos i USING (master_id)
        WHERE i.status IN ('closed', 'cancelled') AND n.minted_at > i.actual_end_at
        """,
    ),
    Check(
        "permits.stay_within_the_cap",
        "mint_permits",
        "What a person's wallets minted and may still mint is at most the cap per person.",
        """
        SELECT min(p.id::text), sum(greatest(coalesce(n.minted, 0), CASE WHEN p.deadline > now() THEN p.allowance END)),
               i.person_cap
        FROM mint_permits p JOIN master_ipos i ON i.id = p.ipo_id
        LEFT JOIN (
            SELECT master_id, original_minter_wallet, count(*) AS minted FROM master_nfts GROUP BY 1, 2
        ) n ON n.master_id = i.master_id AND n.original_minter_wallet = p.wallet
        WHERE i.person_cap IS NOT NULL GROUP BY i.id, p.user_id, i.person_cap
        HAVING sum(greatest(coalesce(n.minted, 0), CASE WHEN p.deadline > now() THEN p.allowance END)) > i.person_cap
        """,
    ),
]

LISTINGS: list[AnyCheck] = [
    Check(
        "listings.are_by_the_owner",
        "master_nfts",
        "A share is listed by who owns it: a listing ends with the next transfer, and what was handed back is not.",
        f"""
        SELECT n.id, n.listing_status || ' at ' || coalesce(n.listed_at::text, 'no time'), 'after ' || t.moved
        FROM master_nfts n JOIN (
            SELECT master_nft_id, max(block_timestamp) AS moved FROM nft_transfers GROUP BY 1
        ) t ON t.master_nft_id = n.id
        WHERE n.listing_status IN ('listed', 'in_escrow')
          AND (n.listed_at IS NULL OR n.listed_at < t.moved OR n.current_owner_wallet = '{ZERO}')
        """,
    ),
    Check(
        "listings.have_a_price",
        "master_nfts",
        "A listed share has a price and a currency, and one that is not listed has neither.",
        """
        SELECT id, concat_ws(' ', listing_status, listing_price_wei, listing_currency), 'both or none'
        FROM master_nfts
        WHERE num_nonnulls(listing_price_wei, listing_currency) <> CASE listing_status WHEN 'listed' THEN 2 ELSE 0 END
          AND listing_status IN ('listed', 'not_listed')
        """,
    ),
    Check(
        "listings.are_allowed",
        "master_nfts",
        "Only shares of an offer that is over and that allows resale are listed.",
        """
        SELECT n.id, n.listing_status || ' while ' || i.status || ', resale ' || i.allow_secondary_resale,
               'closed and allowed'
        FROM master_nfts n JOIN master_ipos i USING (master_id)
        WHERE n.listing_status = 'listed'
          AND (NOT i.allow_secondary_resale OR i.status NOT IN ('closed', 'cancelled'))
        """,
    ),
    Check(
        "artists.total_sales_is_sales",
        "artists",
        "An artist's sales are all resales of the shares of his masters, own trades among them.",
        """
        SELECT a.id, a.total_sales, coalesce(t.sales, 0) FROM artists a LEFT JOIN (
            SELECT m.artist_id, count(*) AS sales FROM nft_transfers t JOIN masters m ON m.id = t.master_id
            WHERE t.transfer_type = 'sale' GROUP BY 1
        ) t ON t.artist_id = a.id WHERE a.total_sales <> coalesce(t.sales, 0)
        """,
    ),
]

CHECKS: list[AnyCheck] = [*OWNERSHIP, *SUPPLY, *LISTINGS, *market_checks.CHECKS]
