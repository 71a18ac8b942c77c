"""Revenue as pages show it: the words of its sources, and one event as a row of a table."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.masters.shapes import cover_url
from portal.revenue import service
from portal.revenue.enums import RevenueSourceType as Source
from portal.revenue.models import RevenueEvent

SOURCES = {
    Source.DISTRIBUTOR: "Distributor, streaming",
    Source.PRO: "Radio and performance",
    Source.SYNC: "Film, ads and games",
    Source.MERCHANDISE: "Merchandise",
    Source.LIVE: "Concerts",
    Source.DIRECT: "Direct sales",
    Source.SECONDARY: "Resales",
    Source.MANUAL: "Entered by hand",
    Source.OTHER: "Other",
}


def row(event: RevenueEvent) -> dict[str, Any]:
    """`note` is why it failed or is disputed."""
    return {
        "id": str(event.id),
        "href": f"/admin/revenue/{event.id}",
        "title": event.master.title,
        "artist_name": event.master.artist.artist_name,
        "cover_url": cover_url(event.master),
        "period": f"{event.period_start:%B %Y}" if event.period_start else None,
        "source": event.source_name or SOURCES[event.source_type],
        "minor": int(event.amount * Decimal(10**8)),
        "decimals": 8,
        "currency": event.currency,
        "status": event.status.value,
        "at": event.created_at,
        "note": service.note(event, "failure") or service.note(event, "dispute"),
    }
