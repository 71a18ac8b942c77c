"""The portfolio page, its export, and the button that fetches dividends."""

from __future__ import annotations

from typing import Any

from flask import current_app, make_response, request
from flask_login import current_user
from werkzeug.wrappers import Response

from portal.audit.enums import SecurityEventType, SecuritySeverity
from portal.audit.service import log_security_event
from portal.chain import wallets
from portal.chain.signer import demo_signers
from portal.config import Settings
from portal.db import db
from portal.errors import Conflict
from portal.idempotency import Answer
from portal.portfolio import book, export, forms, market, page
from portal.revenue import claims
from portal.web.access import signed_in
from portal.web.bodies import form_body, keyed, parse
from portal.web.pages import Pages, answer, see

pages = Pages("portfolio", __name__)

MOST_SHARES = 2_000


@pages.get("/me/portfolio", access=signed_in)
def portfolio() -> Response:
    asked = page.Asked(
        tab=request.args.get("tab", "holdings"),
        currency=request.args.get("currency", ""),
        claim=request.args.get("claim", "")[:255].replace("\x00", ""),
        trade=request.args.get("trade", "")[:36],
        shown=_shown(request.args.get("shown", "")),
    )
    values = page.page(db.session(), current_user.user_id, _settings(), asked)
    return answer("portfolio/portfolio.html", **values)


@pages.get("/me/portfolio.csv", access=signed_in)
def table() -> Response:
    """The holdings for a spreadsheet; who takes data out is noted."""
    text = export.table(book.lines(db.session(), current_user.user_id))
    log_security_event(SecurityEventType.DATA_EXPORT, SecuritySeverity.INFO, "Portfolio exported")
    response = make_response(text)
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="portfolio.csv"'
    response.headers["Cache-Control"] = "private, no-store"
    return response


@pages.post("/me/portfolio/claims", access=signed_in)
def claim() -> Response:
    """A demo wallet's claim is sent from here; another wallet gets its transaction to sign."""
    form, settings = parse(forms.Claim, form_body()), _settings()
    if form.wallet not in demo_signers(settings):
        chosen = f"&masterId={form.master_id}" if form.master_id else ""
        return see(f"{page.CLAIM}/new?wallet={form.wallet}{chosen}")
    who, chain_id = current_user.user_id, settings.chain_id
    name = claims.request_claim(who, form.wallet, chain_id, form.masters(), keyed(_kept))
    return see(_steps_of(name))


@pages.get("/me/portfolio/claims", access=signed_in, endpoint="claims_get")
def claims_page() -> Response:
    return see(f"{page.HERE}?tab=claims")


@pages.get("/me/portfolio/claims/new", access=signed_in)
def unsigned() -> Response:
    """The transaction for a wallet that signs for itself: where to, which data, and what it pays."""
    fields = {name: request.args[name] for name in ("wallet", "masterId") if request.args.get(name)}
    form, settings = parse(forms.Claim, fields), _settings()
    try:
        intent = claims.prepare(db.session(), current_user.user_id, form.wallet, settings.chain_id, form.masters())
    except Conflict as nothing:
        return answer("portfolio/claim.html", 409, intent=None, nothing=nothing.detail)
    box = wallets.box(settings, form.wallet, [("Claim what waits", intent.to, 0, intent.data)], page.HERE)
    return answer("portfolio/claim.html", intent=intent, lines=_lines(intent), box=box)


def _shown(text: str) -> int:
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return min(max(asked, market.SHOWN), MOST_SHARES)


def _lines(intent: claims.Intent) -> list[dict[str, Any]]:
    return [
        {
            "title": line.title,
            "minor": line.amount,
            "decimals": book.decimals(line.currency),
            "currency": line.currency,
        }
        for line in intent.lines
    ]


def _steps_of(name: str) -> str:
    return f"{page.HERE}?claim={name}"


def _kept(name: str) -> Answer:
    """A double click's answer: the same steps."""
    return 303, {"location": _steps_of(name)}


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
