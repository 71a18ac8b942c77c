"""What open pages hear about revenue: absolute values, best effort, after the commit."""

from __future__ import annotations

from sqlalchemy.orm import Session

from portal import live
from portal.revenue.enums import RevenueEventStatus
from portal.revenue.models import RevenueEvent


def recorded(session: Session, event: RevenueEvent, *, publicly: bool = False) -> None:
    """Tell the owner's room where an event stands; the public hears of it once its deposit is final."""
    payload = {
        "type": "revenue.recorded",
        "masterId": str(event.master_id),
        "revenueEventId": str(event.id),
        "status": event.status.value,
        "seq": int((event.metadata_ or {}).get("steps", 0)),
    }
    live.publish(session, f"user:{event.master.artist.user_id}", str(event.id), payload)
    live.tell_staff(session, "revenue" if event.status is RevenueEventStatus.PENDING else "counts")
    if publicly:
        live.publish(session, f"master:{event.master_id}", str(event.id), payload)
