"""The end of a master's public life."""

from __future__ import annotations

import uuid

from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.db import transaction
from portal.errors import Conflict
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master
from portal.masters.service import own_master

UNDER_WAY = (IpoStatus.SCHEDULED, IpoStatus.LIVE)


def archive_master(user_id: uuid.UUID, master_id: uuid.UUID) -> Master:
    """Take one's own master out of sight for good; who holds shares of it keeps them and what they earn.

    Raises Conflict while its offer is on its way or open, NotFound for somebody else's or one archived before.
    """
    with transaction() as session:
        master = own_master(session, user_id, master_id, lock=True)
        if master.ipo is not None and master.ipo.status in UNDER_WAY:
            raise Conflict("End the offer first; then the master can be archived.")
        before, master.status = master.status, MasterStatus.ARCHIVED
        session.flush()
        record(
            session,
            "master_archived",
            AuditActionCategory.MASTER,
            target=("master", master.id, master.title),
            before={"status": before.value},
            after={"status": master.status.value},
        )
        return master
