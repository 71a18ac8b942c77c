"""Commands on masters and their offers. The chain's side of an IPO's life is in `launch`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import db, faults
from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.db import transaction, utcnow
from portal.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from portal.files import store
from portal.files.places import Place
from portal.files.store import UNCHANGED, Change, Slot
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters import queries
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.models import Master, MasterCollaborator, MasterIpo
from portal.masters.terms import MasterDetails, OfferTerms, Partner, must_lie_ahead
from portal.money import BPS
from portal.subscriptions import queries as plans

db.explain("ck_master_ipos_revenue_shares", lambda: Invalid(FieldError("ipo", "The three parts must sum to 100 %.")))
db.explain(
    "ck_master_ipos_resale_parts",
    lambda: Invalid(FieldError("ipo", "Royalty and first buyers' parts are more than 100 % of a resale.")),
)


def create_master_with_ipo(
    user_id: uuid.UUID,
    details: MasterDetails,
    terms: OfferTerms | None,
    settings: Settings,
    keyed: KeyedRequest | None = None,
    cover: Change = UNCHANGED,
) -> Master:
    """Master, IPO and audit row in one transaction (specification 1.2): all of it or nothing.

    Raises Forbidden for somebody who is no artist or whose plan is used up, Invalid for parts that do not add up.
    """
    with transaction() as session:
        claim(session, keyed)
        artist = artist_queries.of_user(session, user_id)
        if artist is None:
            raise Forbidden("Only artists create masters. Become one first: it takes a name.")
        master = add_master(session, artist, details, terms, settings, cover)
        keep(session, master)
        return master


def add_master(
    session: Session,
    artist: Artist,
    details: MasterDetails,
    terms: OfferTerms | None,
    settings: Settings,
    cover: Change = UNCHANGED,
) -> Master:
    """`create_master_with_ipo` inside the caller's transaction."""
    _within_plan(session, artist)
    if terms is not None:
        _within_offers(session, artist)
    master = Master(
        id=uuid.uuid4(),
        artist=artist,
        artist_id=artist.id,
        title=details.title,
        description=details.description,
        genre=details.genre or artist.genre,
        master_type=details.master_type,
        isrc=details.isrc,
        mood_tags=list(details.mood_tags),
        duration=details.duration,
    )
    session.add(master)
    session.flush()
    _wrap(session, master, cover)
    if terms is not None:
        faults.point("create-master-ipo")
        master.ipo = _offer(master.id, terms, settings)
        session.flush()
    session.execute(sa.update(Artist).where(Artist.id == artist.id).values(total_masters=Artist.total_masters + 1))
    faults.point("create-master-audit")
    record(
        session,
        "create_master_with_ipo" if terms else "create_master",
        AuditActionCategory.MASTER,
        target=("master", master.id, master.title),
        after={"title": master.title, "ipo": _public_terms(terms), "cover": master.cover_image_ipfs_hash},
    )
    return master


def confirm_rights(user_id: uuid.UUID, master_id: uuid.UUID, keyed: KeyedRequest | None = None) -> Master:
    """The artist states that the recording is theirs to share; launch needs it. Saying it twice changes nothing."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id)
        if master.rights_confirmed_at is None:
            master.rights_confirmed_at, master.rights_confirmed_by = utcnow(), user_id
            record(
                session,
                "confirm_rights",
                AuditActionCategory.MASTER,
                target=("master", master.id, master.title),
            )
        keep(session, master)
        return master


def set_offer(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    terms: OfferTerms,
    version: int | None,
    settings: Settings,
    keyed: KeyedRequest | None = None,
) -> Master:
    """Write or replace the terms of an offer that is still a draft. Raises Conflict for a stale `version`."""
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        held = master.ipo
        if held is None:
            _within_offers(session, master.artist)
            master.ipo = _offer(master.id, terms, settings)
        elif held.status is not IpoStatus.DRAFT:
            raise Conflict("The terms of an offer change only while it is a draft.")
        elif version is not None and version != held.version:
            raise Conflict("Somebody changed this offer since you opened it.")
        else:
            _apply(held, terms, settings)
            held.version += 1
        _partners_must_fit(master, settings)
        record(
            session,
            "set_offer",
            AuditActionCategory.IPO,
            target=("master", master.id, master.title),
            after=_public_terms(terms),
        )
        keep(session, master)
        return master


def edition(master: Master) -> str:
    """Which state of a master and its offer a form was filled from."""
    return f"{master.version}.{master.ipo.version if master.ipo else 0}"


def edit_draft(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    details: MasterDetails,
    terms: OfferTerms | None,
    settings: Settings,
    keyed: KeyedRequest | None = None,
    seen: str | None = None,
    cover: Change = UNCHANGED,
) -> Master:
    """Change what a draft says, its cover and, where `terms` are given, its offer's terms.

    Raises Conflict once it is launched or waits for staff, and where it is not the `edition` that was `seen`.
    """
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        must_be_draft(master)
        if seen is not None and seen != edition(master):
            raise Conflict("Somebody changed this draft since you opened it. What stands now is shown below.")
        before = {"title": master.title, "cover": master.cover_image_ipfs_hash}
        _describe(master, details)
        _wrap(session, master, cover)
        if terms is not None and master.ipo is None:
            _within_offers(session, master.artist)
            master.ipo = _offer(master.id, terms, settings)
        elif terms is not None and master.ipo is not None:
            _apply(master.ipo, terms, settings)
        _partners_must_fit(master, settings)
        session.flush()
        record(
            session,
            "edit_draft",
            AuditActionCategory.MASTER,
            target=("master", master.id, master.title),
            before=before,
            after={"title": master.title, "ipo": _public_terms(terms), "cover": master.cover_image_ipfs_hash},
        )
        keep(session, master)
        return master


def set_partners(
    user_id: uuid.UUID,
    master_id: uuid.UUID,
    partners: Sequence[Partner],
    settings: Settings,
    keyed: KeyedRequest | None = None,
    seen: str | None = None,
) -> Master:
    """Say who shares in a draft's income, in this order; who is not named any more does not.

    Registered producers stay linked where name and role stay. Raises Conflict as `edit_draft` does, Invalid where the
    partners would get more than the artist's part.
    """
    with transaction() as session:
        claim(session, keyed)
        master = own_master(session, user_id, master_id, lock=True)
        must_be_draft(master)
        if seen is not None and seen != edition(master):
            raise Conflict("Somebody changed this draft since you opened it. What stands now is shown below.")
        before = _told(partners_of(master))
        linked = {(c.collaborator_name, c.role): c.producer_id for c in master.collaborators}
        master.collaborators = [
            MasterCollaborator(
                producer_id=linked.get((one.name, one.role)),
                collaborator_name=one.name,
                role=one.role,
                split_basis_points=one.bps,
                display_order=place,
            )
            for place, one in enumerate(partners)
        ]
        _partners_must_fit(master, settings)
        master.updated_at = utcnow()
        session.flush()
        target = ("master", master.id, master.title)
        after = _told(partners)
        record(session, "set_partners", AuditActionCategory.MASTER, target=target, before=before, after=after)
        keep(session, master)
        return master


def partners_of(master: Master) -> list[Partner]:
    """Who shares in a master's income besides its artist, in their order."""
    return [Partner(_name(one), one.role, one.split_basis_points) for one in master.collaborators]


def artists_part(master: Master, settings: Settings) -> int:
    """Bps of the income that the artist and the partners share: the offer's, or what it would be by default."""
    if master.ipo is not None:
        return master.ipo.retained_artist_bps
    return BPS - settings.default_holders_bps - settings.platform_bps


def _name(one: MasterCollaborator) -> str:
    return one.collaborator_name or (one.producer.producer_name if one.producer else "")


def _told(partners: Sequence[Partner]) -> dict[str, object]:
    return {"partners": [[one.name, one.role, one.bps] for one in partners]}


def _partners_must_fit(master: Master, settings: Settings) -> None:
    """What partners get comes out of the artist's part."""
    promised, most = sum(one.split_basis_points for one in master.collaborators), artists_part(master, settings)
    if promised > most:
        words = f"The partners get {promised / 100:g} %, and {most / 100:g} % is left for the artist and them."
        raise Invalid(FieldError("partners", words))


def details_of(master: Master) -> MasterDetails:
    """What a master says about itself."""
    tags = tuple(master.mood_tags or ())
    return MasterDetails(master.title, master.description, master.genre, master.master_type, master.isrc, tags)


def must_be_draft(master: Master) -> None:
    """Raises Conflict with the reason why its words and terms cannot change any more."""
    if master.status is MasterStatus.PENDING:
        raise Conflict("The portal's staff is looking at it. It can be changed again if it is sent back.")
    if master.ipo is not None and master.ipo.status is not IpoStatus.DRAFT:
        raise Conflict("Title and terms change only while the offer is a draft: buyers rely on them.")
    if master.status is not MasterStatus.DRAFT and not (
        master.status is MasterStatus.APPROVED and master.artist.is_verified
    ):
        raise Conflict("It is approved as it stands: title and terms cannot change any more.")


def _describe(master: Master, details: MasterDetails) -> None:
    master.title, master.description = details.title, details.description
    master.genre = details.genre or master.artist.genre
    master.master_type, master.isrc = details.master_type, details.isrc
    master.mood_tags = list(details.mood_tags)


def _wrap(session: Session, master: Master, cover: Change) -> None:
    """Give a draft its cover, or take it away: then the one drawn from its id is shown."""
    if cover is not UNCHANGED:
        slot = Slot(master.artist.user_id, Place.COVER, master_id=master.id)
        master.cover_image_url, master.cover_image_ipfs_hash = store.fill(session, slot, cover)


def own_master(session: Session, user_id: uuid.UUID, master_id: uuid.UUID, *, lock: bool = False) -> Master:
    """One's own master, or NotFound: somebody else's is as if it were not there."""
    if lock:
        session.execute(sa.select(Master.id).where(Master.id == master_id).with_for_update())
    master = queries.owned(session, master_id, user_id)
    if master is None or master.status is MasterStatus.ARCHIVED:
        raise NotFound
    return master


def _offer(master_id: uuid.UUID, terms: OfferTerms, settings: Settings) -> MasterIpo:
    ipo = MasterIpo(master_id=master_id)
    _apply(ipo, terms, settings)
    return ipo


def _apply(ipo: MasterIpo, terms: OfferTerms, settings: Settings) -> None:
    """Copy the terms to the row; the platform's part is the platform's, the artist's is what remains.

    Times that stand already may have gone by since: the launch asks for them again.
    """
    artist_bps = BPS - terms.holders_bps - settings.platform_bps
    if artist_bps < 0:
        most = (BPS - settings.platform_bps) // 100
        raise Invalid(FieldError("ipo.revenueShareNftHoldersBps", f"At most {most} % can go to holders."))
    if sum(terms.minter_bonus_bps) + terms.royalty_bps + settings.trading_fee_bps > BPS:
        raise Invalid(FieldError("ipo.secondaryRoyaltyBps", "Royalty, first buyers' parts and fee are over 100 %."))
    if (terms.starts_at, terms.ends_at) != (ipo.scheduled_start_at, ipo.scheduled_end_at):
        must_lie_ahead(terms.starts_at, terms.ends_at, utcnow())
    ipo.total_supply = terms.total_supply
    ipo.mint_price_wei, ipo.mint_price_currency = terms.mint_price, terms.currency
    ipo.revenue_share_nft_holders_bps = terms.holders_bps
    ipo.retained_platform_bps, ipo.retained_artist_bps = settings.platform_bps, artist_bps
    ipo.secondary_royalty_bps, ipo.allow_secondary_resale = terms.royalty_bps, terms.allow_resale
    ipo.first_minter_bonus_bps, ipo.second_minter_bonus_bps, ipo.third_minter_bonus_bps = terms.minter_bonus_bps
    ipo.person_cap = terms.person_cap
    ipo.scheduled_start_at, ipo.scheduled_end_at = terms.starts_at, terms.ends_at


def _within_plan(session: Session, artist: Artist) -> None:
    """Limits hold at creation; what exists stays after a downgrade. The artist's row is the lock."""
    session.execute(sa.select(Artist.id).where(Artist.id == artist.id).with_for_update())
    plan = plans.plan_of(session, artist.user_id)
    if plan.max_masters is not None and queries.counted(session, artist.id) >= plan.max_masters:
        raise Forbidden(f"The {plan.name} plan holds {plan.max_masters} master(s). A larger plan holds more.")


def _within_offers(session: Session, artist: Artist) -> None:
    """The month's offers, counted where one is added; the artist's row is the lock."""
    session.execute(sa.select(Artist.id).where(Artist.id == artist.id).with_for_update())
    plan = plans.plan_of(session, artist.user_id)
    month = utcnow().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    limit = plan.max_ipos_per_month
    if limit is not None and queries.ipos_since(session, artist.id, month) >= limit:
        raise Forbidden(f"The {plan.name} plan allows {limit} offer(s) a month.")


def _public_terms(terms: OfferTerms | None) -> dict[str, object] | None:
    if terms is None:
        return None
    return {
        "totalSupply": terms.total_supply,
        "mintPrice": str(terms.mint_price),
        "currency": terms.currency,
        "revenueShareNftHoldersBps": terms.holders_bps,
        "personCap": terms.person_cap,
    }
