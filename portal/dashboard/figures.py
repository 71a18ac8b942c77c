"""The studio's first page in figures: four tiles, income by month, what happened last, what is to be done."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from portal.artists.models import Artist
from portal.dashboard import queries
from portal.dashboard.queries import Move, Paid
from portal.db import utcnow
from portal.masters.ending import chain_job
from portal.masters.enums import IpoStatus, MasterStatus
from portal.masters.launch import deployment_job
from portal.masters.models import Master
from portal.money import CURRENCIES, format_units
from portal.nfts.enums import TransferType
from portal.revenue import charts, income
from portal.revenue.income import Earned

MONTH = dt.timedelta(days=30)
WEEK = dt.timedelta(days=7)
RANGES = ("6", "12", "24")
LATEST = 6


def tiles(session: Session, artist: Artist, earned: Sequence[Earned]) -> list[dict[str, Any]]:
    """Earned, holders, not yet claimed, waiting; an amount in the currency that most of it is in, else a dash."""
    now = utcnow()
    before = income.artist_earned(session, artist.id, now - 2 * MONTH, now - MONTH)
    holders, new = queries.holders(session, artist.id, now - WEEK)
    owed = queries.unclaimed(session, artist.id)
    waiting = queries.waiting_revenue(session, artist.id)
    return [
        _earned(earned, before),
        _tile("Share holders", value=f"{holders:,}", change=f"+{new:,}" if new else None,
              note="this week" if new else "wallets with a share"),
        _tile("Not yet claimed", money=_money(owed[0][1], owed[0][0]) if owed else None,
              note=f"by {owed[0][2]:,} holders, theirs to take" if owed else "nothing waits for holders"),
        _tile("Waiting for verification", value=f"{waiting:,}", note="revenue that finance has yet to check"),
    ]  # fmt: skip


def _tile(label: str, **values: Any) -> dict[str, Any]:
    return {"label": label, "money": None, "value": None, "change": None, "note": None} | values


def _earned(now: Sequence[Earned], before: Sequence[Earned]) -> dict[str, Any]:
    sums, earlier = _sums(now), _sums(before)
    if not sums:
        return _tile("Earned, 30 days", note="nothing was paid out yet")
    currency = max(sums, key=lambda code: sums[code])
    amount, last = sums[currency], earlier.get(currency, 0)
    change = (amount - last) * 100 // last if last else None
    return _tile(
        "Earned, 30 days",
        money=_money(amount, currency),
        change=f"+{change:,} %" if change and change > 0 else None,
        note=_compared(change),
    )


def _compared(change: int | None) -> str | None:
    if change is None:
        return None
    return "on the 30 days before" if change > 0 else f"{-change:,} % less than before" if change else "as before"


def _sums(rows: Sequence[Earned]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.amount
    return sums


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "decimals": CURRENCIES[currency].decimals, "currency": currency}


def by_master(earned: Sequence[Earned]) -> dict[uuid.UUID, dict[str, Any]]:
    """What each master earned, in its main currency."""
    best: dict[uuid.UUID, Earned] = {}
    for row in earned:
        if row.master_id not in best or row.amount > best[row.master_id].amount:
            best[row.master_id] = row
    return {key: _money(row.amount, row.currency) for key, row in best.items()}


def chart(session: Session, artist: Artist, asked: str) -> dict[str, Any] | None:
    """Income by month; `asked` is how many months, as the address has it. None where nothing was earned."""
    chosen = asked if asked in RANGES else "12"
    drawn = charts.by_month(income.artist_by_month(session, artist.id, int(chosen)), int(chosen))
    ranges = [(months, months, f"/studio?months={months}#income") for months in RANGES]
    return drawn and drawn | {"ranges": ranges, "range": chosen}


def feed(session: Session, artist: Artist) -> list[dict[str, Any]]:
    """Sales and payments of all masters, the newest first."""
    moves = [_told(move) for move in queries.latest_moves(session, artist.id, LATEST)]
    paid = [_paid(row) for row in queries.latest_payments(session, artist.id, LATEST)]
    return sorted(moves + paid, key=lambda item: item["at"], reverse=True)[:LATEST]


def _paid(row: Paid) -> dict[str, Any]:
    amount = format_units(row.amount, CURRENCIES[row.currency].decimals)
    return {"who": None, "text": f"{row.title} paid {amount} {row.currency} to its holders", "at": row.at}


def _told(move: Move) -> dict[str, Any]:
    shares = f"{move.count:,} {'share' if move.count == 1 else 'shares'} of {move.title}"
    who, verb = move.wallet, {TransferType.MINT: "bought", TransferType.SALE: "bought"}.get(move.kind, "received")
    if move.kind is TransferType.BURN:
        who, verb = move.sender, "handed back"
    return {"who": f"{who[:6]}…{who[-4:]}", "text": f"{verb} {shares}", "at": move.at}


def todos(session: Session, masters: list[Master]) -> list[dict[str, Any]]:
    """What waits for the artist, by master."""
    if not masters:
        return [{"title": "Create your first master", "note": "It takes a title and an offer.",
                 "href": "/studio/masters/new"}]  # fmt: skip
    offers = [m.ipo.id for m in masters if m.ipo]
    names = [name for ipo_id in offers for name in (deployment_job(ipo_id), chain_job("pay_proceeds", ipo_id))]
    asked = queries.asked_for(session, names)
    return [todo for master in masters if (todo := _todo(master, asked))]


def _todo(master: Master, asked: dict[str, bool]) -> dict[str, Any] | None:
    here, ipo = f"/studio/masters/{master.id}", master.ipo
    if master.status is MasterStatus.DRAFT and master.rights_confirmed_at is None:
        return {"title": f"Confirm the rights of {master.title}", "note": "needed before it can be sold", "href": here}
    if ipo is None:
        return None
    if ipo.status is IpoStatus.SCHEDULED and asked.get(deployment_job(ipo.id)):
        return {"title": f"The launch of {master.title} failed", "note": "see why and try again", "href": here}
    if ipo.status is IpoStatus.CLOSED and ipo.minted_supply and asked.get(chain_job("pay_proceeds", ipo.id), True):
        note = f"{ipo.minted_supply:,} shares are sold; the money waits in the contract"
        return {"title": f"Withdraw the proceeds of {master.title}", "note": note, "href": f"{here}/withdraw"}
    return None
