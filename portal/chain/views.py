"""The page of one transaction: how far it has come, in steps."""

from __future__ import annotations

from flask import request
from werkzeug.wrappers import Response

from portal.chain import tracking
from portal.chain.api import read_hash
from portal.chain.tracking import Stage
from portal.errors import FieldError, NotFound
from portal.web.access import anyone
from portal.web.pages import Pages, answer, see

pages = Pages("chain", __name__)

SETTLED = {Stage.FINAL, Stage.FAILED, Stage.REPLACED}


@pages.get("/transactions", access=anyone)
def find() -> Response:
    """A pasted hash leads to its page."""
    text = request.args.get("hash", "").strip()[:200]
    try:
        if text:
            return see(f"/transactions/{read_hash(text)}")
    except NotFound:
        wrong = [FieldError("hash", "A hash is 0x and 64 digits or letters from a to f.")]
        return answer("chain/find.html", 422, hash=text, errors=wrong)
    return answer("chain/find.html", hash="", errors=[])


@pages.get("/transactions/<tx_hash>", access=anyone)
def transaction(tx_hash: str) -> Response:
    tx_hash = read_hash(tx_hash)
    found = tracking.progress(tx_hash)
    return answer(
        "chain/transaction.html",
        hash=tx_hash,
        stage=found.stage.value,
        block=found.block,
        confirmations=found.confirmations,
        steps=tracking.steps(found),
        successor=found.successor,
        stale=found.stale,
        lost=found.lost,
        reason=found.error,
        settled=found.stage in SETTLED,
    )
