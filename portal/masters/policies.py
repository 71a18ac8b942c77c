"""The terms of an offer: written down word for word at its launch, and who accepted which version.

The text is made from the offer's row and the general terms, so it is complete by itself. Its hash is the SHA-256 of
its UTF-8 bytes: it stands in every mint permit, in the buyer's transaction and in the contract's `Minted` event.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.errors import Conflict
from portal.masters.enums import IpoStatus
from portal.masters.models import Master, MasterIpo, PolicyConsent, PolicyVersion
from portal.money import CURRENCIES, format_bps, format_units

GENERAL_VERSION = "1"
GENERAL = (
    "A share gives its holder a part of what this recording earns, as stated above, for as long as it earns. It gives"
    " no copyright, no vote on how the recording is used, and no claim to a minimum. Income is not promised.",
    "Whoever holds a share when income is deposited on the chain earns its part. What was earned stays with that holder"
    " until it is claimed, without an end date, and does not go along when the share is sold.",
    "What is paid for shares waits in the offer's contract. When the offer is closed the artist withdraws it, less the"
    " sale fee. If the offer is cancelled before that, whoever holds a share then hands it back and gets the price of"
    " the first sale, without a deadline, whatever was paid for it later.",
    "Purchases, transfers and payments are carried out by contracts on a public chain. They are visible to everybody"
    " and, once final, cannot be taken back. The network's fee is paid by whoever sends a transaction.",
    "The limit for one person counts all wallets that are linked to the account.",
    "Buyers are at least 18 years old and buy for themselves.",
)


def compose(master: Master, ipo: MasterIpo, fee_bps: int) -> str:
    """The whole text. Everything that a buyer relies on is in it; nothing that may change later."""
    rows = "\n".join(f"{label}: {value}" for label, value in _rows(master, ipo, fee_bps))
    general = "\n\n".join(f"{number}. {text}" for number, text in enumerate(GENERAL, 1))
    return f"TERMS OF THE OFFER\n\n{rows}\n\nGENERAL TERMS, VERSION {GENERAL_VERSION}\n\n{general}\n"


def sale_fee_bps(ipo: MasterIpo, settings: Settings) -> int:
    """The sale's fee: a launched offer's was fixed then, a draft's would be the setting of now."""
    fixed = None if ipo.status is IpoStatus.DRAFT else ipo.sale_fee_bps
    return settings.primary_fee_bps if fixed is None else fixed


def content_hash(text: str) -> str:
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def publish(session: Session, master: Master, ipo: MasterIpo, fee_bps: int) -> PolicyVersion:
    """Write the terms down as they are now, with the sale's fee; the same words are the same version."""
    text = compose(master, ipo, fee_bps)
    digest = content_hash(text)
    held = session.scalars(sa.select(PolicyVersion).where(PolicyVersion.ipo_id == ipo.id)).all()
    found = next((one for one in held if one.content_hash == digest), None)
    if found is None:
        found = PolicyVersion(ipo_id=ipo.id, version=str(len(held) + 1), content=text, content_hash=digest)
        session.add(found)
        session.flush()
    return found


def in_force(session: Session, ipo: MasterIpo) -> PolicyVersion | None:
    """The terms that a buyer accepts now; None for an offer that was launched without."""
    return of_version(session, ipo.id, ipo.terms_version) if ipo.terms_version else None


def of_version(session: Session, ipo_id: uuid.UUID, version: str) -> PolicyVersion | None:
    return session.scalars(
        sa.select(PolicyVersion).where(PolicyVersion.ipo_id == ipo_id, PolicyVersion.version == version)
    ).one_or_none()


def accept(
    session: Session, user_id: uuid.UUID, ipo: MasterIpo, wallet: str, place: str, seen: str | None
) -> PolicyVersion | None:
    """Keep that a person accepted the terms in force, for which wallet and `place` (a purchase's name, or intent).

    Raises Conflict where other terms were `seen`; None stands for those in force.
    """
    terms = in_force(session, ipo)
    if seen is not None and (terms is None or seen != terms.version):
        raise Conflict("The terms of this offer have changed. Please read them again before you buy.")
    if terms is not None:
        values = {"user_id": user_id, "policy_version_id": terms.id, "wallet": wallet, "place": place}
        session.execute(insert(PolicyConsent).values(**values).on_conflict_do_nothing())
    return terms


def _rows(master: Master, ipo: MasterIpo, fee_bps: int) -> list[tuple[str, str]]:
    known = CURRENCIES[ipo.mint_price_currency or "USDC"]
    bonuses = [ipo.first_minter_bonus_bps or 0, ipo.second_minter_bonus_bps or 0, ipo.third_minter_bonus_bps or 0]
    code = f", ISRC {master.isrc}" if master.isrc else ""
    parts = ", ".join(f"{format_bps(bps)} %" for bps in bonuses)
    return [
        ("Recording", f"{master.title}, by {master.artist.artist_name}{code}"),
        ("Shares", f"{ipo.total_supply:,}; their number is final"),
        ("Price of a share", f"{format_units(ipo.mint_price_wei or 0, known.decimals)} {known.code}"),
        ("Income that goes to the shares", f"{format_bps(ipo.revenue_share_nft_holders_bps)} % of everything that the"
         " recording earns, divided by all shares, sold or not, and rounded down; the rest is carried to the next"
         " time"),
        ("Most that one person may buy", f"{ipo.person_cap:,}" if ipo.person_cap else "no limit"),
        ("Sale starts", _time(ipo.scheduled_start_at, "when the contract stands on the chain")),
        ("Sale ends", _time(ipo.scheduled_end_at, "when it is sold out or the artist closes it")),
        ("Sale fee", f"{format_bps(fee_bps)} % of the price, in the price, paid by the artist"),
        ("Resale", "allowed once the offer is closed" if ipo.allow_secondary_resale else "not offered by the portal"),
        ("Parts of a resale", f"{format_bps(ipo.secondary_royalty_bps)} % to the artist; {parts} to those who bought"
         " the first, second and third share"),
    ]  # fmt: skip


def _time(at: dt.datetime | None, otherwise: str) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else otherwise
