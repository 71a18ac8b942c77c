"""What a master earned and what a share was paid, as the master page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.marketplace.wording import decimals
from portal.masters.models import Master, MasterIpo
from portal.revenue import charts, income
from portal.revenue.income import MonthIncome, Payment

MONTHS = 12
PAYMENTS = 6


def of_master(session: Session, master: Master) -> dict[str, Any]:
    """Figures in one currency, the one that most was earned in; currencies never mix in a sum."""
    rows = income.revenue_by_month(session, master.id, MONTHS)
    payments = income.payments(session, master.id, PAYMENTS)
    count = income.payment_count(session, master.id)
    return {
        "revenue": _revenue(rows),
        "first_report_at": None,
        "paid_12m": _paid_a_share(session, master.ipo),
        "payouts": [_payment(p) for p in payments],
        "payouts_total": _all(payments, count),
        "payouts_count": count,
        "payouts_href": None,
    }


def _revenue(rows: Sequence[MonthIncome]) -> dict[str, Any] | None:
    drawn = charts.by_month(rows, MONTHS)
    return drawn and drawn | {"note": None, "ranges": [], "range": str(MONTHS)}


def _paid_a_share(session: Session, ipo: MasterIpo | None) -> dict[str, Any] | None:
    """What a share was paid in a year, and how much of its first price that is (bps)."""
    if ipo is None or not ipo.mint_price_currency:
        return None
    paid = income.paid_last_12_months_per_share(session, ipo.master_id, ipo.mint_price_currency)
    if paid is None:
        return None
    part = paid * 10_000 // ipo.mint_price_wei if ipo.mint_price_wei else None
    return {
        "minor": paid,
        "decimals": decimals(ipo.mint_price_currency),
        "currency": ipo.mint_price_currency,
        "yield_bps": part,
    }


def _all(rows: Sequence[Payment], count: int) -> dict[str, Any] | None:
    """The sum under the rows; none of one row or of several currencies."""
    if len(rows) < 2 or len({row.currency for row in rows}) > 1:
        return None
    digits = decimals(rows[0].currency)
    earned = [row.earned for row in rows]
    return {
        "period": "All payments" if count <= len(rows) else f"Last {len(rows)} payments",
        "earned_minor": None if None in earned else sum(filter(None, earned)),
        "holders_minor": sum(row.holders for row in rows),
        "decimals": digits,
        "per_share_minor": sum(row.per_share for row in rows),
        "per_share_decimals": digits,
        "currency": rows[0].currency,
    }


def _payment(row: Payment) -> dict[str, Any]:
    digits = decimals(row.currency)
    about = row.period_start or row.paid_at
    return {
        "period": f"{about:%B %Y}",
        "source": charts.NAMES[row.group],
        "earned_minor": row.earned,
        "holders_minor": row.holders,
        "decimals": digits,
        "per_share_minor": row.per_share,
        "per_share_decimals": digits,
        "paid_at": row.paid_at,
        "href": None,
    }
