"""What a final block makes happen: rows of the outbox. Money waits for this, pages do not."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox

FINAL_DEPOSITS = """
SELECT DISTINCT revenue_event_id FROM dividend_events
WHERE chain_id = :chain AND event_type = 'deposit' AND revenue_event_id IS NOT NULL
  AND block_number > :after AND block_number <= :upto
"""
SOLD_OUT = """
SELECT i.id FROM master_ipos i
JOIN master_contracts c ON c.master_id = i.master_id AND c.chain_id = :chain
JOIN master_nfts n ON n.chain_id = :chain AND n.contract_address = c.contract_address AND n.token_id = i.total_supply
WHERE i.status = 'live' AND n.minted_at_block <= :upto
"""
ENDED = """
SELECT DISTINCT i.id FROM chain_logs l
JOIN master_contracts c ON c.chain_id = :chain AND c.contract_address = l.address
JOIN master_ipos i ON i.master_id = c.master_id
WHERE l.chain_id = :chain AND l.block_number > :after AND l.block_number <= :upto AND l.name = 'PhaseChanged'
  AND i.status IN ('scheduled', 'live')
"""
"""An artist's own wallet may close an offer or call it off past the portal; what it is then, the contract is asked."""


def settle(session: Session, chain_id: str, after: int, upto: int) -> None:
    """Ask for what follows from the blocks (after, upto] being final. Asking twice changes nothing."""
    if upto <= after:
        return
    values = {"chain": chain_id, "after": after, "upto": upto}
    for event_id in session.scalars(sa.text(FINAL_DEPOSITS), values):
        name = f"settle_revenue:{event_id}"
        outbox.add(session, "settle_revenue", {"revenue_event_id": str(event_id)}, dedupe=name)
    for ipo_id in session.scalars(sa.text(SOLD_OUT), values):
        outbox.add(session, "close_ipo", {"ipo_id": str(ipo_id)}, dedupe=f"close_ipo:{ipo_id}:sold-out")
    for ipo_id in session.scalars(sa.text(ENDED), values):
        outbox.add(session, "close_ipo", {"ipo_id": str(ipo_id)}, dedupe=f"close_ipo:{ipo_id}:phase:{upto}")
