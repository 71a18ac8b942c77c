"""How often one person and one network may ask: the API, votes wherever they are cast, and files.

Counted in the cache, so that all web processes count together; without it each process counts for itself until it is
back. On a newcomer's own machine nobody is limited. Tries at signing in are counted in the database instead
(`accounts.limits`).
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable

from flask import Flask, Response, current_app, request
from flask_limiter import ApplicationLimit, Limiter
from flask_login import current_user

from portal.config import Settings
from portal.web import peer, uploads

VOTE = re.compile(r"/api/v\d+/vstudio/decisions/[^/]+/votes|/vstudio/[0-9a-f-]{36}")


def network(address: str | None, settings: Settings) -> str:
    """The address, or its /64 for IPv6, whose owner has all of it.

    "" for none, and on a newcomer's own machine, where everybody has the same.
    """
    found = peer.read(address)
    if found is None or (found.is_loopback and settings.newcomer_tools):
        return ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def set_up(app: Flask, settings: Settings) -> None:
    """Limits by the settings of the moment: requests, votes and pictures a minute, by person and by network."""
    limiter = Limiter(
        key_func=_network,
        application_limits=[
            _limit("api_per_person", _person, _is_api),
            _limit("api_per_network", _network, _is_api),
            _limit("votes_per_person", _person, _is_vote),
            _limit("votes_per_network", _network, _is_vote),
            _limit("pictures_per_person", _person, _is_upload),
        ],
        storage_uri=settings.redis_url or "memory://",
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if settings.redis_url else {},
        in_memory_fallback_enabled=True,
        key_prefix="audifi",
    )
    limiter.init_app(app)

    @app.after_request
    def tell(response: Response) -> Response:
        """What is left (`RateLimit`, `RateLimit-Policy`), and when to come back."""
        closest = limiter.current_limit
        if closest is not None:
            wait = max(0, round(closest.reset_at - time.time()))
            seconds = closest.limit.get_expiry()
            response.headers["RateLimit-Policy"] = f'"default";q={closest.limit.amount};w={seconds}'
            response.headers["RateLimit"] = f'"default";r={closest.remaining};t={wait}'
            if response.status_code == 429:
                response.headers.setdefault("Retry-After", str(max(1, wait)))
        return response


def _limit(setting: str, key: Callable[[], str], applies: Callable[[], bool]) -> ApplicationLimit:
    return ApplicationLimit(
        lambda: f"{getattr(_settings(), setting)} per minute",
        key_function=lambda: f"{setting}:{key()}",
        exempt_when=lambda: not applies() or not key(),
        scope=setting,
    )


def _is_api() -> bool:
    return request.path.startswith("/api/") and not _settings().newcomer_tools


def _is_vote() -> bool:
    return request.method == "POST" and bool(VOTE.fullmatch(request.path)) and not _settings().newcomer_tools


def _is_upload() -> bool:
    return uploads.load() is not None and not _settings().newcomer_tools


def _person() -> str:
    return str(current_user.user_id or "")


def _network() -> str:
    return network(peer.address(), _settings())


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
