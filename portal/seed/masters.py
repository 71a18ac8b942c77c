"""Masters: made as drafts, their rights confirmed, then brought to where they are to be."""

from __future__ import annotations

import datetime as dt
import io

from sqlalchemy.orm import Session

from portal.chain.client import current
from portal.db import transaction, utcnow
from portal.files import queries as files
from portal.files.recordings import Sent
from portal.masters import ending, launch, queries, recordings, service
from portal.masters.archive import archive_master
from portal.masters.enums import IpoStatus, MasterStatus, MasterType
from portal.masters.terms import MasterDetails, OfferTerms
from portal.seed.data import ACTS, ADMIN, Act, Aim, Offer, Track
from portal.seed.field import Field, Sown, acting, owner_of, person, sown, there
from portal.seed.sound import performed
from portal.seed.waiting import until, was_asked

HEARD = (Aim.LIVE, Aim.CLOSED, Aim.SCHEDULED, Aim.CANCELLED)


def drafts(field: Field) -> None:
    """All of them, with the terms of their offers; times are set when an offer is launched."""
    for act in ACTS:
        owner = person(act.email)
        for track in act.tracks:
            if sown(track.title) is None:
                with acting(owner):
                    service.create_master_with_ipo(owner.id, _details(act, track), _terms(track.offer), field.settings)
            if track.aim is not Aim.DRAFT and there(track.title).status is MasterStatus.DRAFT:
                with acting(owner):
                    service.confirm_rights(owner.id, there(track.title).id)


def put_on_sale(field: Field, title: str) -> Sown:
    """Launch a draft with its times counted from the chain's clock, and wait until it is open."""
    track = _track(title)
    if there(title).offer in (IpoStatus.DRAFT, IpoStatus.SCHEDULED):
        _launch(field, track)
        _wait_for(field, title, IpoStatus.LIVE, IpoStatus.CLOSED)
    return there(title)


def announce(field: Field) -> None:
    """Offers whose contracts are on the chain and that open in some days; staff approves where it has to."""
    for track in _with_aim(Aim.SCHEDULED):
        _launch(field, track)
        if there(track.title).status is MasterStatus.PENDING:
            with acting(ADMIN):
                launch.approve_master(there(track.title).id)
    for track in _with_aim(Aim.SCHEDULED):
        _wait_for_contracts(field, track.title)


def hand_in(field: Field) -> None:
    """Launched by an artist who is not verified: waits for staff."""
    for track in _with_aim(Aim.PENDING):
        if there(track.title).status is MasterStatus.DRAFT:
            _launch(field, track)


def put_away(field: Field) -> None:
    for track in _with_aim(Aim.ARCHIVED):
        if there(track.title).status is not MasterStatus.ARCHIVED:
            owner = owner_of(track.title)
            with acting(owner):
                archive_master(owner.id, there(track.title).id)


def call_off(field: Field) -> None:
    """Cancelled on the chain: who bought gets the price back for the share."""
    for track in _with_aim(Aim.CANCELLED):
        found, owner = there(track.title), owner_of(track.title)
        if found.offer is IpoStatus.LIVE:
            job = ending.chain_job("cancel_contract", found.offer_id)
            if not was_asked(job):
                with acting(owner):
                    ending.cancel_offer(owner.id, found.id)
            _wait_for(field, track.title, IpoStatus.CANCELLED, job=job)


def record(field: Field) -> None:
    """Something to hear on every page that fans see."""
    heard = [track for act in ACTS for track in act.tracks if track.aim in HEARD]
    for track in heard:
        if _heard(track.title) is None:
            content = performed(track.title, min(track.seconds, field.plan.seconds))
            sent = Sent(f"{track.title}.flac", io.BytesIO(content), len(content))
            with acting(owner_of(track.title)):
                recordings.send(owner_of(track.title).id, there(track.title).id, sent, field.settings)
    for track in heard:
        _wait_for_recording(field, track.title)


def _heard(title: str) -> str | None:
    """How far a master's recording is: sent, kept, or None."""
    found = there(title)
    with transaction() as session:
        if files.recording(session, found.id):
            return "kept"
        return "sent" if files.upload(session, found.id) else None


def _wait_for_recording(field: Field, title: str) -> None:
    until(f"{title} can be heard", lambda _: _heard(title) == "kept", field.patience)


def _launch(field: Field, track: Track) -> None:
    owner, found = owner_of(track.title), there(track.title)
    if found.offer is IpoStatus.DRAFT and found.status is MasterStatus.DRAFT:
        with acting(owner):
            if track.offer.ends is not None:
                service.set_offer(owner.id, found.id, _terms(track.offer, _now(track.offer)), None, field.settings)
            launch.launch_ipo(owner.id, found.id)


def _now(offer: Offer) -> dt.datetime:
    """Today, for what opens later; else the chain's clock, so that an offer ends as many days after it opened."""
    return utcnow() if offer.opens else dt.datetime.fromtimestamp(current().clock(), dt.UTC)


def _wait_for(field: Field, title: str, *wanted: IpoStatus, job: str = "") -> None:
    job = job or launch.deployment_job(there(title).offer_id)
    until(f"{title} becomes {wanted[0]}", lambda _: there(title).offer in wanted, field.patience, job)


def _wait_for_contracts(field: Field, title: str) -> None:
    found = there(title)
    job = launch.deployment_job(found.offer_id)

    def deployed(session: Session) -> bool:
        return queries.contract_of(session, found.id, field.chain_id) is not None

    until(f"{title} gets its contracts", deployed, field.patience, job)


def _track(title: str) -> Track:
    return next(track for act in ACTS for track in act.tracks if track.title == title)


def _with_aim(aim: Aim) -> list[Track]:
    return [track for act in ACTS for track in act.tracks if track.aim is aim]


def _details(act: Act, track: Track) -> MasterDetails:
    return MasterDetails(
        track.title, track.about, act.genre, MasterType.TRACK, mood_tags=track.moods, duration=track.seconds
    )


def _terms(offer: Offer, now: dt.datetime | None = None) -> OfferTerms:
    """Half of the income to holders, a royalty of a tenth; `now` is when the offer's days are counted from."""

    def day(number: int | None) -> dt.datetime | None:
        return now + dt.timedelta(days=number) if now is not None and number is not None else None

    return OfferTerms(
        offer.supply, offer.price, "USDC", 5000, 1000, (300, 200, 100), True,
        starts_at=day(offer.opens), ends_at=day(offer.ends),
    )  # fmt: skip
