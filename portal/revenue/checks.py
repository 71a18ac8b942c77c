# ruff: noqa: S608  (statements are put together from constants)
"""What holds for revenue and for the ledger. Currencies never meet in a sum."""

from __future__ import annotations

from portal import money
from portal.checks import LATE, AnyCheck, Check
from portal.revenue import dividend_checks
from portal.revenue.dividend_checks import CARRIES

PLAN = "r.metadata -> 'plan'"
UNITS = "CAST(r.metadata #>> '{conversion,units}' AS numeric)"
HOLDERS = "CAST(r.metadata #>> '{plan,holders}' AS numeric)"
PARTS, CREDITED = (
    f"coalesce((SELECT sum(CAST(p ->> 1 AS numeric)) FROM jsonb_array_elements(r.metadata #> '{{plan,{name}}}') p), 0)"
    for name in ("parts", "credited")
)
SENDS = f"({HOLDERS} + {PARTS})"
UNDERWAY = "r.status IN ('verified', 'deposited')"
PARTIES = "('artist', 'producer', 'collaborator', 'platform')"
DECIMALS = ", ".join(f"('{c.code}', {c.decimals})" for c in money.CURRENCIES.values())
POSTED = f"""(
    SELECT e.posting_id, sum(e.amount) FILTER (WHERE a.kind = 'revenue') AS revenue,
           sum(e.amount) FILTER (WHERE a.kind = 'holders') AS holders,
           sum(e.amount) FILTER (WHERE a.kind = 'cash') AS cash,
           sum(e.amount) FILTER (WHERE a.kind = 'forward') AS forward,
           sum(e.amount) FILTER (WHERE a.kind IN {PARTIES} AND e.amount > 0) AS before
    FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id GROUP BY 1)"""
BALANCES = "(SELECT account_id AS id, sum(amount) AS balance FROM ledger_entries GROUP BY 1)"

EVENTS: list[AnyCheck] = [
    Check(
        "revenue.verified_is_booked",
        "revenue_events",
        "Verified revenue says who verified it and what was booked.",
        f"""
        SELECT r.id, r.status || CASE WHEN r.verified_by IS NULL THEN ' by nobody' ELSE '' END
               || CASE WHEN p.posting_id IS NULL THEN ', not booked' ELSE '' END, 'verified by somebody, and booked'
        FROM revenue_events r
        LEFT JOIN {POSTED} p ON p.posting_id = CAST(r.metadata #>> '{{conversion,posting}}' AS uuid)
        WHERE r.status IN ('verified', 'deposited', 'distributed')
          AND (r.verified_at IS NULL OR r.verified_by IS NULL OR {UNITS} IS NULL
               OR ({UNITS} <> 0 AND p.revenue IS DISTINCT FROM -{UNITS}))
        """,
    ),
    Check(
        "revenue.booked_is_the_amount",
        "revenue_events",
        "What was booked, with what waits below one unit, is the amount at its rate.",
        f"""
        SELECT r.id, {UNITS} || ' units and ' || (r.metadata #>> '{{conversion,below}}') || ' ' || c.code,
               r.amount || ' ' || r.currency || ' x ' || (r.metadata #>> '{{conversion,rate}}')
        FROM revenue_events r
        LEFT JOIN (VALUES {DECIMALS}) AS c (code, decimals) ON c.code = r.metadata #>> '{{conversion,currency}}'
        WHERE r.metadata ? 'conversion' AND {UNITS} / power(10::numeric, c.decimals)
          + CAST(r.metadata #>> '{{conversion,below}}' AS numeric)
          IS DISTINCT FROM r.amount * CAST(r.metadata #>> '{{conversion,rate}}' AS numeric)
        """,
    ),
    Check(
        "revenue.parts_sum_to_the_amount",
        "revenue_events",
        "The parts of holders, artist, collaborators and platform are the amount that was booked, to the unit.",
        f"""
        SELECT r.id, concat_ws(' + ', {HOLDERS}, {PARTS}, {CREDITED}) || ', paid before ' || coalesce(p.before, 0)
               || ', made good ' || coalesce(-p.forward, 0), {UNITS}
        FROM revenue_events r LEFT JOIN {POSTED} p ON p.posting_id = CAST(r.metadata #>> '{{plan,posting}}' AS uuid)
        WHERE {PLAN} IS NOT NULL AND (
            {SENDS} + {CREDITED} - coalesce(p.before, 0) - coalesce(p.forward, 0) <> {UNITS}
            OR (coalesce(p.revenue, 0), coalesce(-p.holders, 0), coalesce(-p.cash, 0)) <> ({UNITS}, {HOLDERS}, {SENDS}))
        """,
    ),
    Check(
        "revenue.distributed_has_its_deposit",
        "revenue_events",
        "Revenue that is distributed was deposited by the transaction that it names.",
        f"""
        SELECT r.id, r.status || ' in ' || coalesce(r.deposit_tx_hash, 'no transaction'),
               'the distribution of ' || {SENDS} || ' ' || (r.metadata #>> '{{plan,currency}}')
        FROM revenue_events r
        WHERE r.status = 'distributed' AND {SENDS} > 0 AND NOT EXISTS (
            SELECT FROM dividend_events e
            WHERE e.event_type = 'distribution' AND e.revenue_event_id = r.id AND e.tx_hash = r.deposit_tx_hash
              AND e.dividend_contract_id = r.deposited_to_contract_id AND e.total_amount = {SENDS}
              AND e.currency = r.metadata #>> '{{plan,currency}}')
        """,
    ),
    Check(
        "revenue.deposits_are_noted",
        "revenue_events",
        "Revenue whose deposit is on the chain is deposited or distributed, and only such revenue names one.",
        f"""
        SELECT r.id, r.status || ', deposited by ' || coalesce(r.deposit_tx_hash, 'none'), 'deposited or distributed'
        FROM revenue_events r
        WHERE r.status NOT IN ('deposited', 'distributed') AND (r.deposit_tx_hash IS NOT NULL OR EXISTS (
            SELECT FROM dividend_events e WHERE e.revenue_event_id = r.id AND e.created_at < now() - {LATE}))
        """,
    ),
    Check(
        "revenue.is_paid_once",
        "revenue_events",
        "Revenue is distributed once.",
        """
        SELECT revenue_event_id, count(*) || ' distributions', '1' FROM dividend_events
        WHERE event_type = 'distribution' AND revenue_event_id IS NOT NULL
        GROUP BY revenue_event_id HAVING count(*) > 1
        """,
    ),
]

LEDGER: list[AnyCheck] = [
    Check(
        "ledger.postings_sum_to_zero",
        "ledger_entries",
        "The entries of a posting sum to zero in each currency.",
        """
        SELECT posting_id, sum(amount) || ' ' || currency, '0' FROM ledger_entries
        GROUP BY posting_id, currency HAVING sum(amount) <> 0
        """,
    ),
    Check(
        "ledger.sums_to_zero",
        "ledger_accounts",
        "The whole ledger sums to zero in each currency.",
        "SELECT currency, sum(amount), 0 FROM ledger_entries GROUP BY currency HAVING sum(amount) <> 0",
    ),
    Check(
        "ledger.entries_have_their_accounts_currency",
        "ledger_entries",
        "An entry is in its account's currency, which the account's name ends with.",
        """
        SELECT e.id, e.currency, a.key FROM ledger_entries e LEFT JOIN ledger_accounts a ON a.id = e.account_id
        WHERE a.id IS NULL OR e.currency <> a.currency OR right(a.key, length(a.currency) + 1) <> ':' || a.currency
        """,
    ),
    Check(
        "ledger.underway_is_what_is_planned",
        "ledger_accounts",
        "What is in transit, and owed to holders and parties by it, is what the deposits on their way carry.",
        f"""
        SELECT coalesce(a.id::text, p.key), coalesce(b.balance, 0), coalesce(p.amount, 0) FROM (
            SELECT concat_ws(':', k.kind, r.master_id, r.metadata #>> '{{plan,currency}}') AS key,
                   sum(k.amount) AS amount
            FROM revenue_events r
            CROSS JOIN LATERAL (VALUES ('transit', {SENDS}), ('holders', -{HOLDERS}), ('parts', -{PARTS}))
              AS k (kind, amount)
            WHERE {UNDERWAY} AND {PLAN} IS NOT NULL GROUP BY 1
        ) p FULL JOIN (SELECT * FROM ledger_accounts WHERE kind IN ('transit', 'holders', 'parts')) a ON a.key = p.key
        LEFT JOIN {BALANCES} b ON b.id = a.id
        WHERE coalesce(b.balance, 0) <> coalesce(p.amount, 0)
        """,
    ),
    Check(
        "ledger.revenue_is_what_waits",
        "ledger_accounts",
        "What is booked as revenue is what was imported and not shared out yet.",
        f"""
        SELECT coalesce(a.id::text, p.key), coalesce(b.balance, 0), coalesce(p.amount, 0) FROM (
            SELECT concat_ws(':', 'revenue', r.master_id, r.metadata #>> '{{conversion,currency}}') AS key,
                   -sum({UNITS}) AS amount
            FROM revenue_events r
            WHERE r.metadata ? 'conversion' AND {PLAN} IS NULL AND r.status <> 'distributed' GROUP BY 1
        ) p FULL JOIN (SELECT * FROM ledger_accounts WHERE kind = 'revenue') a ON a.key = p.key
        LEFT JOIN {BALANCES} b ON b.id = a.id
        WHERE coalesce(b.balance, 0) <> coalesce(p.amount, 0)
        """,
    ),
    Check(
        "ledger.carry_is_the_contracts",
        "ledger_accounts",
        "The carry of a master and currency is what its contract carries, once all deposits are settled.",
        f"""
        SELECT coalesce(a.id::text, c.master_id || ' ' || c.currency), coalesce(b.balance, 0), c.carry_after
        FROM {CARRIES} c LEFT JOIN ledger_accounts a ON a.key = concat_ws(':', 'carry', c.master_id, c.currency)
        LEFT JOIN {BALANCES} b ON b.id = a.id
        WHERE coalesce(b.balance, 0) <> c.carry_after AND NOT EXISTS (
            SELECT FROM revenue_events r WHERE r.master_id = c.master_id AND {UNDERWAY} AND {PLAN} IS NOT NULL)
          AND NOT EXISTS (
            SELECT FROM dividend_events e WHERE e.dividend_contract_id = c.id AND e.currency = c.currency
             AND e.event_type = 'distribution' AND e.revenue_event_id IS NULL)
        """,
    ),
]

CHECKS: list[AnyCheck] = [*dividend_checks.CHECKS, *EVENTS, *LEDGER]
