"""An IPFS node by its URL: the one call of its RPC that the portal needs."""

from __future__ import annotations

import requests

from portal.errors import Unavailable

WAIT_SECONDS = (5, 60)


def put(url: str, cid: str, content: bytes) -> None:
    """Have the node at `url` keep one block, pinned.

    Raises Unavailable when it does not take it, or when it takes it under a name that is not `cid`: then one of us
    counts wrongly, and a token would lead nowhere.
    """
    how = {"cid-codec": "raw", "mhtype": "sha2-256", "pin": "true"}
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/api/v0/block/put",
            params=how,
            files={"file": (cid, content, "application/octet-stream")},
            timeout=WAIT_SECONDS,
            allow_redirects=False,
        )
        named = answer.json().get("Key") if answer.status_code == 200 else None
    except (requests.RequestException, ValueError, AttributeError) as error:
        raise Unavailable(f"The IPFS node does not answer: {type(error).__name__}.") from error
    if answer.status_code != 200:
        raise Unavailable(f"The IPFS node answers {answer.status_code}.")
    if named != cid:
        raise Unavailable(f"The IPFS node names {cid} {str(named)[:100]}.")
