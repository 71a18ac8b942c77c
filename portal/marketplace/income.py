"""What a master earned and what a share was paid, as the master page shows it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.db import utcnow
from portal.marketplace.wording import decimals
from portal.masters.models import Master, MasterIpo
from portal.money import format_units
from portal.revenue import income
from portal.revenue.income import MonthIncome, Payment

MONTHS = 12
PAYMENTS = 6
GROUPS = [
    ("streaming", "Streaming", "c1"),
    ("radio", "Radio and performance", "c2"),
    ("other", "Film, ads and other", "c3"),
]


def of_master(session: Session, master: Master) -> dict[str, Any]:
    """Figures in one currency, the one that most was earned in; currencies never mix in a sum."""
    rows = income.revenue_by_month(session, master.id, MONTHS)
    payments = income.payments(session, master.id, PAYMENTS)
    return {
        "revenue": _revenue(rows),
        "first_report_at": None,
        "paid_12m": _paid_a_share(session, master.ipo),
        "payouts": [_payment(p) for p in payments],
        "payouts_total": None,
        "payouts_count": income.payment_count(session, master.id),
        "payouts_href": None,
    }


def _revenue(rows: Sequence[MonthIncome]) -> dict[str, Any] | None:
    if not rows:
        return None
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.amount
    currency = max(sums, key=lambda code: sums[code])
    months, digits = _months(), decimals(currency)
    series = []
    for group, name, tone in GROUPS:
        by_month = {r.month: r.amount for r in rows if r.group == group and r.currency == currency}
        total = format_units(sum(by_month.values()), digits)
        values = [by_month.get(month, 0) / 10**digits for month in months]  # for drawing only
        series.append({"name": name, "values": values, "tone": tone, "total": total})
    return {
        "minor": sums[currency],
        "decimals": digits,
        "currency": currency,
        "period": f"{months[0]:%B %Y} to {months[-1]:%B %Y}",
        "note": None,
        "series": series,
        "labels": [f"{month:%b}" for month in months],
        "ranges": [],
        "range": "12",
    }


def _months() -> list[dt.date]:
    """The first days of the last twelve months, this one last."""
    now = utcnow()
    counts = range(now.year * 12 + now.month - MONTHS, now.year * 12 + now.month)
    return [dt.date(n // 12, n % 12 + 1, 1) for n in counts]


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


def _payment(row: Payment) -> dict[str, Any]:
    digits = decimals(row.currency)
    about = row.period_start or row.paid_at
    return {
        "period": f"{about:%B %Y}",
        "earned_minor": row.earned,
        "holders_minor": row.holders,
        "decimals": digits,
        "per_share_minor": row.per_share,
        "per_share_decimals": digits,
        "paid_at": row.paid_at,
        "href": None,
    }
