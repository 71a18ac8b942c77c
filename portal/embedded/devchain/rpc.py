"""JSON-RPC 2.0: requests and batches in, answers out; a bad request gets an error, never a crash."""

import logging
import traceback
from collections.abc import Callable
from typing import Any

import orjson

from portal.embedded.devchain.chain import Chain
from portal.embedded.devchain.evm import Failed, Refused
from portal.embedded.devchain.methods import METHODS
from portal.embedded.devchain.params import BadParams

BATCH_LIMIT = 1000
PARSE_ERROR, INVALID_REQUEST, NO_METHOD, BAD_PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
REFUSED, REVERTED = -32000, 3
Json = dict[str, Any]
log = logging.getLogger("devchain")


class Rpc:
    """Answers request bodies from one chain."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain

    def answer(self, body: bytes) -> bytes:
        """The answer to a request or a batch of up to 1,000."""
        try:
            request = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            return orjson.dumps(_error(None, PARSE_ERROR, f"parse error: {error}"))
        if not isinstance(request, list):
            return orjson.dumps(self._one(request))
        if not 0 < len(request) <= BATCH_LIMIT:
            return orjson.dumps(_error(None, INVALID_REQUEST, f"a batch holds 1 to {BATCH_LIMIT} requests"))
        return orjson.dumps([self._one(one) for one in request])

    def _one(self, request: Any) -> Json:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _error(None, INVALID_REQUEST, "invalid request")
        number, method, params = request.get("id"), request["method"], request.get("params") or []
        if (function := METHODS.get(method)) is None:
            return _error(number, NO_METHOD, f"the method {method} does not exist/is not available")
        if not isinstance(params, list):
            return _error(number, BAD_PARAMS, "params must be a list")
        return self._called(number, function, params)

    def _called(self, number: Any, function: Callable[..., Any], params: list[Any]) -> Json:
        try:
            return {"jsonrpc": "2.0", "id": number, "result": function(self.chain, *params)}
        except Failed as error:
            told = {} if error.data is None else {"data": "0x" + error.data.hex()}
            return _error(number, REFUSED if error.data is None else REVERTED, str(error), **told)
        except Refused as error:
            return _error(number, REFUSED, str(error))
        except BadParams as error:
            return _error(number, BAD_PARAMS, str(error))
        except Exception as error:
            if isinstance(error, TypeError) and error.__traceback__ and error.__traceback__.tb_next is None:
                return _error(number, BAD_PARAMS, "wrong number of params")
            log.error("%s", traceback.format_exc())
            return _error(number, INTERNAL, f"internal error: {error}")


def _error(number: Any, code: int, message: str, **more: str) -> Json:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": message, **more}}
