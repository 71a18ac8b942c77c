"""What the database refuses of revenue, balances and the ledger."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.raw import Raw


def test_revenue_is_a_number_and_may_be_a_correction(raw: Raw) -> None:
    raw.add("revenue_events", amount=Decimal("-0.00000001"))
    raw.refuses("revenue_events", "ck_revenue_events_amount_not_nan", amount=Decimal("NaN"))


@pytest.mark.parametrize("source", ["Spotify", None])
def test_a_source_reports_a_reference_once(raw: Raw, source: str | None) -> None:
    row = {"master_id": raw.add("masters"), "source_name": source, "external_reference": "2026-01"}
    raw.add("revenue_events", **row)
    raw.refuses("revenue_events", "uq_revenue_events_reference", **row)
    raw.add("revenue_events", **row | {"external_reference": None})
    raw.add("revenue_events", **row | {"external_reference": None})


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"total_earned": 5, "claimable_amount": 4}, "ck_wallet_dividend_balances_claimable"),
        (
            {"total_claimed": 1, "claimable_amount": -1},
            "ck_wallet_dividend_balances_claimable_amount_not_negative",
        ),
    ],
)
def test_claimable_is_what_was_earned_and_not_claimed(raw: Raw, changes: dict[str, int], constraint: str) -> None:
    raw.refuses("wallet_dividend_balances", constraint, **changes)


def test_a_wallet_has_one_balance_a_contract_and_currency(raw: Raw) -> None:
    row = {"dividend_contract_id": raw.add("dividend_contracts"), "master_id": raw.add("masters")}
    raw.add("wallet_dividend_balances", **row)
    raw.refuses("wallet_dividend_balances", "uq_wallet_dividend_balances_wallet_contract_currency", **row)
    raw.add("wallet_dividend_balances", **row, currency="ETH")


def test_a_claim_names_the_claimant(raw: Raw) -> None:
    raw.refuses("dividend_events", "ck_dividend_events_claimant", event_type="claim")


def post(raw: Raw, *entries: tuple[int, str]) -> None:
    """One posting of (amount, currency) entries, checked as at commit."""
    posting = uuid.uuid4()
    with raw.connection.transaction():
        for amount, currency in entries:
            account = raw.add("ledger_accounts", currency=currency)
            row: dict[str, Any] = {"posting_id": posting, "account_id": account, "amount": amount}
            raw.add("ledger_entries", **row, currency=currency)
        raw.run("SET CONSTRAINTS ALL IMMEDIATE")
        raw.run("SET CONSTRAINTS ALL DEFERRED")


def test_a_posting_sums_to_zero_in_each_currency(raw: Raw) -> None:
    post(raw, (2**256 - 1, "ETH"), (1 - 2**256, "ETH"), (5, "USDC"), (-5, "USDC"))
    for wrong in ([(5, "USDC")], [(5, "USDC"), (-4, "USDC")], [(5, "USDC"), (-5, "ETH")]):
        with pytest.raises(psycopg.errors.CheckViolation, match="does not sum to zero") as refusal:
            post(raw, *wrong)
        assert refusal.value.diag.constraint_name == "ledger_entries_balanced"


def test_an_entry_has_its_account_s_currency(raw: Raw) -> None:
    raw.refuses("ledger_entries", "fk_ledger_entries_account_ledger_accounts", currency="ETH")


def test_a_ledger_amount_is_a_number(raw: Raw) -> None:
    raw.refuses("ledger_entries", "ck_ledger_entries_amount_not_nan", amount=Decimal("NaN"))
