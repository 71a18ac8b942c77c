# ruff: noqa: S608  (statements are put together from constants)
"""What holds for dividends: deposits, distributions, claims and balances are the logs', and the chain's.

Currencies never meet in a sum.
"""

from __future__ import annotations

from portal.chain.checks import amount, calls, held_in, returned
from portal.chain.words import address_sql, number_sql, word_sql
from portal.checks import AnyCheck, ChainCheck, Check
from portal.revenue.projections import REASON

READ = "d.chain_id = :chain AND coalesce(d.last_indexed_block, -1) >= d.deployed_at_block"
NAMES = """(
    VALUES ('deposit', 'RevenueDeposited'), ('distribution', 'DividendsDistributed'), ('claim', 'DividendClaimed'))"""
PLACE = "(l.chain_id, l.block_number, l.log_index, l.tx_hash)"
AMOUNT = number_sql(word_sql("l.data", 0))
TOKENS = f"""(
    SELECT DISTINCT e.dividend_contract_id AS id, e.currency, {address_sql("l.topics[3]")} AS token
    FROM dividend_events e JOIN chain_logs l ON {PLACE} = (e.chain_id, e.block_number, e.log_index, e.tx_hash)
    WHERE e.event_type = 'deposit')"""
"""The second indexed argument of RevenueDeposited is the currency's address."""
CARRIES = """(
    SELECT DISTINCT ON (dividend_contract_id, currency) dividend_contract_id AS id, currency, master_id, carry_after
    FROM dividend_events WHERE event_type = 'distribution'
    ORDER BY dividend_contract_id, currency, block_number DESC, log_index DESC)"""
DEPOSITS = """(
    SELECT dividend_contract_id AS id, currency, sum(total_amount) FILTER (WHERE event_type = 'deposit') AS deposited,
           sum(per_token_amount) FILTER (WHERE event_type = 'distribution') AS per_share
    FROM dividend_events GROUP BY 1, 2)"""
SNAPSHOT = f"""
 h.chain_id = e.chain_id AND h.master_id = e.master_id AND h.snapshot_reason = '{REASON}'
 AND h.snapshot_timestamp = e.block_timestamp
   + CAST((e.block_number % 1000) * 1000 + e.log_index % 1000 AS int) * interval '1 microsecond'"""
CREDITS = f"""
SELECT e.dividend_contract_id, e.currency, {address_sql("l.topics[3]")}, {AMOUNT}
FROM chain_logs l
JOIN chain_logs s ON (s.chain_id, s.block_hash, s.tx_hash, s.address, s.topics[2])
  = (l.chain_id, l.block_hash, l.tx_hash, l.address, l.topics[2]) AND s.name = 'DividendsDistributed'
JOIN dividend_events e ON (s.chain_id, s.block_number, s.log_index, s.tx_hash)
  = (e.chain_id, e.block_number, e.log_index, e.tx_hash)
WHERE l.name = 'Credited'"""
"""Who was credited by name, in the currency of the distribution with the same reference."""


CHECKS: list[AnyCheck] = [
    Check(
        "dividends.have_their_log",
        "dividend_events",
        "Every deposit, distribution and claim is in the logs, with its amount.",
        f"""
        SELECT e.id, e.event_type || ' of ' || e.total_amount || ' in ' || e.tx_hash || ':' || e.log_index,
               'a log that says the same'
        FROM dividend_events e JOIN {NAMES} AS n (kind, name) ON n.kind = e.event_type
        WHERE NOT EXISTS (
            SELECT FROM chain_logs l
            WHERE {PLACE} = (e.chain_id, e.block_number, e.log_index, e.tx_hash)
              AND l.name = n.name AND l.address = e.contract_address AND {AMOUNT} = e.total_amount)
        """,
    ),
    Check(
        "logs.have_their_dividend",
        "chain_logs",
        "Every deposit, distribution and claim in the logs is one here.",
        f"""
        SELECT l.tx_hash || ':' || l.log_index, 'no ' || n.kind, 'one' FROM chain_logs l
        JOIN {NAMES} AS n (kind, name) ON n.name = l.name
        JOIN dividend_contracts d ON {READ} AND d.contract_address = l.address AND d.chain_id = l.chain_id
        WHERE NOT EXISTS (
            SELECT FROM dividend_events e
            WHERE {PLACE} = (e.chain_id, e.block_number, e.log_index, e.tx_hash) AND e.event_type = n.kind)
        """,
    ),
    Check(
        "claims.are_dividend_claims",
        "dividend_claims",
        "A claim that was paid is the same wallet, amount and currency in both tables of it.",
        """
        SELECT coalesce(c.id, e.id), concat_ws(' ', c.wallet_address, c.amount_claimed, c.currency),
               concat_ws(' ', e.claimant_wallet, e.total_amount, e.currency)
        FROM dividend_claims c
        FULL JOIN (SELECT * FROM dividend_events WHERE event_type = 'claim') e
          ON (e.chain_id, e.tx_hash, e.log_index) = (c.chain_id, c.tx_hash, c.log_index)
        WHERE (c.wallet_address, c.amount_claimed, c.currency, c.dividend_contract_id)
          IS DISTINCT FROM (e.claimant_wallet, e.total_amount, e.currency, e.dividend_contract_id)
        """,
    ),
    Check(
        "distributions.have_their_deposit",
        "dividend_events",
        "A distribution shares out its deposit: same transaction, contract, amount and currency.",
        """
        SELECT s.id, s.total_amount || ' ' || s.currency, 'a deposit of it' FROM dividend_events s
        WHERE s.event_type = 'distribution' AND NOT EXISTS (
            SELECT FROM dividend_events p
            WHERE p.event_type = 'deposit' AND p.log_index < s.log_index
              AND (p.chain_id, p.tx_hash, p.dividend_contract_id, p.total_amount, p.currency)
                = (s.chain_id, s.tx_hash, s.dividend_contract_id, s.total_amount, s.currency))
        """,
    ),
    Check(
        "distributions.carry_less_than_the_supply",
        "dividend_events",
        "What a distribution carries is at least 0 and less than one unit per share.",
        """
        SELECT e.id, e.carry_after || ' ' || e.currency, 'from 0, below ' || i.total_supply
        FROM dividend_events e JOIN master_ipos i USING (master_id)
        WHERE e.event_type = 'distribution'
          AND (e.carry_after IS NULL OR e.carry_after < 0 OR e.carry_after >= i.total_supply)
        """,
    ),
    Check(
        "distributions.divide_pool_and_carry",
        "dividend_events",
        "Pool and carry of before are the amount per share times the supply, and the carry of after.",
        f"""
        SELECT id, per || ' x ' || supply || ' + ' || carry, pool || ' + ' || before FROM (
            SELECT e.id, e.per_token_amount AS per, i.total_supply AS supply, e.carry_after AS carry,
                   {number_sql(word_sql("l.data", 1))} AS pool,
                   lag(e.carry_after, 1, 0::numeric) OVER (PARTITION BY e.dividend_contract_id, e.currency
                                                           ORDER BY e.block_number, e.log_index) AS before
            FROM dividend_events e JOIN master_ipos i USING (master_id)
            JOIN chain_logs l ON {PLACE} = (e.chain_id, e.block_number, e.log_index, e.tx_hash)
            WHERE e.event_type = 'distribution'
        ) s WHERE per * supply + carry IS DISTINCT FROM pool + before
        """,
    ),
    Check(
        "distributions.snapshot_the_held_shares",
        "dividend_events",
        "A distribution noted who held every share, and the artist got the part of the others.",
        f"""
        SELECT id, held || ' shares of ' || holders || ', unminted ' || unminted,
               expected || ' holders, unminted ' || per * (supply - held)
        FROM (
            SELECT e.id, e.per_token_amount AS per, e.unminted_amount AS unminted, i.total_supply AS supply,
                   e.total_holders_at_distribution AS expected, count(h.id) AS held,
                   count(DISTINCT h.owner_wallet) AS holders
            FROM dividend_events e JOIN master_ipos i USING (master_id)
            LEFT JOIN nft_ownership_snapshots h ON {SNAPSHOT}
            WHERE e.event_type = 'distribution' GROUP BY e.id, i.total_supply
        ) s WHERE holders IS DISTINCT FROM expected OR unminted IS DISTINCT FROM per * (supply - held)
        """,
    ),
    Check(
        "balances.earned_is_reckoned",
        "wallet_dividend_balances",
        "A wallet earned the amount per share of every distribution times its shares then, and what it was credited.",
        f"""
        SELECT coalesce(b.id::text, s.contract || ' ' || s.wallet), coalesce(b.total_earned, 0) || ' '
               || coalesce(b.currency, s.currency), coalesce(s.amount, 0) || ' ' || coalesce(b.currency, s.currency)
        FROM wallet_dividend_balances b FULL JOIN (
            SELECT contract, currency, wallet, sum(amount) AS amount FROM (
                SELECT e.dividend_contract_id, e.currency, h.owner_wallet, e.per_token_amount
                FROM dividend_events e JOIN nft_ownership_snapshots h ON {SNAPSHOT}
                WHERE e.event_type = 'distribution'
                UNION ALL {CREDITS}
            ) AS parts (contract, currency, wallet, amount) GROUP BY 1, 2, 3
        ) s ON (s.contract, s.currency, s.wallet) = (b.dividend_contract_id, b.currency, b.wallet_address)
        WHERE coalesce(b.total_earned, 0) <> coalesce(s.amount, 0)
        """,
    ),
    Check(
        "balances.claimed_is_claims",
        "wallet_dividend_balances",
        "What a wallet claimed is the sum of its claims.",
        """
        SELECT coalesce(b.id::text, c.contract || ' ' || c.wallet), coalesce(b.total_claimed, 0), coalesce(c.amount, 0)
        FROM wallet_dividend_balances b FULL JOIN (
            SELECT dividend_contract_id AS contract, currency, wallet_address AS wallet, sum(amount_claimed) AS amount
            FROM dividend_claims GROUP BY 1, 2, 3
        ) c ON (c.contract, c.currency, c.wallet) = (b.dividend_contract_id, b.currency, b.wallet_address)
        WHERE coalesce(b.total_claimed, 0) <> coalesce(c.amount, 0)
        """,
    ),
    Check(
        "balances.claimed_stays_within_earned",
        "wallet_dividend_balances",
        "Nobody claimed more than was earned; the rest is claimable.",
        """
        SELECT id, total_claimed || ' claimed, ' || claimable_amount || ' claimable', total_earned || ' together'
        FROM wallet_dividend_balances
        WHERE total_claimed > total_earned OR claimable_amount <> total_earned - total_claimed
        """,
    ),
    Check(
        "balances.tokens_held_are_shares",
        "wallet_dividend_balances",
        "The shares that a balance counts are those that its wallet holds.",
        """
        SELECT b.id, b.tokens_held, coalesce(n.held, 0) FROM wallet_dividend_balances b LEFT JOIN (
            SELECT master_id, chain_id, current_owner_wallet, count(*) AS held FROM master_nfts GROUP BY 1, 2, 3
        ) n ON (n.master_id, n.chain_id, n.current_owner_wallet) = (b.master_id, b.chain_id, b.wallet_address)
        WHERE b.tokens_held <> coalesce(n.held, 0)
        """,
    ),
    Check(
        "dividends.deposited_is_earned_and_carry",
        "dividend_contracts",
        "What was deposited is what holders and parties earned, and the carry, in each currency.",
        f"""
        SELECT p.id, concat_ws(' + ', coalesce(b.earned, 0), coalesce(c.carry_after, 0)) || ' ' || p.currency,
               p.deposited
        FROM {DEPOSITS} p LEFT JOIN (
            SELECT dividend_contract_id AS id, currency, sum(total_earned) AS earned
            FROM wallet_dividend_balances GROUP BY 1, 2
        ) b USING (id, currency) LEFT JOIN {CARRIES} c USING (id, currency)
        WHERE coalesce(b.earned, 0) + coalesce(c.carry_after, 0) IS DISTINCT FROM coalesce(p.deposited, 0)
        """,
    ),
    Check(
        "dividends.totals_are_of_one_currency",
        "dividend_contracts",
        "A contract's totals are those of its first currency, never a sum over two.",
        f"""
        SELECT d.id, concat_ws(', ', d.total_revenue_deposited, d.total_dividends_distributed),
               concat_ws(', ', coalesce(p.deposited, 0), coalesce(p.deposited - c.carry_after, 0))
        FROM dividend_contracts d LEFT JOIN (
            SELECT DISTINCT ON (dividend_contract_id) dividend_contract_id AS id, currency FROM dividend_events
            WHERE event_type = 'deposit' ORDER BY dividend_contract_id, block_number, log_index
        ) f ON f.id = d.id
        LEFT JOIN {DEPOSITS} p ON (p.id, p.currency) = (f.id, f.currency)
        LEFT JOIN {CARRIES} c ON (c.id, c.currency) = (f.id, f.currency)
        WHERE (coalesce(d.total_revenue_deposited, 0), coalesce(d.total_dividends_distributed, 0))
          <> (coalesce(p.deposited, 0), coalesce(p.deposited - c.carry_after, 0))
        """,
    ),
    ChainCheck(
        "balances.claimable_is_chain_claimable",
        "wallet_dividend_balances",
        "What a wallet may claim here the chain would pay it.",
        f"""
        SELECT b.id, b.claimable_amount, d.contract_address, b.wallet_address, t.token
        FROM wallet_dividend_balances b JOIN dividend_contracts d ON d.id = b.dividend_contract_id
        JOIN {TOKENS} t ON (t.id, t.currency) = (b.dividend_contract_id, b.currency) WHERE {READ}
        """,
        calls("Dividends", "claimable"),
        returned("Dividends", "claimable"),
    ),
    ChainCheck(
        "dividends.pool_is_chain_pool",
        "dividend_contracts",
        "Deposited, earned by one share since the start, and carry are the chain's, in each currency.",
        f"""
        SELECT d.id, concat_ws(', ', p.deposited, p.per_share, c.carry_after), d.contract_address, t.token
        FROM dividend_contracts d JOIN {DEPOSITS} p USING (id) JOIN {CARRIES} c USING (id, currency)
        JOIN {TOKENS} t USING (id, currency) WHERE {READ}
        """,
        calls("Dividends", "pool"),
        returned("Dividends", "pool"),
    ),
    ChainCheck(
        "dividends.contract_can_pay",
        "dividend_contracts",
        "A contract has at least what may be claimed from it and the carry, in each currency.",
        f"""
        SELECT d.id, sum(b.claimable_amount) + min(c.carry_after), d.contract_address, t.token
        FROM dividend_contracts d JOIN {CARRIES} c USING (id) JOIN {TOKENS} t USING (id, currency)
        JOIN wallet_dividend_balances b ON (b.dividend_contract_id, b.currency) = (d.id, c.currency)
        WHERE {READ} GROUP BY d.id, d.contract_address, t.token
        """,
        held_in,
        amount,
        least=True,
    ),
]
