"""Files that contracts lead to, given to an IPFS node that came later than they did."""

from __future__ import annotations

import sqlalchemy as sa

from portal import outbox
from portal.audit.service import log_system_event
from portal.db import transaction, utcnow
from portal.masters.models import Master, MasterContract


def publish_all() -> int:
    """Ask for every cover and recording of a launched master to be sent to the node; returns how many there are."""
    with transaction() as session:
        hashes = [
            sa.select(column).join(MasterContract, MasterContract.master_id == Master.id).where(column.is_not(None))
            for column in (Master.cover_image_ipfs_hash, Master.audio_ipfs_hash)
        ]
        found = session.scalars(sa.union(*hashes)).all()
        moment = int(utcnow().timestamp())
        for cid in found:
            outbox.add(session, "add_to_ipfs", {"cid": cid}, dedupe=f"add_to_ipfs:{cid}:{moment}")
        log_system_event(session, "ipfs_publish", "files", "Files were asked to be sent.", records=len(found))
        return len(found)
