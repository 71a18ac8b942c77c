"""The page of one transaction: how far it has come, in steps."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlencode

from flask import request
from werkzeug.wrappers import Response

from portal.chain import tracking
from portal.chain.api import read_hash
from portal.chain.reasons import helpful
from portal.chain.tracking import Stage
from portal.errors import FieldError, NotFound, Unavailable
from portal.web.access import anyone
from portal.web.pages import Pages, answer, safe_next, see

pages = Pages("chain", __name__)

ADDRESS, NONCE = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII), re.compile(r"[0-9]{1,18}", re.ASCII)
SETTLED = {Stage.FINAL, Stage.FAILED, Stage.REPLACED}


@pages.get("/transactions", access=anyone)
def find() -> Response:
    """A pasted hash leads to its page."""
    text = request.args.get("hash", "").strip()[:200]
    kept = {name: request.args[name] for name in ("next", "wallet", "nonce") if request.args.get(name)}
    try:
        if text:
            return see(f"/transactions/{read_hash(text)}" + (f"?{urlencode(kept)}" if kept else ""))
    except NotFound:
        wrong = [FieldError("hash", "A hash is 0x and 64 digits or letters from a to f.")]
        return answer("chain/find.html", 422, hash=text, errors=wrong, kept=kept)
    return answer("chain/find.html", hash="", errors=[], kept=kept)


@pages.get("/transactions/<tx_hash>", access=anyone)
def transaction(tx_hash: str) -> Response:
    """`?wallet=&nonce=` say whose place in which queue it takes, `?next=` where whoever sent it came from."""
    tx_hash = read_hash(tx_hash)
    found = tracking.progress(tx_hash)
    return answer(
        "chain/transaction.html",
        hash=tx_hash,
        stage=found.stage.value,
        block=found.block,
        confirmations=found.confirmations,
        steps=tracking.steps(replace(found, error=found.error and helpful(found.error))),
        successor=found.successor,
        stale=found.stale,
        lost=found.lost,
        reason=found.error,
        settled=found.stage in SETTLED,
        overtaken=found.stage is Stage.UNKNOWN and not found.stale and _overtaken(),
        back=safe_next(request.args.get("next"), ""),
    )


def _overtaken() -> bool:
    """Whether the wallet's next transactions are mined without this one; without wallet and nonce nobody knows."""
    wallet, nonce = request.args.get("wallet", ""), request.args.get("nonce", "")
    if not ADDRESS.fullmatch(wallet) or not NONCE.fullmatch(nonce):
        return False
    try:
        return tracking.overtaken(wallet.lower(), int(nonce))
    except Unavailable:
        return False
