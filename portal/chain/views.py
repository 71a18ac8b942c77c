"""The page of one transaction: how far it has come, in steps."""

from __future__ import annotations

from werkzeug.wrappers import Response

from portal.chain import tracking
from portal.chain.api import read_hash
from portal.chain.tracking import Stage
from portal.web.access import anyone
from portal.web.pages import Pages, answer

pages = Pages("chain", __name__)

SETTLED = {Stage.FINAL, Stage.FAILED, Stage.REPLACED}


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
        settled=found.stage in SETTLED,
    )
