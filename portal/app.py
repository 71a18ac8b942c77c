"""The application: the only list of features, their blueprints, jobs and clocks."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from flask import Flask
from flask.helpers import get_debug_flag
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect

from portal import cli, live, versions
from portal.accounts.identity import login_manager
from portal.audit import context as audit_context
from portal.config import ROOT, Settings, SettingsError
from portal.db import ENGINE_OPTIONS, db, role_faults
from portal.web import answers, filters, headers, health, openapi, pages, peer, rates, sockets, uploads

FEATURES = (
    "audit",
    "files",
    "accounts",
    "subscriptions",
    "artists",
    "masters",
    "nfts",
    "tokens",
    "revenue",
    "vstudio",
    "webhooks",
    "chain",
    "indexer",
    "marketplace",
    "portfolio",
    "privacy",
    "dashboard",
    "admin",
)
"""Each may have models, api (blueprint `api`), views (blueprint `pages`), jobs and live (socket events)."""

BODY_BYTES = 1_000_000
csrf = CSRFProtect()
migrate = Migrate(directory=str(ROOT / "migrations"), compare_type=True)


def create_app(settings: Settings | None = None, database_url: str | None = None, *, serving: bool = True) -> Flask:
    """Build the application. Raises SettingsError with every fault at once when production may not start.

    `serving` is off for `flask db` alone, which works as the tables' owner.
    """
    settings = settings or Settings.from_env(os.environ)
    if faults := _faults(settings, serving):
        raise SettingsError("Production does not start like this:\n- " + "\n- ".join(faults))
    app = Flask("portal", template_folder=str(ROOT / "templates"), static_folder=None)
    app.config.from_mapping(_flask_config(settings, database_url or settings.database_url))
    db.init_app(app)
    migrate.init_app(app, db)
    audit_context.set_up(app)
    uploads.set_up(app)
    csrf.init_app(app)
    login_manager.init_app(app)
    peer.set_up(app, settings)
    headers.set_up(app, settings)
    answers.set_up(app)
    filters.set_up(app, settings)
    live.set_up(settings.redis_url)
    rates.set_up(app, settings)
    versions.set_up(app)
    _register_features(app)
    cli.register(app)
    return app


def _faults(settings: Settings, serving: bool) -> list[str]:
    """What speaks against serving, from the settings, from Flask's own and from the database."""
    faults = settings.faults()
    if settings.production and get_debug_flag():
        faults.append("FLASK_DEBUG is set: a visitor could run code")
    if settings.production and serving:
        urls = {url for url in (settings.database_url, settings.worker_database_url) if url}
        faults += [fault for url in sorted(urls) for fault in role_faults(url)]
    return faults


def _flask_config(settings: Settings, database_url: str) -> dict[str, Any]:
    https = settings.public_url.startswith("https://")
    return {
        "SETTINGS": settings,
        "SECRET_KEY": settings.secret_key,
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "TRUSTED_HOSTS": list(settings.trusted_hosts) or None,
        "MAX_CONTENT_LENGTH": BODY_BYTES,
        "MAX_FORM_MEMORY_SIZE": BODY_BYTES,
        "SESSION_COOKIE_NAME": "__Host-audifi" if https else "audifi",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": settings.session_absolute_seconds,
        "WTF_CSRF_TIME_LIMIT": None,
        "SQLALCHEMY_DATABASE_URI": database_url or "postgresql+psycopg://",
        "SQLALCHEMY_ENGINE_OPTIONS": ENGINE_OPTIONS,
    }


def _register_features(app: Flask) -> None:
    app.register_blueprint(pages.static_files)
    app.register_blueprint(health.health)
    app.register_blueprint(openapi.api)
    for feature in FEATURES:
        for part in ("models", "jobs", "live", "api", "views"):
            module = _part(feature, part)
            if part == "api" and module:
                app.register_blueprint(module.api, name=f"{feature}_api")
            if part == "views" and module:
                app.register_blueprint(module.pages)
                for extra in getattr(module, "more_pages", ()):
                    app.register_blueprint(extra)


def _part(feature: str, part: str) -> Any:
    """The module `portal.<feature>.<part>`, or None where the feature does not need it."""
    if not (ROOT / "portal" / feature / f"{part}.py").is_file():
        return None
    return import_module(f"portal.{feature}.{part}")


def with_sockets(app: Flask) -> Flask:
    """Add the live server: only the web processes need it."""
    live.socketio.init_app(
        app,
        async_mode=app.config.get("SOCKET_ASYNC_MODE", "gevent"),
        client_manager=live.Bus(app.config["SETTINGS"].redis_url) if app.config["SETTINGS"].redis_url else None,
        cors_allowed_origins=None,
        transports=["websocket"],
    )
    app.wsgi_app = headers.on_lines(app.wsgi_app, app.config["SETTINGS"])  # type: ignore[method-assign, assignment]
    sockets.watch(app)
    return app
