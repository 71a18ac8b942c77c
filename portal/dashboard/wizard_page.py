"""Values of the wizard's pages: the list of steps, the fields, and everything once more before the launch."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.config import Settings
from portal.dashboard import wizard
from portal.dashboard.master_page import hindrance, may_edit, recording
from portal.dashboard.studio import badge, currency_of
from portal.db import utcnow
from portal.errors import FieldError, NotFound
from portal.masters import policies, service
from portal.masters.models import Master, MasterIpo
from portal.masters.shapes import cover_url
from portal.masters.terms import fault_of_end
from portal.money import bps_of
from portal.tokens import queries as tokens
from portal.tokens import service as coins

__all__ = ["may_edit", "new", "page", "saved", "worded"]

GENRES = ["Alternative soul", "Ambient", "Cumbia", "Dub", "Folktronica", "Highlife", "Hip-hop", "House", "Jazz", "Pop",
          "R&B", "Rock"]  # fmt: skip
SHOWN = {
    "revenueShareNftHoldersBps": "holdersPercent",
    "secondaryRoyaltyBps": "royaltyPercent",
    "firstMinterBonusBps": "firstPercent",
    "secondMinterBonusBps": "secondPercent",
    "thirdMinterBonusBps": "thirdPercent",
}
"""The page's name of a field where the API has another."""


def new(session: Session, user_id: uuid.UUID, typed: Mapping[str, Any], errors: list[FieldError]) -> dict[str, Any]:
    """The first step of a master that does not exist yet."""
    artist = artist_queries.of_user(session, user_id)
    if artist is None:
        raise NotFound
    return _frame(artist, "track", {"track"}, None) | {"values": typed, "errors": errors, "saved": None}


def page(
    session: Session, found: Master, key: str, typed: Mapping[str, Any] | None, errors: list[FieldError]
) -> dict[str, Any]:
    """One step of a draft, with what was `typed` in place of what stands."""
    wallets = account_queries.wallets_of(session, found.artist.user_id)
    finished = wizard.done(found, wallet=bool(wallets))
    values = typed if typed is not None else wizard.values(found, key)
    told = _frame(found.artist, key, finished, found)
    told |= {"values": values, "errors": errors, **saved(found, key, [])}
    more = {"track": _track, "people": _people, "legal": _legal, "review": _review}.get(key)
    return told | (more(session, found, values) if more else {})


def saved(found: Master, key: str, errors: list[FieldError]) -> dict[str, Any]:
    """What `_saved.html` shows: whether the step is saved as typed, and the partners' live sum."""
    settings: Settings = current_app.config["SETTINGS"]
    promised = sum(one.bps for one in service.partners_of(found))
    own = service.artists_part(found, settings)
    return {
        "step": key,
        "action": f"/studio/masters/{found.id}/ipo/{key}",
        "saved": None if errors else {"at": found.updated_at, "mark": wizard.mark(found, key)},
        "mark": wizard.mark(found, key),
        "wrong": errors,
        "names": NAMES,
        "sum": {"partners": promised, "artist": own - promised} if key == "people" else None,
    }


def worded(errors: list[FieldError]) -> list[FieldError]:
    """Errors by the names that the page uses: the offer stands flat, percentages are typed as percentages."""
    flat = [(wrong.field.removeprefix("ipo."), wrong.message) for wrong in errors]
    return [FieldError(SHOWN.get(name, name), message) for name, message in flat]


NAMES = {
    "title": "Title", "genre": "Genre", "description": "Description", "cover": "Cover", "masterType": "Kind",
    "isrc": "ISRC", "totalSupply": "Shares", "mintPrice": "Price of a share", "currency": "Currency",
    "holdersPercent": "Income for share holders", "royaltyPercent": "Your part of a resale",
    "firstPercent": "First buyer", "secondPercent": "Second buyer", "thirdPercent": "Third buyer",
    "personCap": "Most that one person may buy", "scheduledStartAt": "Sale starts", "scheduledEndAt": "Sale ends",
    "ipo": "Sale", "partners": "Partners",
} | {
    f"{name}{number}": f"Partner {number + 1}, {word}"
    for name, word in (("name", "name"), ("role", "role"), ("percent", "part"))
    for number in range(wizard.MOST_PARTNERS)
}  # fmt: skip
"""Labels, for the list of what is wrong."""


def _frame(artist: Artist, key: str, finished: set[str], found: Master | None) -> dict[str, Any]:
    settings: Settings = current_app.config["SETTINGS"]
    here = f"/studio/masters/{found.id}" if found else None
    return {
        "artist": badge(artist),
        "at": wizard.step_of(key),
        "number": wizard.KEYS.index(key) + 1,
        "steps": [
            {
                "key": step.key, "place": step.place, "title": step.title, "now": step.key == key,
                "done": step.key in finished and found is not None,
                "href": f"{here}/ipo/{step.key}" if here else None,
            }
            for step in wizard.STEPS
        ],
        "master": {"title": found.title, "href": here} if found else None,
        "next_title": wizard.step_of(wizard.beside(key, 1)).title,
        "step": key,
        "action": f"{here}/ipo/{key}" if here else "/studio/masters/new",
        "names": NAMES,
        "mark": None,
        "wrong": [],
        "sum": None,
        "editing": None,
        "genres": GENRES,
        "types": [("track", "Track"), ("album", "Album")],
        "currencies": [{"code": "USDC", "decimals": 6}, {"code": "ETH", "decimals": 18}],
        "fee_bps": settings.primary_fee_bps,
    }  # fmt: skip


def _track(session: Session, found: Master, _values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "editing": {"cover_url": cover_url(found), "own_cover": found.cover_image_url is not None},
        "recording": recording(session, found),
    }


def _people(_session: Session, found: Master, values: Mapping[str, Any]) -> dict[str, Any]:
    return {"lines": range(wizard.partner_lines(values)), "part": service.artists_part(found, _settings())}


def _legal(session: Session, found: Master, _values: Mapping[str, Any]) -> dict[str, Any]:
    wallets = [w for w in account_queries.wallets_of(session, found.artist.user_id) if w.verified]
    plan = tokens.plan_of(session, found.artist_id)
    name, symbol = (plan.name, plan.symbol) if plan else coins.suggested(session, found.artist)
    ipo = found.ipo
    return {
        "rights": {"confirmed_at": found.rights_confirmed_at, "action": f"/studio/masters/{found.id}/rights"},
        "wallet": wallets[0].wallet_address if wallets else None,
        "coin": {"name": name, "symbol": symbol, "open": plan is None or plan.ipo_id is None},
        "terms": policies.compose(found, ipo, _settings().primary_fee_bps) if ipo else None,
    }


def _review(session: Session, found: Master, _values: Mapping[str, Any]) -> dict[str, Any]:
    ipo = found.ipo
    if ipo is None:
        raise NotFound
    return {
        "ipo": _figures(ipo),
        "about": {"genre": found.genre, "isrc": found.isrc, "cover_url": cover_url(found)},
        "recording": recording(session, found),
        "partners": service.partners_of(found),
        "rights": found.rights_confirmed_at is not None,
        "missing": hindrance(session, found),
        "launch_action": f"/studio/masters/{found.id}/launch",
        "version": ipo.version,
    }


def _figures(ipo: MasterIpo) -> dict[str, Any]:
    decimals, code = currency_of(ipo)
    gross = (ipo.mint_price_wei or 0) * ipo.total_supply
    fee = bps_of(gross, _settings().primary_fee_bps)
    return {
        "supply": ipo.total_supply, "price": ipo.mint_price_wei, "decimals": decimals, "currency": code,
        "holders_bps": ipo.revenue_share_nft_holders_bps, "royalty_bps": ipo.secondary_royalty_bps,
        "first_bps": [ipo.first_minter_bonus_bps, ipo.second_minter_bonus_bps, ipo.third_minter_bonus_bps],
        "resale": ipo.allow_secondary_resale, "person_cap": ipo.person_cap,
        "starts_at": ipo.scheduled_start_at, "ends_at": ipo.scheduled_end_at,
        "late": fault_of_end(ipo.scheduled_start_at, ipo.scheduled_end_at, utcnow()),
        "gross": gross, "fee": fee, "net": gross - fee,
    }  # fmt: skip


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
