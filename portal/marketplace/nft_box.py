"""What can be done with a share by whoever looks: the box beside its cover, and the offers for it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from portal.chain.signer import demo_signers
from portal.marketplace import price_lines, queries
from portal.marketplace.master_page import Viewer, hindrance, own_wallets
from portal.marketplace.wording import decimals, master_href, nft_href, short
from portal.masters import minting
from portal.masters.models import MasterIpo
from portal.masters.shapes import shown_status
from portal.money import format_units
from portal.nfts import book, orders
from portal.nfts.enums import OrderStatus
from portal.nfts.models import MasterNft, NftOrder
from portal.nfts.plans import OVER
from portal.nfts.prices import split, with_network_fee
from portal.nfts.wishes import Act

CURRENCIES = ("USDC", "ETH")
OFFERS = 50
DAYS = "30"


@dataclass(frozen=True)
class Typed:
    """What a refused form asked for, and why it was refused; `place` is its form: sell, bid or buy."""

    price: str = ""
    currency: str = ""
    days: str = DAYS
    error: str | None = None
    place: str = ""


def box(session: Session, share: MasterNft, viewer: Viewer, typed: Typed = Typed()) -> dict[str, Any]:
    """Values of `marketplace/_listing.html`."""
    ipo, here = share.master.ipo, nft_href(share.id)
    wallets = own_wallets(session, viewer)
    mine = share.current_owner_wallet in wallets
    listing = book.listing_of(session, share.id)
    open_listing = listing if listing is not None and not book.lapsed(listing) else None
    reason, label, href = _hindrance(share, ipo, viewer, bool(wallets))
    able = reason is None
    return {
        **_price_lines(session, share, ipo, open_listing, mine),
        "buy": _buy(share, open_listing, wallets, viewer) if able and open_listing and not mine else None,
        "sell": _form(f"{here}/list", ipo, typed, "sell", listing) if able and mine else None,
        "take_off": {"action": f"{here}/take-off"} if mine and listing else None,
        "bid": _form(f"{here}/offer", ipo, typed, "bid") | {"wallets": _named(wallets)} if able and not mine else None,
        "reason": reason,
        "reason_label": label,
        "reason_href": href,
        "error": typed.error,
        "error_in": typed.place,
    }


def offers(session: Session, share: MasterNft, viewer: Viewer) -> list[dict[str, Any]]:
    """Values of `marketplace/_offers.html`."""
    rows = book.offers_on(session, share.id, OFFERS)
    names = queries.names_of(session, {row.maker_wallet for row in rows}, viewer.user_id)
    wallets = own_wallets(session, viewer)
    mine = share.current_owner_wallet in wallets
    return [_offer(row, names[row.maker_wallet], mine, row.maker_wallet in wallets) for row in rows]


def _offer(row: NftOrder, name: str, mine: bool, own: bool) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "from": "you" if own else name,
        "minor": row.price,
        "decimals": decimals(row.currency),
        "currency": row.currency,
        "until": row.deadline,
        "at": row.placed_at,
        "accept": f"/offers/{row.id}/accept" if mine and not own else None,
        "withdraw": f"/offers/{row.id}/take-back" if own else None,
    }


def _hindrance(
    share: MasterNft, ipo: MasterIpo | None, viewer: Viewer, has_wallet: bool
) -> tuple[str | None, str | None, str | None]:
    """(why nothing can be done with it now, the button's text, where it leads)."""
    if ipo is None or share.current_owner_wallet == queries.ZERO:
        return "This share was handed back for its price; it earns nothing any more.", None, None
    if shown_status(ipo) == "cancelled":
        text = "Its offer was cancelled: whoever holds it hands it back for its price."
        return text, "See how", master_href(share.master)
    if not ipo.allow_secondary_resale:
        return "The artist does not allow the resale of these shares.", None, None
    if shown_status(ipo) not in OVER:
        text = "Shares are traded once the first sale is over. Until then the artist sells them."
        return text, "See the first sale", master_href(share.master)
    return hindrance(viewer, has_wallet, nft_href(share.id))


def _price_lines(
    session: Session, share: MasterNft, ipo: MasterIpo | None, listing: NftOrder | None, mine: bool
) -> dict[str, Any]:
    if listing is None or ipo is None:
        return {"lines": [], "decimals": 0, "currency": "", "until": None}
    parts = split(listing.price, ipo, share.master_contract, listing.fee_bps).lines(listing.currency)
    told = with_network_fee(parts, minting.network_fee(session, orders.GAS[Act.BUY]))
    return {
        "lines": price_lines.for_seller(parts)[:-2] + price_lines.for_seller(parts)[-1:]
        if mine
        else price_lines.for_buyer(told),
        "decimals": decimals(listing.currency),
        "currency": listing.currency,
        "until": listing.deadline,
    }


def _buy(share: MasterNft, listing: NftOrder, wallets: list[str], viewer: Viewer) -> dict[str, Any]:
    action, seen = f"{nft_href(share.id)}/buy", {"units": str(listing.price), "currency": listing.currency}
    able = [w for w in wallets if w in demo_signers(viewer.settings)]
    price = format_units(listing.price, decimals(listing.currency))
    others = [(short(w), f"{action}?{urlencode(seen | {'wallet': w})}") for w in wallets if w not in able]
    return {
        "action": action,
        "fields": seen,
        "wallets": _named(able),
        "others": others,
        "text": f"Buy No. {share.token_id:,} for {price} {listing.currency}",
    }


def _form(
    action: str, ipo: MasterIpo | None, typed: Typed, place: str, listing: NftOrder | None = None
) -> dict[str, Any]:
    """What was typed where this form was refused, else the listing's terms, else nothing but the usual currency."""
    usual = (listing.currency if listing else None) or (ipo.mint_price_currency if ipo else None) or CURRENCIES[0]
    asked = typed if typed.place == place else Typed(_plain(listing), usual)
    first = [asked.currency] if asked.currency in CURRENCIES else []
    return {
        "action": action,
        "price": asked.price,
        "currency": asked.currency,
        "days": asked.days,
        "currencies": list(dict.fromkeys([*first, *CURRENCIES])),
    }


def _plain(listing: NftOrder | None) -> str:
    return format_units(listing.price, decimals(listing.currency)).replace(",", "") if listing else ""


def _named(wallets: list[str]) -> list[tuple[str, str]]:
    return [(address, short(address)) for address in wallets]


def sold_to(session: Session, share: MasterNft, user_id: uuid.UUID | None) -> str | None:
    """Who was faster: 'No. 7 was sold to 0x12…' where a sale ended its last listing; None where it lapsed or was taken
    back."""
    listing = book.last_listing(session, share.id)
    last = next(iter(book.sales(session, nft_id=share.id, limit=1)), None)
    if listing is None or listing.status not in (OrderStatus.SOLD, OrderStatus.STALE):
        return None
    if last is None or last.buyer != share.current_owner_wallet or last.at < listing.placed_at:
        return None
    name = queries.names_of(session, {last.buyer}, user_id)[last.buyer]
    return f"No. {share.token_id:,} was sold to {'you' if name == 'You' else name} just now."
