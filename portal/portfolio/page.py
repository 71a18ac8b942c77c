"""What the portfolio page shows, gathered for `portfolio/portfolio.html`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.db import utcnow
from portal.money import format_units
from portal.nfts import refunds
from portal.nfts.enums import TransferType
from portal.nfts.refunds import Handback
from portal.portfolio import book, market, queries
from portal.portfolio.book import Line, decimals
from portal.revenue import claims, history
from portal.revenue.claims import Claimable, Progress, Stage

TABS = {name: name.capitalize() for name in ("holdings", "shares", "dividends", "claims", "activity")}
HERE = "/me/portfolio"
CLAIM = "/me/portfolio/claims"
ROWS = 100
MONTHS = 12
STEPS = {
    Stage.REQUESTED: "Asked for",
    Stage.SENT: "Sent to the chain",
    Stage.SEEN: "Seen in a block",
    Stage.CONFIRMED: "Confirmed",
    Stage.FINAL: "Final: it is in your wallet",
}


@dataclass(frozen=True)
class Asked:
    """What the address asks for: a tab, a currency of the income, what was just claimed or withdrawn, how many rows."""

    tab: str = "holdings"
    currency: str = ""
    claim: str = ""
    trade: str = ""
    shown: int = market.SHOWN


def page(session: Session, user_id: uuid.UUID, settings: Settings, asked: Asked) -> dict[str, Any]:
    """Every value of the template."""
    withdrawal = market.followed(session, user_id, asked.trade) if asked.trade else None
    wallets = queries.wallets(session, user_id)
    lines = book.lines(session, user_id)
    waiting = {wallet: claims.claimable(session, user_id, wallet, settings.chain_id) for wallet in wallets}
    wallet = next((one for one in wallets if waiting[one]), "")
    on_its_way = claims.latest(session, user_id, waiting[wallet], wallet) if wallet else None
    told = (claims.progress(session, user_id, asked.claim) if asked.claim else None) or on_its_way
    traded = market.counts(session, user_id)
    tab = asked.tab if asked.tab in TABS else "holdings"
    return {
        "links": [{"text": "Export CSV", "href": "/me/portfolio.csv"}] if lines else [],
        "user_id": str(user_id),
        "wallets": len(wallets),
        "withdrawal": withdrawal,
        "waiting": market.waiting(session, user_id, wallets, settings),
        "wallet_href": "/me/wallets",
        "claim": None if on_its_way else _claim(session, waiting, wallet),
        "claim_steps": steps(told) if told else None,
        "handbacks": [_handback(one) for one in refunds.waiting(session, user_id)],
        "income": _income(session, user_id, lines, asked.currency),
        "tab": tab,
        "tabs": [(key, text, HERE if key == "holdings" else f"{HERE}?tab={key}") for key, text in TABS.items()],
        "holdings": [_holding(line, waiting, traded) for line in lines],
        "totals": [_total(total) for total in book.totals(lines)],
        **_allocation(lines),
        **(market.shares(session, user_id, asked.shown) if tab == "shares" else {}),
        "dividends": _dividends(session, user_id) if tab == "dividends" else [],
        "claims": _claims(session, user_id, settings.chain_id) if tab == "claims" else [],
        "activity": _activity(session, user_id) if tab == "activity" else [],
    }


# --- the claim --------------------------------------------------------------------------------------------


def steps(progress: Progress) -> list[dict[str, Any]]:
    """The steps of a claim for `chain_steps`: done, now, next, or failed with the reason."""
    if progress.stage is Stage.FAILED:
        reason = progress.error or "Nothing was sent."
        return [{"text": "It failed; your dividends are safe and still waiting", "state": "failed", "note": reason}]
    reached = list(STEPS).index(progress.stage)
    return [
        {"text": text, "state": "done" if place <= reached else "now" if place == reached + 1 else "next"}
        for place, text in enumerate(STEPS.values())
    ]


def _claim(session: Session, waiting: dict[str, list[Claimable]], wallet: str) -> dict[str, Any] | None:
    """The first wallet for which something waits; other currencies and other wallets on lines of their own."""
    if not wallet:
        return None
    lines = waiting[wallet]
    sums = [(code, _sum(lines, code)) for code in book.main_currencies(line.currency for line in lines)]
    (currency, amount), *others = sums
    masters = len({line.master_id for line in lines if line.currency == currency})
    fee = claims.network_fee(session, len({line.contract for line in lines}))
    return {
        **_money(amount, currency),
        "masters": masters,
        "fee": None if fee is None else _money(fee, "ETH"),
        "wallet": wallet,
        "action": CLAIM,
        "fields": {"wallet": wallet},
        "others": [_money(more, code) | {"text": "comes with it"} for code, more in others]
        + _elsewhere(waiting, wallet),
        "note": None,
    }


def _elsewhere(waiting: dict[str, list[Claimable]], wallet: str) -> list[dict[str, Any]]:
    return [
        _money(_sum(lines, code), code) | {"text": f"waits for your wallet {other[:6]}…{other[-4:]}"}
        for other, lines in waiting.items()
        if other != wallet
        for code in book.main_currencies(line.currency for line in lines)
    ]


def _sum(lines: Sequence[Claimable], currency: str) -> int:
    return sum(line.amount for line in lines if line.currency == currency)


def _handback(one: Handback) -> dict[str, Any]:
    """Shares of a cancelled offer; the button is on the master's page."""
    shares = len(one.numbers) + one.left_out
    return _money(one.price * shares, one.currency) | {
        "href": f"/masters/{one.master.id}",
        "title": one.master.title,
        "shares": shares,
    }


# --- income -----------------------------------------------------------------------------------------------


def _income(session: Session, user_id: uuid.UUID, lines: list[Line], wanted: str) -> dict[str, Any] | None:
    """Twelve bars of one currency: what came in, and which of it is ready, counted back from the newest month."""
    earned = history.earned_by_month(session, user_id, MONTHS)
    currencies = book.main_currencies(code for _, code, _ in earned)
    if not currencies:
        return None
    currency = wanted if wanted in currencies else currencies[0]
    months = _months(utcnow().date())
    by_month = {month: amount for month, code, amount in earned if code == currency}
    amounts = [by_month.get(month, 0) for month in months]
    ready = ready_by_month(amounts, sum(line.ready for line in lines if line.currency == currency))
    fetched = [amount - part for amount, part in zip(amounts, ready, strict=True)]
    return {
        **_money(sum(amounts), currency),
        "claimed_minor": sum(fetched),
        "series": [_series("Claimed", fetched, "ink", currency), _series("Ready to claim", ready, "accent", currency)],
        "labels": [f"{month:%b}" for month in months],
        "switch": [(code, code, f"{HERE}?currency={code}") for code in currencies],
        "current": currency,
    }


def ready_by_month(earned: list[int], ready: int) -> list[int]:
    """Claims fetch the oldest money first, so what is ready lies in the newest months."""
    parts = []
    for amount in reversed(earned):
        parts.append(min(amount, ready))
        ready -= parts[-1]
    return parts[::-1]


def _months(today: dt.date) -> list[dt.date]:
    last = today.year * 12 + today.month - 1
    return [dt.date(n // 12, n % 12 + 1, 1) for n in range(last - MONTHS + 1, last + 1)]


def _series(name: str, amounts: list[int], tone: str, currency: str) -> dict[str, Any]:
    places = decimals(currency)
    return {"name": name, "values": [Decimal(a).scaleb(-places) for a in amounts], "tone": tone, "total": None}


# --- the book ---------------------------------------------------------------------------------------------


def _holding(
    line: Line, waiting: dict[str, list[Claimable]], traded: dict[uuid.UUID, tuple[int, int]]
) -> dict[str, Any]:
    held = line.held
    listed, offers = traded.get(held.master_id, (0, 0))
    owner = next((w for w, own in waiting.items() if any(c.master_id == held.master_id for c in own)), None)
    return {
        "id": f"{held.master_id}-{line.currency}",
        "href": f"/masters/{held.master_id}",
        "title": held.title,
        "artist_name": held.artist_name,
        "cover_url": held.cover_image_url or f"/covers/{held.master_id}.svg",
        "shares": held.shares,
        "listed": listed,
        "offers": offers,
        "paid_minor": line.paid,
        "last_minor": line.last,
        "received_minor": line.earned,
        "ready_minor": line.ready,
        "decimals": line.decimals,
        "currency": line.currency,
        "claim_action": CLAIM if owner else None,
        "claim_fields": {"wallet": owner, "masterId": str(held.master_id)},
    }


def _total(total: book.Total) -> dict[str, Any]:
    return {
        "currency": total.currency,
        "decimals": decimals(total.currency),
        "shares": total.shares,
        "paid_minor": total.paid,
        "last_minor": total.last,
        "received_minor": total.earned,
        "ready_minor": total.ready,
    }


def _allocation(lines: list[Line]) -> dict[str, Any]:
    """Where the money went, in the currency of most of the holdings."""
    for currency in book.main_currencies(line.currency for line in lines if line.paid):
        parts = book.allocation(lines, currency)
        paid = sum(line.paid or 0 for line, _ in parts)
        named = [{"name": n.held.title, "bps": bps, "palette": str(n.held.palette)} for n, bps in parts if bps]
        return {"alloc": named, "alloc_total": _money(paid, currency)}
    return {"alloc": [], "alloc_total": None}


def _dividends(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    return [
        _money(entry.amount, entry.currency)
        | {
            "href": f"/masters/{entry.master_id}",
            "title": entry.title,
            "period": f"{entry.period_start or entry.at:%B %Y}",
            "at": entry.at,
        }
        for entry in history.entries(session, user_id, ROWS, kinds=history.EARNED)
    ]


def _claims(session: Session, user_id: uuid.UUID, chain_id: int) -> list[dict[str, Any]]:
    final = queries.finalized(session, chain_id)
    return [
        _money(row.amount_claimed, row.currency)
        | {
            "status": "final" if row.block_number <= final else "seen",
            "at": row.block_timestamp,
            "tx": row.tx_hash,
            "tx_href": f"/transactions/{row.tx_hash}",
        }
        for row in history.claims(session, user_id, ROWS)
    ]


def _activity(session: Session, user_id: uuid.UUID) -> list[dict[str, Any]]:
    return [
        {"text": _told(move), "at": move.at, "tx": move.tx_hash, "tx_href": f"/transactions/{move.tx_hash}"}
        for move in queries.moves(session, user_id, ROWS)
    ]


def _told(move: queries.Move) -> str:
    shares = f"{move.count:,} {'share' if move.count == 1 else 'shares'} of {move.title}"
    if move.kind is TransferType.MINT:
        return f"Bought {shares} in the offer"
    if move.kind is TransferType.BURN:
        return f"Handed back {shares}"
    if move.kind is TransferType.SALE and move.price is not None and move.currency:
        price = f"{format_units(move.price, decimals(move.currency))} {move.currency}"
        return f"{'Bought' if move.arrived else 'Sold'} {shares} for {price}"
    return f"{'Received' if move.arrived else 'Sent'} {shares}"


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "decimals": decimals(currency), "currency": currency}
