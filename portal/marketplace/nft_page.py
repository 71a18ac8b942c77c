"""What a share's page shows, gathered for `marketplace/nft.html`."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from portal.db import utcnow
from portal.marketplace import queries
from portal.marketplace.wording import artist_href, decimals, media, nft_href, short
from portal.masters import queries as master_queries
from portal.nfts import book
from portal.nfts import queries as nft_queries
from portal.nfts.enums import NftListingStatus
from portal.nfts.models import MasterNft, NftTransfer
from portal.nfts.rules import minter_slot, tier
from portal.revenue import income

MOVES = 12
SALES = 60
SIMILAR = 3
ZERO = queries.ZERO
KINDS = {"mint": "Bought in the offer", "sale": "Sold", "transfer": "Sent", "burn": "Handed back", "claim": "Claimed"}
SLOTS = {1: "first", 2: "second", 3: "third"}


def about(session: Session, share: MasterNft, user_id: uuid.UUID | None, moves: int = MOVES) -> dict[str, Any]:
    """Everything but what can be done with it; `moves` is how many rows of its provenance are shown."""
    master = share.master
    return {
        "nft": _share(session, share, user_id),
        "master": media(master),
        "artist": {
            "artist_name": master.artist.artist_name,
            "href": artist_href(master.artist),
            "is_verified": master.artist.is_verified,
        },
        "listing": _listing(share),
        "paid_12m": _paid(session, share),
        **_history(session, share),
        **_provenance(session, share, user_id, moves),
        "similar": similar(session, share),
    }


def similar(session: Session, share: MasterNft) -> list[dict[str, Any]]:
    """Other shares of the master that are for sale, the cheapest first."""
    rows = queries.listed_beside(session, share.master_id, share.id, SIMILAR)
    return [
        {
            "number": row.number,
            "href": nft_href(row.id),
            "owner": short(row.owner),
            "price_minor": row.price_minor,
            "decimals": decimals(row.currency),
            "currency": row.currency,
        }
        for row in rows
    ]


def _share(session: Session, share: MasterNft, user_id: uuid.UUID | None) -> dict[str, Any]:
    number, owner, supply = share.token_id, share.current_owner_wallet, share.master.ipo
    return {
        "id": str(share.id),
        "href": nft_href(share.id),
        "number": number,
        "supply": supply.total_supply if supply else None,
        "tier": tier(number),
        "slot": SLOTS.get(minter_slot(number) or 0),
        "owner": owner,
        "owner_name": queries.names_of(session, {owner}, user_id)[owner],
        "burned": owner == ZERO,
        "contract": share.contract_address,
    }


def _listing(share: MasterNft) -> dict[str, Any] | None:
    if share.listing_status is not NftListingStatus.LISTED:
        return None
    return _money(share.listing_price_wei, share.listing_currency or "") | {"since": share.listed_at}


def _paid(session: Session, share: MasterNft) -> dict[str, Any] | None:
    """What a share was paid in a year in the currency that it is priced in, and how much of its price that is (bps)."""
    ipo, listed = share.master.ipo, share.listing_status is NftListingStatus.LISTED
    currency = share.listing_currency if listed else ipo.mint_price_currency if ipo else None
    paid = income.paid_last_12_months_per_share(session, share.master_id, currency) if currency else None
    if paid is None or currency is None:
        return None
    price = share.listing_price_wei if listed else None
    return _money(paid, currency) | {"yield_bps": paid * 10_000 // price if price else None}


# --- where it has been ------------------------------------------------------------------------------------


def _provenance(session: Session, share: MasterNft, user_id: uuid.UUID | None, shown: int) -> dict[str, Any]:
    rows = nft_queries.transfers(session, share.id, shown + 1)
    moves = rows[:shown]
    names = queries.names_of(session, {w for m in moves for w in (m.from_wallet, m.to_wallet)}, user_id)
    more = f"{nft_href(share.id)}?moves={shown * 4}#history" if len(rows) > shown else None
    return {"moves": [_move(session, m, share, names) for m in moves], "moves_next_href": more}


def _move(session: Session, move: NftTransfer, share: MasterNft, names: dict[str, str]) -> dict[str, Any]:
    minted = move.transfer_type.value == "mint"
    ipo = share.master.ipo
    minor = share.mint_price_wei if minted else move.sale_price_wei
    currency = (ipo.mint_price_currency if minted and ipo else move.sale_currency) or ""
    return _money(minor, currency) | {
        "kind": KINDS[move.transfer_type.value],
        "from": None if move.from_wallet == ZERO else names[move.from_wallet],
        "to": None if move.to_wallet == ZERO else names[move.to_wallet],
        "at": move.block_timestamp,
        "tx": move.tx_hash,
        "tx_href": f"/transactions/{move.tx_hash}",
        "block": move.block_number,
        "state": master_queries.finality(session, move.chain_id, move.block_number),
    }


# --- what it cost -----------------------------------------------------------------------------------------


def _history(session: Session, share: MasterNft) -> dict[str, Any]:
    """Its prices in the currency of the first one, the oldest first; one alone is a number and not a picture."""
    ipo = share.master.ipo
    first = [(share.minted_at, share.mint_price_wei, ipo.mint_price_currency if ipo else None)]
    rows = book.sales(session, nft_id=share.id, limit=SALES)
    sales = [(s.at, s.price, s.currency) for s in reversed(rows) if s.price is not None and s.currency and not s.own]
    told = [(at, price, paid_in) for at, price, paid_in in [*first, *sales] if at and price is not None and paid_in]
    currency = told[0][2] if told else None
    line = [(at, price) for at, price, paid_in in told if paid_in == currency]
    last = sales[-1] if sales else None
    return {
        "last_sale": _money(last[1], last[2]) | {"at": last[0]} if last else None,
        "prices": _line(line, currency) if currency and len(line) > 1 else None,
    }


def _line(points: Sequence[tuple[dt.datetime, int]], currency: str) -> dict[str, Any]:
    """Values of `chart_line`: the last price holds until now."""
    start, end = points[0][0], max(utcnow(), points[-1][0])
    reach = (end - start).total_seconds() or 1
    values = [Decimal(price).scaleb(-decimals(currency)) for _, price in points]
    return {
        "points": [((at - start).total_seconds() * 100 / reach, v) for (at, _), v in zip(points, values, strict=True)],
        "labels": [f"{at:%-d %b %Y}" for at, _ in points],
        "values": values,
        "currency": currency,
    }


def _money(minor: int | None, currency: str) -> dict[str, Any]:
    return {"minor": minor, "decimals": decimals(currency), "currency": currency}
