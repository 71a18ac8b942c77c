"""Resales of the master that sold out: the first ones months ago, and what is for sale and offered for today."""

from __future__ import annotations

import uuid

from sqlalchemy.orm import Session

from portal.chain.signer import of_demo_fan
from portal.nfts import book, orders, queries, wishes
from portal.nfts.models import MasterNft
from portal.nfts.wishes import Wish
from portal.seed import clock, wallets
from portal.seed.clock import DAY
from portal.seed.data import ACCEPTED, BIDS, FIRST_TRADES, FOR_SALE, SOLD_OUT, Trade
from portal.seed.field import Field, fan_email, person, there
from portal.seed.waiting import until

CURRENCY = "USDC"


def first_trades(field: Field) -> None:
    """Listed by one fan and bought by another."""
    for trade in FIRST_TRADES[: field.plan.buyers]:
        clock.reach(trade.days_ago * DAY)
        _list(field, trade)
        _buy(field, trade)


def _buy(field: Field, trade: Trade) -> None:
    name, share = f"buy:{trade.number}:{trade.buyer}", _share(field, trade)
    if not wallets.was_sent(name):
        until(f"share {trade.number} is listed", lambda session: book.listing_of(session, share), field.patience)
    _act(field, name, trade.buyer, wishes.buy(share, trade.price, CURRENCY))


def todays_trades(field: Field) -> None:
    """Shares for sale, offers that wait, and one that was accepted."""
    for trade in FOR_SALE[: field.plan.buyers]:
        _list(field, trade)
    for trade in (*ACCEPTED, *BIDS)[: field.plan.buyers]:
        share = _share(field, trade)
        wish = wishes.make_offer(share, trade.price, CURRENCY)
        _act(field, f"offer:{trade.number}:{trade.buyer}", trade.buyer, wish)
    for trade in ACCEPTED:
        _accept(field, trade)


def _list(field: Field, trade: Trade) -> None:
    wish = wishes.list_share(_share(field, trade), trade.price, CURRENCY)
    _act(field, f"list:{trade.number}:{trade.seller}", trade.seller, wish)


def _accept(field: Field, trade: Trade) -> None:
    name, share = f"accept:{trade.number}:{trade.seller}", _share(field, trade)
    if wallets.was_sent(name):
        return wallets.resume(name)
    offers = until(f"share {trade.number} is wanted", lambda s: book.offers_on(s, share, 1), field.patience)
    return _act(field, name, trade.seller, wishes.accept_offer(offers[0].id))


def _share(field: Field, trade: Trade) -> uuid.UUID:
    """The share's id, once the indexer has seen it."""
    master = there(SOLD_OUT).id

    def found(session: Session) -> MasterNft | None:
        return queries.of_number(session, master, trade.number)

    return until(f"share {trade.number} is there", found, field.patience).id


def _act(field: Field, name: str, fan: int, wish: Wish) -> None:
    """The fan's own wallet signs what the portal prepares: leave first, then the act."""
    if wallets.was_sent(name):
        return wallets.resume(name)
    signer = of_demo_fan(fan)
    *before, (_, act) = orders.prepare(person(fan_email(fan)).id, wish, field.settings).transactions
    for step, one in before:
        wallets.sign(f"{step}:{name}", one, signer)
    return wallets.sign(name, act, signer)
