"""GET /transactions/{hash}."""

from __future__ import annotations

import re
from typing import Annotated

from typing_extensions import TypedDict

from portal.chain import tracking
from portal.errors import NotFound
from portal.versions import Api
from portal.web.access import anyone
from portal.web.schema import one_of

api = Api("chain_api", __name__)

class Progress(TypedDict):
    status: Annotated[str, one_of(tracking.Stage)]
    block: int | None
    confirmations: int


HASH = re.compile(r"0x[0-9a-f]{64}", re.ASCII)


@api.get("/transactions/<tx_hash>", versions=(2,), access=anyone)
def get_transaction(tx_hash: str, version: int) -> Progress:
    """How far it has come; a hash that nobody has heard of is `unknown`."""
    found = tracking.progress(read_hash(tx_hash))
    return {"status": found.stage.value, "block": found.block, "confirmations": found.confirmations}


def read_hash(text: str) -> str:
    """A transaction's hash from an address, lower-case. Raises NotFound for anything else."""
    if not HASH.fullmatch(text.lower()):
        raise NotFound
    return text.lower()
