"""What every template may use: static URLs, money, times, the theme, the form key."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Flask, request
from flask_login import current_user
from flask_wtf.csrf import generate_csrf

from portal import money
from portal.config import Settings
from portal.web.pages import form_key, static_url

THEMES = {"light", "dark"}


def set_up(app: Flask, settings: Settings) -> None:
    app.jinja_env.globals.update(
        static_url=static_url,
        form_key=form_key,
        csrf_token=generate_csrf,
        newcomer_tools=settings.newcomer_tools,
        now=lambda: dt.datetime.now(dt.UTC),
    )
    app.jinja_env.filters.update(
        units=money.format_units,
        percent=money.format_bps,
        day=day,
        moment=moment,
        short_address=short_address,
        grouped=grouped,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def each_page() -> dict[str, Any]:
        theme = request.cookies.get("theme", "")
        return {"theme": theme if theme in THEMES else "", "has_artist": "artist" in current_user.roles}


def grouped(number: int) -> str:
    """1204 -> '1,204'."""
    return f"{number:,}"


def day(value: dt.datetime) -> str:
    """A date in words, UTC: '20 Nov 2026'."""
    return f"{value.astimezone(dt.UTC):%-d %b %Y}"


def moment(value: dt.datetime) -> str:
    """A time in words, UTC: '20 Nov 2026, 14:05 UTC'."""
    return f"{value.astimezone(dt.UTC):%-d %b %Y, %H:%M} UTC"


def short_address(address: str) -> str:
    """0x52908400098527886e0f7030069857d2e4169ee7 -> '0x5290…9ee7'."""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
