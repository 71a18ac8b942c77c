"""The life of an IPO: launched by its artist, deployed by a job, live, closed. Every status is a compare-and-set.

(1) `launch_ipo`: draft -> scheduled, audit row and outbox row in one transaction; (2) the job `deploy_contract` puts
the contracts on the chain; (3) `record_deployment`: their rows, and scheduled -> live once its start has come
(specification 6.1). Each step may run twice and changes nothing twice.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import faults, live, outbox
from portal.accounts import queries as account_queries
from portal.audit.enums import AuditActionCategory
from portal.audit.service import log_system_event, record
from portal.config import Settings
from portal.db import must_hit, transaction, utcnow
from portal.errors import Conflict, Invalid, NotFound, Waiting
from portal.files import store
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters import policies
from portal.masters.enums import DividendDistributionModel, IpoStatus, MasterStatus
from portal.masters.models import DividendContract, Master, MasterContract, MasterIpo
from portal.masters.service import own_master
from portal.masters.terms import fault_of_end, must_lie_ahead

CHANGED = "This offer has changed since you opened it."
LOOK_AGAIN = dt.timedelta(seconds=5)


class TakenBack(Conflict):
    """The offer is not to be deployed any more."""


@dataclass(frozen=True)
class Deployment:
    """What the chain says about a created pair of contracts; times by the chain's clock."""

    chain_id: str
    shares: str
    dividends: str
    tx_hash: str
    block: int
    at: dt.datetime


def deployment_job(ipo_id: uuid.UUID) -> str:
    """The outbox name of an offer's deployment: one for ever."""
    return f"deploy:{ipo_id}"


def coin_job(artist_id: uuid.UUID) -> str:
    """The outbox name of making an artist's coin, and its transaction's purpose: one for ever."""
    return f"coin:{artist_id}"


def share_job(ipo_id: uuid.UUID) -> str:
    """The outbox name of paying an offer's buyers their part of the coin."""
    return f"share_coins:{ipo_id}"


def market_job(ipo_id: uuid.UUID) -> str:
    """The purpose of taking an offer's collection off the market."""
    return f"off_market:{ipo_id}"


def launch_ipo(
    user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None, version: int | None = None
) -> MasterIpo:
    """Launch one's own draft offer. A verified artist's is deployed at once; others wait for staff as `pending`.

    Raises Conflict for an offer that is no draft (of two at once one wins), without confirmed rights, without a
    wallet that the proceeds could go to, or whose `version` is another one by now; Invalid where its end has passed.
    """
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        ipo = _launchable(session, master)
        if version is not None and version != ipo.version:
            raise Conflict(CHANGED)
        if master.status is MasterStatus.DRAFT:
            _move_master(session, master, MasterStatus.PENDING)
        if master.artist.is_verified and master.status is MasterStatus.PENDING:
            _move_master(session, master, MasterStatus.APPROVED)
        if master.status is MasterStatus.APPROVED:
            _schedule(session, master, ipo)
        keep(session, ipo)
        return ipo


def approve_master(master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> Master:
    """Staff lets a waiting master pass; its launch, which the artist asked for, goes on.

    Raises Conflict where the sale's end has passed while it waited: its artist has to set another one.
    """
    with transaction() as session:
        claim(session, keyed)
        master = _waiting(session, master_id)
        try:
            ipo = _launchable(session, master)
        except Invalid as late:
            raise Conflict(f"{late.errors[0].message} Send it back to its artist, who can set another one.") from late
        _move_master(session, master, MasterStatus.APPROVED)
        _schedule(session, master, ipo)
        keep(session, master)
        return master


def send_back(master_id: uuid.UUID, reason: str, keyed: KeyedRequest | None = None) -> Master:
    """Staff sends a waiting master back to its artist, with the reason."""
    with transaction() as session:
        claim(session, keyed)
        master = _waiting(session, master_id)
        _move_master(session, master, MasterStatus.DRAFT, reason)
        keep(session, master)
        return master


def record_deployment(ipo_id: uuid.UUID, made: Deployment) -> None:
    """Step (3): write the contracts' rows and, when its start has come, open the offer; once."""
    with transaction() as session:
        ipo = locked_ipo(session, ipo_id)
        master = ipo.master
        values = {
            "id": uuid.uuid4(),
            "master_id": master.id,
            "chain_id": made.chain_id,
            "deployment_tx_hash": made.tx_hash,
            "deployed_at_block": made.block,
            "deployed_at": made.at,
        }
        shares = {"contract_address": made.shares, "contract_total_supply": ipo.total_supply,
                  "contract_royalty_bps": ipo.secondary_royalty_bps}  # fmt: skip
        first = insert(MasterContract).values(**values | shares).on_conflict_do_nothing().returning(MasterContract.id)
        if session.scalar(first) is not None:
            found = {"tx": made.tx_hash, "shares": made.shares, "dividends": made.dividends}
            target = ("master", master.id, master.title)
            record(session, "record_deployment", AuditActionCategory.IPO, target=target, after=found)
            faults.point("record-shares")
            for cid in (master.cover_image_ipfs_hash, master.audio_ipfs_hash):
                store.publish(session, cid)
            outbox.add(session, "deploy_coin", {"ipo_id": str(ipo.id)}, dedupe=coin_job(master.artist_id))
        pool = {"contract_address": made.dividends, "linked_master_contract": made.shares,
                "distribution_model": DividendDistributionModel.PER_MASTER}  # fmt: skip
        session.execute(
            insert(DividendContract).values(**values | pool | {"id": uuid.uuid4()}).on_conflict_do_nothing()
        )
        faults.point("record-dividends")
        if ipo.status is IpoStatus.SCHEDULED:
            _open_when_due(session, ipo, made.at)
        faults.point("record-opened")
        outbox.finish(session)
        faults.point("record-finished")


def start_ipo(ipo_id: uuid.UUID, now: dt.datetime) -> None:
    """Open a deployed offer whose start has come by the chain's clock, else look again; others are left as they are."""
    with transaction() as session:
        ipo = locked_ipo(session, ipo_id)
        if ipo.status is IpoStatus.SCHEDULED:
            _open_when_due(session, ipo, now)
        outbox.finish(session)


def version_of(ipo_id: uuid.UUID) -> int:
    """Which version of the offer a deployment is about to be prepared from."""
    with transaction() as session:
        return session.scalars(sa.select(MasterIpo.version).where(MasterIpo.id == ipo_id)).one()


def must_be_scheduled(session: Session, ipo_id: uuid.UUID, version: int) -> None:
    """Inside the transaction that commits the signed deployment: from then on the offer cannot be taken back.

    Raises TakenBack, Waiting where it was taken back and launched anew since `version`, maybe with other terms, and
    Conflict where the sale's end has passed in the meantime: the contract could sell nothing.
    """
    ipo = locked_ipo(session, ipo_id)
    if ipo.status is not IpoStatus.SCHEDULED:
        raise TakenBack("This offer was taken back.")
    if ipo.version != version:
        raise Waiting("The offer has changed since its deployment was prepared.")
    if (fault := fault_of_end(ipo.scheduled_start_at, ipo.scheduled_end_at, utcnow())) is not None:
        raise Conflict(fault)


def note_failure(ipo_id: uuid.UUID, name: str, reason: str) -> None:
    """The chain refused: written down, shown to the artist, and the job `name` rests until it is retried."""
    with transaction() as session:
        log_system_event(
            session, "chain_refused", name, reason, success=False, error=reason, entity=("master_ipo", ipo_id)
        )
        session.execute(
            sa.update(outbox.OutboxJob)
            .where(outbox.OutboxJob.dedupe == name, outbox.OutboxJob.done_at.is_(None))
            .values(failed_at=sa.func.now(), last_error=reason, runner=None, leased_until=None)
        )


def retry_launch(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> None:
    """Let a failed deployment run again. Raises NotFound when none has failed."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id)
        if master.ipo is None:
            raise NotFound
        outbox.retry(session, deployment_job(master.ipo.id))
        record(session, "retry_launch", AuditActionCategory.IPO, target=("master", master.id, master.title))
        keep(session, master)


def _launchable(session: Session, master: Master) -> MasterIpo:
    ipo = master.ipo
    if ipo is None or ipo.status is not IpoStatus.DRAFT:
        raise Conflict("There is no draft offer to launch.")
    if master.rights_confirmed_at is None:
        raise Conflict("Confirm first that the recording is yours to share.")
    if not any(w.verified for w in account_queries.wallets_of(session, master.artist.user_id)):
        raise Conflict("Link a wallet first: the proceeds go there.")
    must_lie_ahead(ipo.scheduled_start_at, ipo.scheduled_end_at, utcnow())
    return ipo


def _schedule(session: Session, master: Master, ipo: MasterIpo) -> None:
    """draft -> scheduled, and the deployment asked for; of two at once one hits no row."""
    settings: Settings = current_app.config["SETTINGS"]
    fee = settings.primary_fee_bps
    terms = policies.publish(session, master, ipo, fee)
    faults.point("launch-terms")
    move_ipo(session, ipo, IpoStatus.SCHEDULED, terms_version=terms.version, sale_fee_bps=fee)
    faults.point("launch-scheduled")
    outbox.add(session, "deploy_contract", {"ipo_id": str(ipo.id)}, dedupe=deployment_job(ipo.id))
    faults.point("launch-asked")


def _open_when_due(session: Session, ipo: MasterIpo, now: dt.datetime) -> None:
    """`now` by the chain's clock, which decides; the outbox wakes by ours, and looks again where the two differ."""
    start, end = ipo.scheduled_start_at, ipo.scheduled_end_at
    if start and start > now:
        look_again(session, "start_ipo", ipo.id, max(start, utcnow() + LOOK_AGAIN))
        return
    move_ipo(session, ipo, IpoStatus.LIVE, actual_start_at=now)
    if ipo.master.status is MasterStatus.APPROVED:
        _move_master(session, ipo.master, MasterStatus.LIVE)
    if end:
        look_again(session, "close_ipo", ipo.id, end)


def look_again(session: Session, job: str, ipo_id: uuid.UUID, at: dt.datetime) -> None:
    """The same job at a later time, under the name of that time."""
    name = f"{job}:{ipo_id}:at:{int(at.timestamp())}"
    outbox.add(session, job, {"ipo_id": str(ipo_id)}, dedupe=name, not_before=at)


def move_ipo(session: Session, ipo: MasterIpo, to: IpoStatus, **values: object) -> None:
    """A step of the state machine inside the caller's transaction: compare-and-set, audit row and news."""
    before = ipo.status
    result = session.execute(
        sa.update(MasterIpo)
        .where(MasterIpo.id == ipo.id, MasterIpo.status == before)
        .values(status=to, version=MasterIpo.version + 1, **values)
        .execution_options(synchronize_session=False)
    )
    must_hit(result, Conflict(CHANGED))
    session.refresh(ipo)
    record(
        session,
        f"ipo_{to.value}",
        AuditActionCategory.IPO,
        target=("master", ipo.master_id, ipo.master.title),
        before={"status": before.value},
        after={"status": to.value},
    )
    payload = {"type": "ipo.status", "masterId": str(ipo.master_id), "status": to.value, "seq": ipo.version}
    live.publish(session, f"master:{ipo.master_id}", str(ipo.master_id), payload)


def _move_master(session: Session, master: Master, to: MasterStatus, reason: str | None = None) -> None:
    before, master.status = master.status, to
    if to is MasterStatus.APPROVED:
        master.published_at = utcnow()
    session.flush()
    record(
        session,
        f"master_{to.value}",
        AuditActionCategory.MASTER,
        target=("master", master.id, master.title),
        before={"status": before.value},
        after={"status": to.value},
        description=reason,
    )
    live.tell_staff(session, "masters" if to is MasterStatus.PENDING else "counts")


def _waiting(session: Session, master_id: uuid.UUID) -> Master:
    master = session.get(Master, master_id, with_for_update=True)
    if master is None:
        raise NotFound
    if master.status is not MasterStatus.PENDING:
        raise Conflict("This master does not wait for a decision.")
    return master


def locked_ipo(session: Session, ipo_id: uuid.UUID) -> MasterIpo:
    """The offer's row, locked until the transaction ends."""
    return session.scalars(sa.select(MasterIpo).where(MasterIpo.id == ipo_id).with_for_update()).one()
