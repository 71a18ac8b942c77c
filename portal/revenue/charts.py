"""Income by month as bars: one series a kind of source, in the currency that most was earned in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from portal.db import utcnow
from portal.money import CURRENCIES, format_units
from portal.revenue.income import MonthIncome

GROUPS = [
    ("streaming", "Streaming", "c1"),
    ("radio", "Radio and performance", "c2"),
    ("other", "Film, ads and other", "c3"),
]


NAMES = {group: name for group, name, _ in GROUPS}


def months_back(count: int) -> list[dt.date]:
    """The first days of the last months, this one last."""
    now = utcnow()
    last = now.year * 12 + now.month
    return [dt.date(n // 12, n % 12 + 1, 1) for n in range(last - count, last)]


def by_month(rows: Sequence[MonthIncome], count: int) -> dict[str, Any] | None:
    """Values for `chart_bars` and their sum (`minor`); None where nothing was earned. Currencies never mix."""
    if not rows:
        return None
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.amount
    currency = max(sums, key=lambda code: sums[code])
    months, digits = months_back(count), CURRENCIES[currency].decimals
    series = []
    for group, name, tone in GROUPS:
        amounts = {r.month: r.amount for r in rows if r.group == group and r.currency == currency}
        total = format_units(sum(amounts.values()), digits)
        values = [amounts.get(month, 0) / 10**digits for month in months]  # for drawing only
        series.append({"name": name, "values": values, "tone": tone, "total": total})
    return {
        "minor": sums[currency],
        "decimals": digits,
        "currency": currency,
        "period": f"{months[0]:%B %Y} to {months[-1]:%B %Y}",
        "series": series,
        "labels": [f"{month:%b}" for month in months],
    }
