"""Who sends a request: the address that limits count and records name.

It is the other end of the line, unless `AUDIFI_PROXIES` says how many proxies of the operator's stand in front: then
it is what the outermost of them saw. What a stranger writes into `X-Forwarded-For` stands further left and is not read.
"""

from __future__ import annotations

import ipaddress

from flask import Flask, request
from werkzeug.middleware.proxy_fix import ProxyFix

from portal.config import Settings


def set_up(app: Flask, settings: Settings) -> None:
    if settings.proxies > 0:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=settings.proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )


def address() -> str | None:
    """In one spelling, an IPv4 address as such; None where the line has none (a socket file).

    What a proxy says that is no address counts as the proxy's own.
    """
    before = request.environ.get("werkzeug.proxy_fix.orig", {}).get("REMOTE_ADDR")
    found = read(request.remote_addr) or read(before)
    return str(found) if found else None


def read(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address((text or "").partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
