"""What a master earned and what a share was paid, as the master page shows it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from portal.masters.models import Master


def of_master(session: Session, master: Master) -> dict[str, Any]:
    return {
        "revenue": None,
        "first_report_at": None,
        "paid_12m": None,
        "payouts": [],
        "payouts_total": None,
        "payouts_count": 0,
        "payouts_href": None,
    }
