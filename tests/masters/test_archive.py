"""Archiving a master: out of sight for good, never under an open offer."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.audit.models import AuditLog
from portal.errors import Conflict, NotFound
from portal.masters import queries
from portal.masters.archive import archive_master
from portal.masters.enums import IpoStatus, MasterStatus
from tests import factories


def test_an_archived_master_is_out_of_sight(session: Session) -> None:
    artist = factories.artist(session)
    master = factories.master(session, artist)
    assert archive_master(artist.user_id, master.id).status is MasterStatus.ARCHIVED
    assert queries.public(session, master.id) is None
    assert session.scalar(sa.select(AuditLog.target_id).where(AuditLog.action == "master_archived")) == master.id
    with pytest.raises(NotFound):
        archive_master(artist.user_id, master.id)


def test_not_while_its_offer_is_open_and_not_by_others(session: Session) -> None:
    artist = factories.artist(session)
    master = factories.master(session, artist)
    assert master.ipo is not None
    master.ipo.status = IpoStatus.LIVE
    session.commit()
    with pytest.raises(Conflict):
        archive_master(artist.user_id, master.id)
    with pytest.raises(NotFound):
        archive_master(factories.artist(session).user_id, master.id)
