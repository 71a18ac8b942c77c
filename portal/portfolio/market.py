"""What a person has on the market: each share with its listing and offers, own offers, and money that waits."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.masters import acts
from portal.nfts import book, orders
from portal.nfts.enums import OrderKind
from portal.nfts.models import NftOrder
from portal.portfolio import queries
from portal.portfolio.book import decimals
from portal.portfolio.queries import Nft

SHOWN = 100
WITHDRAW = "/me/portfolio/withdraw"


def shares(session: Session, user_id: uuid.UUID, shown: int = SHOWN) -> dict[str, Any]:
    """Every share with what is asked and bid for it; offers made to others."""
    rows = queries.nfts(session, user_id)
    made, offered = book.made_by(session, user_id), book.offered_to(session, user_id)
    listed = {one.master_nft_id: one for one in made if one.kind is OrderKind.LISTING}
    bids: dict[uuid.UUID, list[NftOrder]] = {}
    for bid in offered:
        bids.setdefault(bid.master_nft_id, []).append(bid)
    rows.sort(key=lambda row: (row.nft_id not in bids, row.nft_id not in listed))
    traded = queries.traded(session, {row.master_id for row in rows[:shown]})
    more = f"/me/portfolio?tab=shares&shown={shown * 2}#book" if len(rows) > shown else None
    return {
        "shares": [
            _share(row, listed.get(row.nft_id), bids.get(row.nft_id, [])) | {"traded": row.master_id in traded}
            for row in rows[:shown]
        ],
        "shares_next_href": more,
        "bids": [_bid(one) for one in made if one.kind is OrderKind.OFFER],
    }


def _share(row: Nft, listing: NftOrder | None, bids: list[NftOrder]) -> dict[str, Any]:
    best = max(bids, key=lambda bid: (bid.currency == "USDC", bid.price), default=None)
    return {
        "id": str(row.nft_id),
        "href": f"/nfts/{row.nft_id}",
        "number": row.token_id,
        "title": row.title,
        "artist_name": row.artist_name,
        "cover_url": row.cover_image_url or f"/covers/{row.master_id}.svg",
        "listing": _money(listing.price, listing.currency) | {"lapsed": book.lapsed(listing)} if listing else None,
        "offers": len(bids),
        "best": _money(best.price, best.currency) | {"href": f"/offers/{best.id}/accept"} if best else None,
    }


def _bid(one: NftOrder) -> dict[str, Any]:
    return _money(one.price, one.currency) | {
        "href": f"/nfts/{one.master_nft_id}",
        "title": one.master.title,
        "number": one.token_id,
        "until": one.deadline,
        "lapsed": book.lapsed(one),
        "take_back": f"/offers/{one.id}/take-back",
    }


def counts(session: Session, user_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int]]:
    """Master -> (own shares for sale, offers for own shares)."""
    found: dict[uuid.UUID, list[int]] = {}
    for one in book.made_by(session, user_id):
        if one.kind is OrderKind.LISTING:
            found.setdefault(one.master_id, [0, 0])[0] += 1
    for one in book.offered_to(session, user_id):
        found.setdefault(one.master_id, [0, 0])[1] += 1
    return {master: (listed, bids) for master, (listed, bids) in found.items()}


def waiting(session: Session, user_id: uuid.UUID, wallets: list[str], settings: Settings) -> list[dict[str, Any]]:
    """Parts of resales, and money that the market could not deliver, each with its way to the wallet."""
    chain_id = str(settings.chain_id)
    pots: dict[tuple[uuid.UUID, str, str | None], list[book.Royalty]] = {}
    for one in book.royalties(session, user_id, wallets, chain_id):
        if one.waiting:
            pots.setdefault((one.master_id, one.currency, one.wallet), []).append(one)
    return [_royalty(roles) for roles in pots.values()] + [
        _money(c.amount, c.currency)
        | {"text": f"Kept by the market for {c.wallet[:6]}…{c.wallet[-4:]}", "href": _withdraw(c.currency, c.wallet)}
        for c in book.credits(session, wallets, chain_id)
    ]


def _royalty(roles: list[book.Royalty]) -> dict[str, Any]:
    """What waits for one wallet at one master: its contract pays all roles of a wallet at once."""
    first = roles[0]
    *others, last = [role.role for role in roles]
    seat = f"{', '.join(others)} and {last}" if others else last
    seat += "" if last == "artist" else " buyer"
    href = _withdraw(first.currency, first.wallet, first.master_id)
    text = f"Resales of {first.title}, as its {seat}"
    return _money(sum(role.waiting for role in roles), first.currency) | {"text": text, "href": href}


def _withdraw(currency: str, wallet: str | None, master_id: uuid.UUID | None = None) -> str:
    asked = {"currency": currency, "wallet": wallet, "masterId": master_id}
    return f"{WITHDRAW}?{urlencode({name: value for name, value in asked.items() if value})}"


def followed(session: Session, user_id: uuid.UUID, wanted: str) -> dict[str, Any] | None:
    """The steps of a withdrawal; only who asked for it sees them. It ends the read transaction that is open."""
    try:
        act = acts.find(session, orders.job_name(uuid.UUID(wanted)))
    except ValueError:
        return None
    if act is None or act.payload.get("user_id") != str(user_id):
        return None
    return {"steps": acts.steps(act, "the money is in your wallet"), "settled": act.settled}


def _money(minor: int, currency: str) -> dict[str, Any]:
    return {"minor": minor, "decimals": decimals(currency), "currency": currency}
