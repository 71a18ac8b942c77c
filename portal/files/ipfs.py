"""An IPFS node by its URL: the two calls of its RPC that the portal needs."""

from __future__ import annotations

import requests

from portal.errors import Unavailable
from portal.files.cids import MOST_BYTES

WAIT_SECONDS = (5, 60)
ONE_BLOCK = ("block/put", {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}, "Key")
CHUNKED = {"cid-version": "1", "raw-leaves": "true", "chunker": f"size-{MOST_BYTES}", "pin": "true"}
MANY_BLOCKS = ("add", CHUNKED, "Hash")
"""(call, its parameters, where the answer names the CID)"""


def put(url: str, cid: str, content: bytes) -> None:
    """Have the node at `url` keep a file, pinned.

    Raises Unavailable when it does not take it, or when it takes it under a name that is not `cid`: then one of us
    counts wrongly, and a token would lead nowhere.
    """
    call, how, answered = ONE_BLOCK if len(content) <= MOST_BYTES else MANY_BLOCKS
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/api/v0/{call}",
            params=how,
            files={"file": (cid, content, "application/octet-stream")},
            timeout=WAIT_SECONDS,
            allow_redirects=False,
        )
        named = answer.json().get(answered) if answer.status_code == 200 else None
    except (requests.RequestException, ValueError, AttributeError) as error:
        raise Unavailable(f"The IPFS node does not answer: {type(error).__name__}.") from error
    if answer.status_code != 200:
        raise Unavailable(f"The IPFS node answers {answer.status_code}.")
    if named != cid:
        raise Unavailable(f"The IPFS node names {cid} {str(named)[:100]}.")
