"""One master in its owner's hands: what the studio shows of it, gathered for `dashboard/master.html`."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.config import Settings
from portal.dashboard import wizard
from portal.dashboard.studio import badge, currency_of
from portal.errors import Conflict, Unavailable
from portal.files import queries as files
from portal.masters import acts, ending, onchain, service
from portal.masters import queries as master_queries
from portal.masters.acts import Act
from portal.masters.ending import CancelEffect
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.launch import deployment_job
from portal.masters.models import Master, MasterContract, MasterIpo
from portal.masters.onchain import Proceeds
from portal.masters.shapes import contract_lines, cover_url, shown_status, track
from portal.revenue import queries as revenue_queries
from portal.revenue.wording import row
from portal.tokens import wording as coin_wording

LATEST = 12
LAUNCH = "launch"
TITLES = {
    LAUNCH: ("Launch", "the contracts stand for good"),
    "close_contract": ("Closing the offer", "no further share can be bought"),
    "cancel_contract": ("Cancelling the offer", "every share can be handed back for its price"),
    "pay_proceeds": ("Withdrawing the proceeds", "the money is in your wallet"),
}
AGAIN = {"close_contract": "close", "cancel_contract": "cancel", "pay_proceeds": "withdraw"}
CANCEL_WORDS = {
    CancelEffect.SHELVED: "Put the draft aside",
    CancelEffect.TAKEN_BACK: "Take the launch back",
    CancelEffect.REFUNDED: "Cancel and refund",
}


def here(master: Master) -> str:
    return f"/studio/masters/{master.id}"


def page(session: Session, found: Master, notice: str | None = None) -> dict[str, Any]:
    """Every value of the template; `notice` says why what was asked for was not done."""
    ipo = found.ipo
    asked = _asked(session, ipo) if ipo else {}
    settings: Settings = current_app.config["SETTINGS"]
    coin = coin_wording.shown(session, found.artist_id, settings, steps=True)
    moving = any(not act.settled for act in asked.values()) or bool(coin and coin["steps"] and not coin["failed"])
    return {
        "artist": badge(found.artist),
        "notice_text": notice,
        "master": _master(found),
        "ipo": _ipo(ipo) if ipo else None,
        "actions": _actions(session, found, asked),
        "cancel_text": _cancel_text(session, ipo),
        "launch_reason": hindrance(session, found),
        "version": ipo.version if ipo else found.version,
        "acts": [_shown(found, name, act) for name, act in asked.items() if _matters(asked, name)],
        "moving": moving or bool(ipo and ipo.status is IpoStatus.SCHEDULED and LAUNCH in asked),
        "coin": coin,
        "resume": _resume(session, found),
        "contract": contract_lines(session, found),
        "proceeds": _proceeds(session, found, asked) if ipo else None,
        "recording": recording(session, found),
        "revenue_href": f"{here(found)}/revenue",
        "revenue_events": [row(event) for event in revenue_queries.events_of(session, found.id, LATEST)],
    }


def _asked(session: Session, ipo: MasterIpo) -> dict[str, Act]:
    """What the chain was asked for, the first first."""
    launched = acts.find(session, deployment_job(ipo.id))
    asked = ending.asked(session, ipo.id)
    return ({LAUNCH: launched} if launched else {}) | asked


def _matters(asked: dict[str, Act], name: str) -> bool:
    """The last one is always shown, earlier ones while something may still become of them."""
    return name == list(asked)[-1] or not asked[name].settled


def _shown(found: Master, name: str, act: Act) -> dict[str, Any]:
    """An act with its steps; a failed one with the way to ask again."""
    title, last = TITLES[name]
    steps = acts.steps(act, last)
    if name == LAUNCH and found.ipo is not None and act.failure is None:
        opened = found.ipo.actual_start_at
        steps.append({"text": "Offer open", "state": "done" if opened else "next", "at": opened})
    failed = act.failure is not None
    return {
        "title": title,
        "settled": act.settled,
        "failed": failed,
        "steps": steps,
        "tx": act.tx_hash,
        "tx_href": act.tx_href,
        "retry_action": f"{here(found)}/retry" if failed and name == LAUNCH else None,
        "retry_href": f"{here(found)}/{AGAIN[name]}" if failed and name != LAUNCH else None,
    }


def _master(found: Master) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "href": f"/masters/{found.id}",
        "title": found.title,
        "artist_name": found.artist.artist_name,
        "cover_url": cover_url(found),
        "status": found.status.value,
        "genre": found.genre,
        "isrc": found.isrc,
        "rights_confirmed": found.rights_confirmed_at is not None,
    }


def recording(session: Session, found: Master) -> dict[str, Any]:
    """What plays, and how far one is that was sent."""
    upload = files.upload(session, found.id)
    sent = {"percent": upload.percent, "failure": upload.failure, "file_name": upload.file_name} if upload else None
    return {"track": track(found), "upload": sent, "href": f"{here(found)}/recording"}


# --- what may be done -------------------------------------------------------------------------------------


def _actions(session: Session, found: Master, asked: dict[str, Act]) -> dict[str, str | None]:
    """Addresses of what is possible now; None hides the button."""
    ipo, at = found.ipo, here(found)
    ending_now = any(name != LAUNCH and act.failure is None for name, act in asked.items())
    live = ipo is not None and ipo.status is IpoStatus.LIVE and not ending_now
    cancel = ipo is not None and ending.cancel_effect(session, ipo) is not None and not ending_now
    return {
        "confirm_rights": None if found.rights_confirmed_at else f"{at}/rights",
        "launch": f"{at}/ipo/review" if _may_launch(found) else None,
        "close": f"{at}/close" if live else None,
        "cancel": f"{at}/cancel" if cancel else None,
        "reopen": f"{at}/reopen" if ipo is not None and ending.may_reopen(session, ipo) else None,
        "edit": f"{at}/ipo/track" if may_edit(found) else None,
    }


def _resume(session: Session, found: Master) -> dict[str, Any] | None:
    """Which step of a draft is the next one; None where nothing is left to do but what this page offers."""
    if not may_edit(found):
        return None
    wallets = account_queries.wallets_of(session, found.artist.user_id)
    step = wizard.next_step(found, wallet=bool(wallets))
    number = wizard.KEYS.index(step.key) + 1
    return {"href": f"{here(found)}/ipo/{step.key}", "number": number, "title": step.title}


def _cancel_text(session: Session, ipo: MasterIpo | None) -> str | None:
    effect = ending.cancel_effect(session, ipo) if ipo else None
    return CANCEL_WORDS[effect] if effect else None


def may_edit(found: Master) -> bool:
    try:
        service.must_be_draft(found)
    except Conflict:
        return False
    return True


def _may_launch(found: Master) -> bool:
    draft = found.ipo is not None and found.ipo.status is IpoStatus.DRAFT
    return draft and found.status is not MasterStatus.PENDING


def hindrance(session: Session, found: Master) -> str | None:
    """Why launching is not possible now, in words; None when it is, or when there is nothing to launch."""
    if found.rights_confirmed_at is None:
        return "Confirm first that the recording is yours to share."
    if not account_queries.wallets_of(session, found.artist.user_id):
        return "Link a wallet first: what the shares cost is paid to it."
    if found.status is MasterStatus.PENDING:
        return "The portal's staff looks at it before it is sold."
    return None


# --- the offer's figures ----------------------------------------------------------------------------------


def _ipo(ipo: MasterIpo) -> dict[str, Any]:
    decimals, code = currency_of(ipo)
    return {
        "status": ipo.status.value,
        "shown": shown_status(ipo),
        "price_minor": ipo.mint_price_wei,
        "decimals": decimals,
        "currency": code,
        "minted": ipo.minted_supply,
        "supply": ipo.total_supply,
        "holders_bps": ipo.revenue_share_nft_holders_bps,
        "royalty_bps": ipo.secondary_royalty_bps,
        "person_cap": ipo.person_cap,
        "starts_at": ipo.scheduled_start_at,
        "ends_at": ipo.scheduled_end_at,
        "seq": 0,
    }


# --- the money of the first sale --------------------------------------------------------------------------


def _proceeds(session: Session, found: Master, asked: dict[str, Act]) -> dict[str, Any] | None:
    """What waits in the contract or was paid out of it; None before there is a contract."""
    ipo = found.ipo
    if ipo is None or not found.contracts:
        return None
    decimals, code = currency_of(ipo)
    told: dict[str, Any] = {"minor": None, "decimals": decimals, "currency": code, "lines": [], "to": None,
                            "withdraw_href": None, "note": "The chain does not answer right now."}  # fmt: skip
    shares = found.contracts[0].contract_address
    try:
        money = onchain.proceeds(shares)
    except Unavailable:
        return told
    if money.paid:
        sent = asked["pay_proceeds"].tx_hash if "pay_proceeds" in asked else None
        return told | _paid_out(session, found.contracts[0], sent) | {"to": money.artist}
    if ipo.status is IpoStatus.CANCELLED:
        return told | {"minor": money.waiting, "note": "Kept for the holders: each share is worth its price."}
    pay = asked.get("pay_proceeds")
    ready = ipo.status is IpoStatus.CLOSED and money.waiting > 0 and (pay is None or pay.failure is not None)
    return told | {
        "minor": money.waiting,
        "lines": lines(money),
        "to": money.artist,
        "withdraw_href": f"{here(found)}/withdraw" if ready else None,
        "note": _note(ipo, money, pay),
    }


def lines(money: Proceeds) -> list[tuple[str, int]]:
    """The price lines of a withdrawal, in smallest units; the last one is what arrives."""
    fee = f"Sale fee {money.fee_bps / 100:g} %"
    return [("From sold shares", money.waiting), (fee, -money.fee), ("You receive", money.net)]


def _note(ipo: MasterIpo, money: Proceeds, pay: Act | None) -> str | None:
    if ipo.status is IpoStatus.CLOSED:
        if money.waiting == 0:
            return "No share was sold, so there is nothing to withdraw."
        return "It is on its way to your wallet." if pay is not None and pay.failure is None else None
    return "It waits in the contract until the offer is closed; then you withdraw it."


def _paid_out(session: Session, contract: MasterContract, sent: str | None) -> dict[str, Any]:
    """What the contract's own event says that it paid."""
    parts = master_queries.proceeds_paid(session, contract, sent)
    if parts is None:
        return {"note": "It was paid out. The figures follow in a moment."}
    artist, fee = parts
    paid = [("From sold shares", artist + fee), ("Sale fee", -fee), ("You received", artist)]
    return {"minor": artist + fee, "lines": paid, "note": "It was paid out."}
