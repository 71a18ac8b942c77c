"""Servers that the environment names are tried before anything starts: a wrong address is said at once."""

import base64
import json
import urllib.request
from urllib.parse import unquote, urlsplit

from portal.config import Settings
from portal.embedded.files import StartError

SECONDS = 5


def check(settings: Settings) -> None:
    """Raise StartError, naming every given server that does not answer, why, and what to do."""
    tries = {
        "AUDIFI_DATABASE_URL": (settings.database_url, try_database, "PostgreSQL"),
        "AUDIFI_REDIS_URL": (settings.redis_url, try_bus, "Valkey"),
        "AUDIFI_RPC_URL": (settings.rpc_url, lambda url: try_chain(url, settings.chain_id), "development chain"),
    }
    faults = []
    for name, (url, attempt, embedded) in tries.items():
        try:
            if url:
                attempt(url)
        except Exception as error:
            advice = f"Start that server or correct {name}"
            if not settings.production:
                advice += f"; unset, the embedded {embedded} is used"
            faults.append(f"{name} ({_public(url)}): {_first_line(error)}. {advice}.")
    if faults:
        raise StartError("\n".join(faults))


def try_database(url: str) -> None:
    """Open and close a connection; raises what went wrong."""
    import psycopg

    if urlsplit(url).scheme not in ("postgresql", "postgresql+psycopg"):
        raise ValueError("expected postgresql+psycopg://user:password@host/database")
    psycopg.connect(url.replace("+psycopg", "", 1), connect_timeout=SECONDS).close()


def try_bus(url: str) -> None:
    """PING; raises what went wrong."""
    from redis import Redis

    client = Redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS)
    client.ping()
    client.close()


def try_chain(url: str, chain_id: int) -> None:
    """Ask for the chain id; raises what went wrong."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise ValueError("expected http://host:port or https://host")
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    headers = {"Content-Type": "application/json"}
    login, _, host = parts.netloc.rpartition("@")
    if login:
        headers["Authorization"] = "Basic " + base64.b64encode(unquote(login).encode()).decode()
    request = urllib.request.Request(parts._replace(netloc=host).geturl(), body, headers)  # noqa: S310
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
        found = int(json.load(answer)["result"], 16)
    if found != chain_id:
        raise ValueError(f"it is chain {found}, but AUDIFI_CHAIN_ID is {chain_id}")


def _public(url: str) -> str:
    """Scheme and host alone: users, passwords and the keys in providers' paths stay hidden."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
