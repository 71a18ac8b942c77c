# ruff: noqa: S608  (statements are put together from constants)
"""What holds for coins: balances are the sums of transfers and the chain's, and first buyers get their part."""

from __future__ import annotations

from portal.chain.checks import calls, returned
from portal.chain.ids import ZERO
from portal.chain.words import address_sql, number_sql, word_sql
from portal.checks import AnyCheck, ChainCheck, Check

READ = "k.chain_id = :chain AND coalesce(k.last_indexed_block, -1) >= k.deployed_at_block"
MOVE = f"""
 t.chain_id = l.chain_id AND t.block_number = l.block_number AND t.log_index = l.log_index AND t.tx_hash = l.tx_hash
 AND t.contract_address = l.address AND t.from_wallet = {address_sql("l.topics[2]")}
 AND t.to_wallet = {address_sql("l.topics[3]")} AND t.amount = {number_sql(word_sql("l.data", 0))}
"""

PAYMENT = "x.purpose = 'coin-share:' || k.id || ':' || b.wallet AND x.chain_id = k.chain_id AND x.status <> 'replaced'"
BOUGHT = """(
    SELECT p.id, p.artist_id, p.per_share, p.wallets_paid, p.wallets_to_pay, n.original_minter_wallet AS wallet,
           count(*) AS shares
    FROM coin_plans p JOIN master_ipos i ON i.id = p.ipo_id JOIN master_nfts n ON n.master_id = i.master_id
    WHERE p.per_share IS NOT NULL GROUP BY p.id, n.original_minter_wallet)"""
"""The first buyers of each coin whose part is reckoned."""

PLANS: list[AnyCheck] = [
    Check(
        "coin_plans.pay_within_the_part",
        "coin_plans",
        "What the first buyers get is at most the participants' part of the supply.",
        """
        SELECT p.id, p.per_share || ' x ' || i.minted_supply, k.total_supply * p.participants_bps / 10000
        FROM coin_plans p JOIN master_ipos i ON i.id = p.ipo_id
        JOIN artist_tokens k ON k.artist_id = p.artist_id AND k.chain_id = :chain
        WHERE p.per_share * i.minted_supply > k.total_supply * p.participants_bps / 10000
        """,
    ),
    Check(
        "coin_plans.pay_every_first_buyer",
        "coin_plans",
        "As many wallets are to be paid as bought, and for each that is paid there is a transaction that did not fail.",
        f"""
        SELECT b.id, b.wallets_paid || ' of ' || b.wallets_to_pay, count(x.id) || ' of ' || count(*)
        FROM {BOUGHT} b JOIN artist_tokens k ON k.artist_id = b.artist_id AND k.chain_id = :chain
        LEFT JOIN chain_transactions x ON {PAYMENT} AND x.status <> 'failed'
        WHERE b.per_share > 0 GROUP BY b.id, b.wallets_paid, b.wallets_to_pay
        HAVING b.wallets_to_pay IS DISTINCT FROM count(*) OR b.wallets_paid > count(x.id)
        """,
    ),
    Check(
        "coin_plans.pay_what_was_bought",
        "coin_plans",
        "A payment that is final gave a first buyer the coins of the shares that were bought.",
        f"""
        SELECT b.id, x.tx_hash || ' to ' || b.wallet, b.per_share * b.shares
        FROM {BOUGHT} b JOIN artist_tokens k ON k.artist_id = b.artist_id AND {READ}
        JOIN chain_transactions x ON {PAYMENT} AND x.status = 'final' AND x.block_number <= k.last_indexed_block
        WHERE NOT EXISTS (
            SELECT FROM token_transfers t WHERE t.artist_token_id = k.id AND t.chain_id = k.chain_id
             AND (t.tx_hash, t.to_wallet, t.amount) = (x.tx_hash, b.wallet, b.per_share * b.shares))
        """,
    ),
]

CHECKS: list[AnyCheck] = [
    *PLANS,
    Check(
        "coins.balances_are_transfers",
        "token_holders",
        "A wallet's coins are what it received less what it sent.",
        f"""
        SELECT coalesce(h.id::text, m.token || ' ' || m.wallet), coalesce(h.balance, 0), coalesce(m.amount, 0)
        FROM token_holders h FULL JOIN (
            SELECT token, wallet, sum(amount) AS amount FROM (
                SELECT artist_token_id AS token, to_wallet AS wallet, amount FROM token_transfers
                UNION ALL SELECT artist_token_id, from_wallet, -amount FROM token_transfers
            ) t WHERE wallet <> '{ZERO}' GROUP BY 1, 2
        ) m ON m.token = h.artist_token_id AND m.wallet = h.wallet_address
        WHERE coalesce(h.balance, 0) <> coalesce(m.amount, 0)
        """,
    ),
    Check(
        "coins.balances_sum_to_the_supply",
        "artist_tokens",
        "All balances of a coin are its supply.",
        f"""
        SELECT k.id, coalesce(sum(h.balance), 0), k.total_supply FROM artist_tokens k
        LEFT JOIN token_holders h ON h.artist_token_id = k.id
        WHERE {READ} GROUP BY k.id HAVING coalesce(sum(h.balance), 0) <> k.total_supply
        """,
    ),
    Check(
        "coins.holders_are_counted",
        "artist_tokens",
        "A coin's number of holders is how many wallets have some.",
        f"""
        SELECT k.id, coalesce(k.holders_count, 0), count(h.id) FROM artist_tokens k
        LEFT JOIN token_holders h ON h.artist_token_id = k.id AND h.balance > 0
        WHERE {READ} GROUP BY k.id HAVING coalesce(k.holders_count, 0) <> count(h.id)
        """,
    ),
    Check(
        "coin_transfers.have_their_log",
        "token_transfers",
        "Every transfer of coins is in the logs, word for word.",
        f"""
        SELECT t.id, t.tx_hash || ':' || t.log_index, 'a Transfer in chain_logs that says the same'
        FROM token_transfers t WHERE NOT EXISTS (SELECT FROM chain_logs l WHERE {MOVE} AND l.name = 'Transfer')
        """,
    ),
    Check(
        "logs.have_their_coin_transfer",
        "chain_logs",
        "Every Transfer of a coin in the logs is a transfer of coins.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'no transfer of coins', 'one'
        FROM chain_logs l JOIN artist_tokens k ON {READ} AND k.chain_id = l.chain_id AND k.contract_address = l.address
        WHERE l.name = 'Transfer' AND NOT EXISTS (SELECT FROM token_transfers t WHERE {MOVE})
        """,
    ),
    ChainCheck(
        "coins.balance_is_chain_balance",
        "token_holders",
        "A wallet has as many coins here as on the chain.",
        f"""
        SELECT h.id, h.balance, k.contract_address, h.wallet_address
        FROM token_holders h JOIN artist_tokens k ON k.id = h.artist_token_id WHERE {READ}
        """,
        calls("ArtistCoin", "balanceOf"),
        returned("ArtistCoin", "balanceOf"),
    ),
    ChainCheck(
        "coins.supply_is_chain_supply",
        "artist_tokens",
        "A coin's supply is the chain's.",
        f"SELECT k.id, k.total_supply, k.contract_address FROM artist_tokens k WHERE {READ}",
        calls("ArtistCoin", "totalSupply"),
        returned("ArtistCoin", "totalSupply"),
    ),
]
