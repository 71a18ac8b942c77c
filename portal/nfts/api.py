"""Shares for API clients: of a master, one of them, its moves, and trading it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import current_app
from flask_login import current_user

from portal.accounts import queries as account_queries
from portal.config import Settings
from portal.db import db
from portal.errors import NotFound
from portal.masters import queries as masters
from portal.nfts import book, forms, orders, queries, shapes, wishes
from portal.nfts.models import MasterNft
from portal.nfts.orders import Intent
from portal.nfts.wishes import Wish
from portal.versions import Api
from portal.web import cursors
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.schema import Page, Paging

api = Api("nfts_api", __name__)


@api.get("/masters/<uuid:master_id>/nfts", versions=(2,), access=anyone, query=Paging)
def get_nfts(master_id: uuid.UUID, version: int) -> Page[shapes.Share]:
    """By number. The cursor is the last number."""
    session, limit, after = db.session(), cursors.limit(), cursors.after_numbers(1)
    if masters.public(session, master_id) is None:
        raise NotFound
    rows = queries.of_master(session, master_id, limit + 1, after[0] if after else None)
    shown = rows[:limit]
    last = [shown[-1].token_id] if len(rows) > limit else None
    return {"data": [shapes.nft(share) for share in shown], "page": {"next": _next(last)}}


@api.get("/nfts/<uuid:nft_id>", versions=(2,), access=anyone)
def get_nft(nft_id: uuid.UUID, version: int) -> shapes.ShareOfMaster:
    return shapes.nft_with_master(_share(nft_id))


@api.get("/nfts/<uuid:nft_id>/transfers", versions=(2,), access=anyone, query=Paging)
def get_transfers(nft_id: uuid.UUID, version: int) -> Page[shapes.Transfer]:
    """The newest first. The cursor is the last move's block and log index."""
    share, limit, after = _share(nft_id), cursors.limit(), cursors.after_numbers(2)
    rows = queries.transfers(db.session(), share.id, limit + 1, (after[0], after[1]) if after else None)
    shown = rows[:limit]
    last = [shown[-1].block_number, shown[-1].log_index] if len(rows) > limit else None
    return {"data": [shapes.transfer(move) for move in shown], "page": {"next": _next(last)}}


# --- trading ----------------------------------------------------------------------------------------------


@api.post("/nfts/<uuid:nft_id>/listing", versions=(2,), access=signed_in)
def post_listing(nft_id: uuid.UUID, version: int, body: forms.Listing) -> shapes.TradeIntent:
    """What the owner signs to list the share, or to change what is asked for it."""
    return _intent(body.wish(nft_id))


@api.delete("/nfts/<uuid:nft_id>/listing", versions=(2,), access=signed_in)
def delete_listing(nft_id: uuid.UUID, version: int) -> shapes.TradeIntent:
    """What the owner signs to take the listing back."""
    return _intent(wishes.cancel_listing(nft_id))


@api.post("/nfts/<uuid:nft_id>/orders", versions=(2,), access=signed_in)
def post_order(nft_id: uuid.UUID, version: int, body: forms.Bid) -> shapes.TradeIntent:
    """What the wallet signs to buy the share as it was seen, or to offer money for it. Other terms are a 409."""
    return _intent(body.wish(nft_id))


@api.get("/nfts/<uuid:nft_id>/offers", versions=(2,), access=anyone, query=Paging)
def get_offers(nft_id: uuid.UUID, version: int) -> Page[shapes.Offer]:
    """Offers that can be accepted, the newest first. The cursor is the last one's block and log index."""
    share, limit, after = _share(nft_id), cursors.limit(), cursors.after_numbers(2)
    rows = book.offers_on(db.session(), share.id, limit + 1, (after[0], after[1]) if after else None)
    shown = rows[:limit]
    last = [shown[-1].placed_block, shown[-1].placed_log_index] if len(rows) > limit else None
    return {"data": [shapes.offer(order) for order in shown], "page": {"next": _next(last)}}


@api.post("/offers/<uuid:order_id>/accept", versions=(2,), access=signed_in)
def post_acceptance(order_id: uuid.UUID, version: int) -> shapes.TradeIntent:
    """What the share's owner signs to sell it to the bidder."""
    return _intent(wishes.accept_offer(order_id))


@api.delete("/offers/<uuid:order_id>", versions=(2,), access=signed_in)
def delete_offer(order_id: uuid.UUID, version: int) -> shapes.TradeIntent:
    """What the bidder signs to take the offer and its money back."""
    return _intent(wishes.cancel_offer(order_id))


@api.get("/me/waiting", versions=(2,), access=signed_in)
def get_waiting(version: int) -> shapes.Waiting:
    """What resales left for the caller's wallets: credits of the market, and royalties by role."""
    session, who, chain_id = db.session(), current_user.user_id, str(_settings().chain_id)
    mine = [w.wallet_address for w in account_queries.wallets_of(session, who) if w.verified and w.chain_id == chain_id]
    return shapes.waiting(
        book.credits(session, mine, chain_id), book.royalties(session, who, mine, chain_id)
    )


@api.post("/me/credit-intents", versions=(2,), access=signed_in)
def post_credit_intent(version: int, body: forms.Fetch) -> shapes.TradeIntent:
    """What a wallet signs to fetch what the market could not deliver to it."""
    return _intent(wishes.withdraw_credit(body.wallet, body.currency.value))


@api.post("/masters/<uuid:master_id>/royalty-intents", versions=(2,), access=signed_in)
def post_royalty_intent(master_id: uuid.UUID, version: int, body: forms.Fetch) -> shapes.TradeIntent:
    """What a wallet signs to fetch the royalties of the roles that it holds."""
    return _intent(wishes.withdraw_royalty(master_id, body.currency.value, body.wallet))


def _intent(wish: Wish) -> shapes.TradeIntent:
    def answer(made: Intent) -> tuple[int, shapes.TradeIntent]:
        return 200, shapes.intent(made)

    return answer(orders.prepare(current_user.user_id, wish, _settings(), keyed(answer)))[1]


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _share(nft_id: uuid.UUID) -> MasterNft:
    share = queries.public(db.session(), nft_id)
    if share is None:
        raise NotFound
    return share


def _next(last: list[Any] | None) -> str | None:
    return cursors.encode(last) if last else None
