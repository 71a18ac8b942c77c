"""The recording that a master is about: sent by its artist, prepared by a job, played on its page.

It may be sent, replaced and taken away until a contract on the chain leads to the master; a master that was launched
without one may still get it, once.
"""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.db import transaction
from portal.errors import Conflict
from portal.files import queries as files
from portal.files import recordings, store
from portal.files.models import Upload
from portal.files.recordings import Sent
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters.models import Master
from portal.masters.service import own_master

STAYS = "Shares of this recording are on the chain: it stays as it is."


def may_change(master: Master) -> bool:
    """Whether another recording may still take its place."""
    return not (master.contracts and master.audio_ipfs_hash)


def send(
    user_id: uuid.UUID, master_id: uuid.UUID, sent: Sent, settings: Settings, keyed: KeyedRequest | None = None
) -> Upload:
    """Take what the artist sends and have it prepared. Raises Conflict once it stays, Invalid beyond the quota."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        if not may_change(master):
            raise Conflict(STAYS)
        upload = recordings.keep_upload(session, user_id, master_id, sent, settings.recording_bytes_per_person)
        asked = {"upload_id": str(upload.id), "master_id": str(master_id)}
        outbox.add(session, "prepare_recording", asked, dedupe=f"prepare_recording:{upload.id}")
        _record(session, "send_recording", master, {"file": upload.file_name, "bytes": upload.size})
        keep(session, upload)
        return upload


def take_away(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> Master:
    """Neither a recording nor one on its way. Raises Conflict once it stays."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        if not may_change(master):
            raise Conflict(STAYS)
        if recordings.forget_upload(session, master_id) | recordings.empty(session, master_id):
            _show(session, master, None, None, None)
            _record(session, "take_recording_away", master, None)
        keep(session, master)
        return master


def settle(upload_id: uuid.UUID, master_id: uuid.UUID, content: bytes, milliseconds: int, peaks: list[int]) -> None:
    """What was sent has become a recording: show it, unless another one was sent meanwhile. Once."""
    with transaction() as session:
        master = session.get(Master, master_id, with_for_update=True, populate_existing=True)
        upload = files.upload(session, master_id)
        if master is not None and upload is not None and upload.id == upload_id:
            if may_change(master):
                cid = recordings.fill(session, upload.owner_id, master_id, content, milliseconds, peaks)
                _show(session, master, upload.file_name, cid, max(1, round(milliseconds / 1000)))
                _record(session, "recording_prepared", master, {"cid": cid, "milliseconds": milliseconds})
                recordings.forget_upload(session, master_id)
                if master.contracts:
                    store.publish(session, cid)
            else:
                recordings.refuse(session, upload_id, STAYS)
        outbox.finish(session)


def note_percent(upload_id: uuid.UUID, percent: int) -> None:
    """How much is prepared, for the page that waits."""
    with transaction() as session:
        recordings.note_percent(session, upload_id, percent)


def refuse(upload_id: uuid.UUID, reason: str) -> None:
    """What was sent cannot become a recording; its artist reads why."""
    with transaction() as session:
        recordings.refuse(session, upload_id, reason)
        outbox.finish(session)


def _show(session: Session, master: Master, name: str | None, cid: str | None, seconds: int | None) -> None:
    """Past the master's version: whoever has its draft open in a form is not told that somebody changed it."""
    values = {"audio_file_name": name, "audio_ipfs_hash": cid, "duration": seconds}
    session.execute(sa.update(Master).where(Master.id == master.id).values(values))


def _record(session: Session, act: str, master: Master, after: dict[str, object] | None) -> None:
    record(session, act, AuditActionCategory.MASTER, target=("master", master.id, master.title), after=after)
