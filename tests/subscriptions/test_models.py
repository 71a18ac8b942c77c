"""What the database refuses of plans and subscriptions."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.raw import LATER, NOW, Raw


@pytest.mark.parametrize("status", ["active", "trialing", "past_due"])
def test_one_running_subscription_a_person(raw: Raw, status: str) -> None:
    user = raw.add("users")
    raw.add("subscriptions", user_id=user, status="canceled")
    raw.add("subscriptions", user_id=user)
    raw.refuses("subscriptions", "uq_subscriptions_live", user_id=user, status=status)


def test_a_period_does_not_end_before_it_starts(raw: Raw) -> None:
    row = {"current_period_start": LATER, "current_period_end": NOW}
    raw.refuses("subscriptions", "ck_subscriptions_period", **row)


@pytest.mark.parametrize("price", [-1, Decimal("NaN")])
def test_prices_are_numbers_not_below_zero(raw: Raw, price: int | Decimal) -> None:
    raw.refuses("subscription_plans", "ck_subscription_plans_price_usd_not_negative", price_usd=price)
    raw.refuses("invoices", "ck_invoices_amount_due_not_negative", amount_due=price)
