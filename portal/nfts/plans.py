"""What a wish comes to by the database: who may, for what, and the market's call that does it.

The chain has the last word; this is there to say so in time and in words.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.accounts import queries as account_queries
from portal.chain.abi import encode_call
from portal.chain.ids import ZERO
from portal.db import utcnow
from portal.errors import Conflict, FieldError, Invalid, NotFound
from portal.masters import queries as masters
from portal.masters.intents import Unsigned
from portal.masters.models import MasterIpo
from portal.masters.shapes import shown_status
from portal.money import CURRENCIES, format_units
from portal.nfts import book, queries
from portal.nfts.enums import OrderKind, OrderStatus
from portal.nfts.models import MasterNft, NftOrder
from portal.nfts.prices import Label, Line, Split, split
from portal.nfts.venue import Needs, Venue
from portal.nfts.wishes import Act, Wish

MOST_PRICE = 2**96 - 1
"""What fits beside a currency in one of the market's words."""
LAST_DEADLINE = 2**32 - 1
OVER = ("closed", "sold_out")


class Changed(Conflict):
    """The share is not for sale as it was seen. `price` and `currency` as they are now, None where it is not listed."""

    def __init__(self, detail: str, price: int | None = None, currency: str | None = None) -> None:
        super().__init__(detail)
        self.price, self.currency = price, currency


@dataclass(frozen=True)
class Plan:
    """A wish with its wallet settled. `nft_id`, `number` None where no single share is meant."""

    wish: Wish
    call: Unsigned
    needs: Needs
    lines: list[Line]
    master_id: uuid.UUID | None = None
    title: str = ""
    nft_id: uuid.UUID | None = None
    number: int | None = None


@dataclass(frozen=True)
class Shop:
    """Who asks, and where: the person's proved wallets, the primary one first."""

    session: Session
    user_id: uuid.UUID
    wallets: list[str]
    place: Venue


def plan(session: Session, user_id: uuid.UUID, wish: Wish, place: Venue) -> Plan:
    """Check a wish and find its call. Raises NotFound, Conflict or Changed with the reason, or Invalid for a field."""
    chain_id = str(place.chain_id)
    linked = account_queries.wallets_of(session, user_id)
    wallets = [w.wallet_address for w in linked if w.verified and w.chain_id == chain_id]
    if wish.wallet and wish.wallet not in wallets:
        raise Invalid(FieldError("wallet", "This wallet is not linked to you."))
    return PLANS[wish.act](Shop(session, user_id, wallets, place), wish)


# --- the owner's ------------------------------------------------------------------------------------------


def _list(shop: Shop, wish: Wish) -> Plan:
    share = _own_share(shop, wish)
    _must_be_traded(share)
    _check_terms(shop, wish)
    terms = (share.contract_address, share.token_id, shop.place.coins[wish.currency], wish.price, _seconds(wish))
    shares_out = _split(share, wish.price, shop.place.fee_bps)
    needs = Needs(share.current_owner_wallet, gives=(share.contract_address, share.token_id))
    return _of_share(wish, share, shop.place.unsigned("list", terms), needs, _asked(shares_out, wish.currency))


def _cancel_listing(shop: Shop, wish: Wish) -> Plan:
    share = _own_share(shop, wish)
    if book.listing_of(shop.session, share.id) is None:
        raise Changed("This share is not listed.")
    call = shop.place.unsigned("cancel", (share.contract_address, share.token_id))
    return _of_share(wish, share, call, Needs(share.current_owner_wallet), [])


def _accept(shop: Shop, wish: Wish) -> Plan:
    offer = _open_offer(shop, wish)
    share = offer.master_nft
    owner = share.current_owner_wallet
    if owner not in shop.wallets:
        raise NotFound("This share is not in a wallet of yours.")
    _must_be_traded(share)
    if book.lapsed(offer):
        raise Changed("Its time is over: the deadline of this offer has passed.")
    if offer.maker_wallet == owner:
        raise Conflict("This is your own offer; another wallet has to accept it.")
    shares_out = _split(share, offer.price, offer.fee_bps)
    needs = Needs(owner, gives=(share.contract_address, share.token_id))
    call = shop.place.unsigned("accept", (int(offer.order_key),))
    seen = replace(wish, price=offer.price, currency=offer.currency)
    return _of_share(seen, share, call, needs, _asked(shares_out, offer.currency))


def _own_share(shop: Shop, wish: Wish) -> MasterNft:
    share = _share(shop.session, wish)
    if share.current_owner_wallet not in shop.wallets:
        raise NotFound("This share is not in a wallet of yours.")
    if wish.wallet and wish.wallet != share.current_owner_wallet:
        raise Invalid(FieldError("wallet", "Another wallet of yours owns this share."))
    return share


# --- the buyer's ------------------------------------------------------------------------------------------


def _buy(shop: Shop, wish: Wish) -> Plan:
    share = _share(shop.session, wish)
    listing = _listing_as_seen(shop.session, share, wish)
    wallet = _payer(shop, wish, share)
    terms = (share.contract_address, share.token_id, shop.place.coins[wish.currency], wish.price)
    call = shop.place.unsigned("buy", terms, _value(wish))
    shares_out = _split(share, wish.price, listing.fee_bps)
    needs = Needs(wallet, pays=(wish.currency, wish.price))
    return _of_share(wish, share, call, needs, shares_out.lines(wish.currency))


def _offer(shop: Shop, wish: Wish) -> Plan:
    share = _share(shop.session, wish)
    _must_be_traded(share)
    _check_terms(shop, wish)
    wallet = _payer(shop, wish, share)
    terms = (share.contract_address, share.token_id, shop.place.coins[wish.currency], wish.price, _seconds(wish))
    call = shop.place.unsigned("offer", terms, _value(wish))
    shares_out = _split(share, wish.price, shop.place.fee_bps)
    needs = Needs(wallet, pays=(wish.currency, wish.price))
    return _of_share(wish, share, call, needs, shares_out.lines(wish.currency))


def _cancel_offer(shop: Shop, wish: Wish) -> Plan:
    offer = _open_offer(shop, wish)
    if offer.maker_wallet not in shop.wallets:
        raise NotFound("This offer is not from a wallet of yours.")
    call = shop.place.unsigned("cancelOffer", (int(offer.order_key),))
    back = [Line(Label.PAID_OUT, offer.price, offer.currency)]
    seen = replace(wish, price=offer.price, currency=offer.currency)
    return _of_share(seen, offer.master_nft, call, Needs(offer.maker_wallet), back)


def _listing_as_seen(session: Session, share: MasterNft, wish: Wish) -> NftOrder:
    """The open listing, where it still asks what the buyer saw. Raises Changed with what it asks now."""
    listing = book.listing_of(session, share.id)
    if listing is None:
        raise Changed("The share is no longer for sale: it was sold, or taken back.")
    if book.lapsed(listing):
        raise Changed("Its time is over: the deadline of this listing has passed.")
    if (listing.price, listing.currency) != (wish.price, wish.currency):
        now = f"{format_units(listing.price, CURRENCIES[listing.currency].decimals)} {listing.currency}"
        detail = f"The seller has changed the price: it is {now} now."
        raise Changed(detail, listing.price, listing.currency)
    return listing


def _payer(shop: Shop, wish: Wish, share: MasterNft) -> str:
    """The wallet that pays; it must not be the one that owns the share."""
    others = [wallet for wallet in shop.wallets if wallet != share.current_owner_wallet]
    if not shop.wallets:
        raise Conflict("Link a wallet first: the share needs somewhere to go.")
    if wish.wallet == share.current_owner_wallet or not others:
        raise Conflict("This wallet owns the share already.")
    return wish.wallet or others[0]


# --- what waits -------------------------------------------------------------------------------------------


def _withdraw_credit(shop: Shop, wish: Wish) -> Plan:
    waiting = book.credits(shop.session, shop.wallets, str(shop.place.chain_id))
    found = [c for c in waiting if c.wallet == wish.wallet and c.currency == wish.currency]
    if not found or wish.currency not in shop.place.coins:
        raise Conflict("Nothing waits there for this wallet.")
    call = shop.place.unsigned("withdraw", (shop.place.coins[wish.currency],))
    lines = [Line(Label.PAID_OUT, found[0].amount, wish.currency)]
    return Plan(wish, call, Needs(wish.wallet), lines)


def _withdraw_royalty(shop: Shop, wish: Wish) -> Plan:
    """All roles that one wallet holds are paid at once; the artist's is the wallet that was named."""
    chain_id = str(shop.place.chain_id)
    found = book.royalties(shop.session, shop.user_id, shop.wallets, chain_id, wish.subject)
    held = [r for r in found if r.currency == wish.currency and r.wallet in (None, wish.wallet)]
    amount = sum(r.waiting for r in held)
    contract = masters.contract_of(shop.session, wish.subject, chain_id) if wish.subject else None
    if contract is None or not held or not wish.wallet or wish.currency not in shop.place.coins or not amount:
        raise Conflict("Nothing waits there for this wallet.")
    data = encode_call("MasterShares", "withdrawRoyalty", (shop.place.coins[wish.currency],))
    call = Unsigned(contract.contract_address, data, 0, shop.place.chain_id)
    lines = [Line(Label.PAID_OUT, amount, wish.currency)]
    return Plan(wish, call, Needs(wish.wallet), lines, wish.subject, held[0].title)


PLANS: dict[Act, Callable[[Shop, Wish], Plan]] = {
    Act.LIST: _list,
    Act.CANCEL_LISTING: _cancel_listing,
    Act.BUY: _buy,
    Act.OFFER: _offer,
    Act.CANCEL_OFFER: _cancel_offer,
    Act.ACCEPT: _accept,
    Act.WITHDRAW_CREDIT: _withdraw_credit,
    Act.WITHDRAW_ROYALTY: _withdraw_royalty,
}


# --- shared -----------------------------------------------------------------------------------------------


def _share(session: Session, wish: Wish) -> MasterNft:
    share = queries.public(session, wish.subject) if wish.subject else None
    if share is None or share.current_owner_wallet == ZERO:
        raise NotFound
    return share


def _open_offer(shop: Shop, wish: Wish) -> NftOrder:
    found = book.order(shop.session, wish.subject) if wish.subject else None
    if found is None or found.kind is not OrderKind.OFFER or found.chain_id != str(shop.place.chain_id):
        raise NotFound
    if found.status is not OrderStatus.OPEN:
        raise Changed("The offer is gone: it was accepted or taken back.")
    return found


def _offer_of(share: MasterNft) -> MasterIpo:
    ipo: MasterIpo | None = share.master.ipo
    if ipo is None:
        raise NotFound
    return ipo


def _must_be_traded(share: MasterNft) -> None:
    ipo = _offer_of(share)
    if not ipo.allow_secondary_resale:
        raise Conflict("The artist does not allow the resale of these shares.")
    if shown_status(ipo) not in OVER:
        raise Conflict("Shares are traded here once the first sale is over.")


def _check_terms(shop: Shop, wish: Wish) -> None:
    errors = []
    if wish.currency not in shop.place.coins:
        errors.append(FieldError("currency", f"Choose one of {', '.join(shop.place.coins)}."))
    if not 1 <= wish.price <= MOST_PRICE:
        errors.append(FieldError("price", "Enter a price above zero." if wish.price < 1 else "That is too high."))
    if wish.deadline is not None and not utcnow() < wish.deadline:
        errors.append(FieldError("deadline", "The deadline has to lie ahead."))
    if _seconds(wish) > LAST_DEADLINE:
        errors.append(FieldError("deadline", "That deadline is too far away."))
    if errors:
        raise Invalid(errors)


def _seconds(wish: Wish) -> int:
    return int(wish.deadline.timestamp()) if wish.deadline else 0


def _value(wish: Wish) -> int:
    return wish.price if wish.currency == "ETH" else 0


def _split(share: MasterNft, price: int, fee_bps: int) -> Split:
    return split(price, _offer_of(share), share.master_contract, fee_bps)


def _asked(shares_out: Split, currency: str) -> list[Line]:
    """What a seller is told: all but what the buyer pays, which is the price."""
    return [line for line in shares_out.lines(currency) if line.label is not Label.BUYER_PAYS]


def _of_share(wish: Wish, share: MasterNft, call: Unsigned, needs: Needs, lines: list[Line]) -> Plan:
    settled = replace(wish, wallet=needs.wallet)
    return Plan(settled, call, needs, lines, share.master_id, share.master.title, share.id, share.token_id)


def shares_out(session: Session, nft_id: uuid.UUID, price: int, currency: str, fee_bps: int) -> list[Line]:
    """The lines of a resale at this price, for pages before anything is asked. Raises NotFound."""
    share = session.scalars(sa.select(MasterNft).where(MasterNft.id == nft_id)).one_or_none()
    if share is None:
        raise NotFound
    return _split(share, price, fee_bps).lines(currency)
