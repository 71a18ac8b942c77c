"""The pages of a share: what it is, and every act on the market, each told with its price lines before it is signed.

Each act has one address: GET says what it means and what to sign, POST has a demo wallet do it. Without a wallet of
this browser the same page has the transactions to sign elsewhere.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import flash, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.chain.reasons import helpful
from portal.chain.signer import demo_signers
from portal.db import db, utcnow
from portal.errors import Conflict, DomainError, FieldError, Invalid, NotFound, Unavailable
from portal.marketplace import nft_box, nft_page
from portal.marketplace.acts_said import SAID, STEPS, Said
from portal.marketplace.master_page import Viewer
from portal.marketplace.nft_box import Typed
from portal.marketplace.signing import SAFE, follow, kept, settings, sign
from portal.marketplace.wording import decimals, nft_href
from portal.masters import acts
from portal.money import format_units, parse_units
from portal.nfts import book, orders, wishes
from portal.nfts import queries as nft_queries
from portal.nfts.models import MasterNft
from portal.nfts.orders import Intent
from portal.nfts.plans import Changed
from portal.nfts.wishes import Act, Wish
from portal.web.access import anyone, signed_in
from portal.web.bodies import keyed
from portal.web.pages import Pages, answer, is_partial, see

trading = Pages("trading", __name__)

MOST_MOVES = 400
PORTFOLIO = "/me/portfolio"
NOTHING = Typed()
REFUSED = (Invalid, Conflict, Unavailable)
OF_SHARE = {"list": Act.LIST, "take-off": Act.CANCEL_LISTING, "buy": Act.BUY, "offer": Act.OFFER}
OF_OFFER = {"accept": wishes.accept_offer, "take-back": wishes.cancel_offer}


# --- the share --------------------------------------------------------------------------------------------


@trading.get("/nfts/<uuid:nft_id>", access=anyone)
def nft(nft_id: uuid.UUID) -> Response:
    found = _share(nft_id)
    steps = followed(found.id, request.args.get("trade", ""))
    if is_partial() and request.headers.get("HX-Target", "").endswith("#purchase"):
        return answer("marketplace/_purchase.html", purchase=steps)
    return _page(nft_id, steps=steps)


def _page(
    nft_id: uuid.UUID, typed: Typed = NOTHING, status: int = 200, steps: dict[str, Any] | None = None
) -> Response:
    session, share, viewer = db.session(), _share(nft_id), Viewer(current_user.user_id, settings())
    values = nft_page.about(session, share, viewer.user_id, max(_number("moves"), nft_page.MOVES))
    box, offers = nft_box.box(session, share, viewer, typed), nft_box.offers(session, share, viewer)
    return answer("marketplace/nft.html", status, **values, box=box, offers=offers, purchase=steps)


def _share(nft_id: uuid.UUID) -> MasterNft:
    share = nft_queries.public(db.session(), nft_id)
    if share is None:
        raise NotFound
    return share


def _number(name: str) -> int:
    text = request.args.get(name, "")
    return min(int(text), MOST_MOVES) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def followed(nft_id: uuid.UUID, wanted: str) -> dict[str, Any] | None:
    """The steps of the act that the address names, for `marketplace/_purchase.html`; only who asked for it sees them.

    It ends the read transaction that is open.
    """
    try:
        act = acts.find(db.session(), orders.job_name(uuid.UUID(wanted)))
    except ValueError:
        return None
    if act is None or act.payload.get("user_id") != str(current_user.user_id) or act.payload["nft_id"] != str(nft_id):
        return None
    title, last = STEPS[Act(act.payload["act"])]
    href, why = f"{nft_href(nft_id)}?trade={wanted}", helpful(act.failure or "")
    steps = follow(act, title.format(no=f"{act.payload['number']:,}"), href, last, f"It failed. {SAFE}", why)
    return steps | {"again": "#listing"}


# --- its acts ---------------------------------------------------------------------------------------------


@trading.get('/nfts/<uuid:nft_id>/<any(list, "take-off", buy, offer):name>', access=signed_in)
def review(nft_id: uuid.UUID, name: str) -> Response:
    """What it means and what to sign; a refusal stays on the share's page, with what was typed."""
    act, asked = OF_SHARE[name], request.args
    try:
        return _to_sign(_intent(_wish(act, nft_id, asked)), _sent(asked))
    except REFUSED as refusal:
        return _refused(nft_id, act, refusal, asked)


@trading.post('/nfts/<uuid:nft_id>/<any(list, "take-off", buy, offer):name>', access=signed_in)
def trade(nft_id: uuid.UUID, name: str) -> Response:
    """From a demo wallet at once; a double click acts once."""
    act, asked = OF_SHARE[name], request.form
    try:
        told = keyed(kept(partial(_steps_of, nft_id)))
        return see(_steps_of(nft_id, orders.request(current_user.user_id, _wish(act, nft_id, asked), told)))
    except REFUSED as refusal:
        return _refused(nft_id, act, refusal, asked)


@trading.get('/offers/<uuid:order_id>/<any(accept, "take-back"):name>', access=signed_in)
def review_offer(order_id: uuid.UUID, name: str) -> Response:
    nft_id, wish = _of_offer(order_id), OF_OFFER[name](order_id)
    try:
        return _to_sign(_intent(wish), {})
    except REFUSED as refusal:
        return _refused(nft_id, wish.act, refusal, {})


@trading.post('/offers/<uuid:order_id>/<any(accept, "take-back"):name>', access=signed_in)
def answer_offer(order_id: uuid.UUID, name: str) -> Response:
    nft_id, wish = _of_offer(order_id), OF_OFFER[name](order_id)
    try:
        told = keyed(kept(partial(_steps_of, nft_id)))
        return see(_steps_of(nft_id, orders.request(current_user.user_id, wish, told)))
    except REFUSED as refusal:
        return _refused(nft_id, wish.act, refusal, {})


def _of_offer(order_id: uuid.UUID) -> uuid.UUID:
    """The share that an offer is for."""
    found = book.order(db.session(), order_id)
    if found is None:
        raise NotFound
    return found.master_nft_id


def _steps_of(nft_id: uuid.UUID, name: str) -> str:
    return f"{nft_href(nft_id)}?trade={name.partition(':')[2]}#purchase"


def _refused(nft_id: uuid.UUID, act: Act, refusal: DomainError, asked: Mapping[str, str]) -> Response:
    """The share's page as it stands now, with the reason and what was typed."""
    errors = getattr(refusal, "errors", [])
    reason = errors[0].message if errors else refusal.detail
    db.session.rollback()
    if act is Act.BUY and isinstance(refusal, Changed) and refusal.price is None:
        share = _share(nft_id)
        reason = nft_box.sold_to(db.session(), share, current_user.user_id) or reason
    typed = Typed(
        asked.get("price", "")[:40], asked.get("currency", "")[:8], asked.get("days", "")[:4], reason, SAID[act].place
    )
    return _page(nft_id, typed, refusal.status)


# --- what waits -------------------------------------------------------------------------------------------


@trading.get("/me/portfolio/withdraw", access=signed_in)
def review_withdrawal() -> Response:
    """`?currency=` with `masterId` for royalties of resales, with `wallet` for what the market keeps."""
    try:
        return _to_sign(_intent(_withdrawal(request.args)), _sent(request.args))
    except REFUSED as refusal:
        return _back_to_portfolio(refusal)


@trading.post("/me/portfolio/withdraw", access=signed_in)
def withdraw() -> Response:
    try:
        name = orders.request(current_user.user_id, _withdrawal(request.form), keyed(kept(_in_portfolio)))
    except REFUSED as refusal:
        return _back_to_portfolio(refusal)
    return see(_in_portfolio(name))


def _withdrawal(asked: Mapping[str, str]) -> Wish:
    wallet, currency = asked.get("wallet", "")[:42], asked.get("currency", "")[:8]
    if not asked.get("masterId"):
        return wishes.withdraw_credit(wallet, currency)
    try:
        return wishes.withdraw_royalty(uuid.UUID(asked["masterId"]), currency, wallet)
    except ValueError as error:
        raise NotFound from error


def _in_portfolio(name: str) -> str:
    return f"{PORTFOLIO}?trade={name.partition(':')[2]}#waiting"


def _back_to_portfolio(refusal: DomainError) -> Response:
    errors = getattr(refusal, "errors", [])
    flash(errors[0].message if errors else refusal.detail, "error")
    return see(PORTFOLIO)


# --- what is asked for, and what there is to sign ---------------------------------------------------------


def _wish(act: Act, nft_id: uuid.UUID, asked: Mapping[str, str]) -> Wish:
    """Raises Invalid for a price that cannot be read."""
    wallet, currency = asked.get("wallet", "")[:42], asked.get("currency", "")[:8]
    if act is Act.CANCEL_LISTING:
        return wishes.cancel_listing(nft_id, wallet)
    if act is Act.BUY:
        units = asked.get("units", "")
        seen = int(units) if units.isascii() and units.isdigit() and len(units) < 30 else 0
        return wishes.buy(nft_id, seen, currency, wallet)
    make = wishes.list_share if act is Act.LIST else wishes.make_offer
    return make(nft_id, _price(asked.get("price", ""), currency), currency, _deadline(asked.get("days", "")), wallet)


def _price(text: str, currency: str) -> int:
    try:
        return parse_units(text.strip(), decimals(currency))
    except ValueError as error:
        raise Invalid(FieldError("price", str(error))) from error


def _deadline(days: str) -> dt.datetime | None:
    return utcnow() + dt.timedelta(days=int(days)) if days in ("7", "30", "90") else None


def _intent(wish: Wish) -> Intent:
    """What it means; and for a wallet that signs for itself, checked by the chain, what there is to sign."""
    told = orders.preview(current_user.user_id, wish, settings())
    if told.wish.wallet in demo_signers(settings()):
        return told
    return orders.prepare(current_user.user_id, wish, settings())


def _sent(asked: Mapping[str, str]) -> dict[str, str]:
    """What the form says, for the button that asks for the same."""
    return {name: asked[name][:80] for name in ("price", "currency", "days", "units", "masterId") if asked.get(name)}


def _to_sign(intent: Intent, fields: dict[str, str]) -> Response:
    wish, said = intent.wish, SAID[intent.wish.act]
    share = (f"{intent.title}, No. {intent.number:,}", nft_href(intent.nft_id)) if intent.nft_id else None
    back = share or ("Portfolio", PORTFOLIO)
    currency = wish.currency or "ETH"
    amount = f"{format_units(_amount(intent), decimals(currency))} {currency}"
    number = f"{intent.number:,}" if intent.number else ""
    fill = partial(str.format, no=number, price=amount)
    confirm = (request.path, fields | {"wallet": wish.wallet}, fill(said.button))
    signs_here = wish.wallet in demo_signers(settings())
    return sign(
        fill(said.title),
        fill(said.lede),
        back,
        said.heading,
        said.lines(intent.lines),
        currency,
        [(_name(name, said, fill), one) for name, one in intent.transactions],
        wish.wallet,
        confirm=confirm if signs_here else None,
        nav="portfolio" if intent.nft_id is None else "marketplace",
        again_href=None if signs_here else request.full_path.rstrip("?"),
    )


def _amount(intent: Intent) -> int:
    """The price of the act, or what a withdrawal pays."""
    return intent.wish.price or (intent.lines[0].amount if intent.lines else 0)


def _name(name: str, said: Said, fill: partial[str]) -> str:
    first = {"approveShare": "Let the market move this share", "approveCoins": "Let the market take the coins"}
    return first.get(name) or fill(said.button)
