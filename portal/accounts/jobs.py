"""Mails about signing in."""

from __future__ import annotations

import uuid

from flask import current_app

from portal import mail
from portal.accounts.models import MagicLinkToken
from portal.accounts.service import link_token
from portal.config import Settings
from portal.db import db
from portal.queue import job


@job("send_magic_link")
def send_magic_link(link_id: str) -> None:
    """Mail one sign-in link. Running twice sends the same link twice, which opens once."""
    settings: Settings = current_app.config["SETTINGS"]
    link = db.session().get(MagicLinkToken, uuid.UUID(link_id))
    if link is None or link.used_at is not None:
        return
    address = f"{settings.public_url}/login/{link_token(link.id, settings)}"
    minutes = settings.magic_link_seconds // 60
    text = (
        f"Somebody, hopefully you, asked to sign in to AudiFi as {link.email}.\n\n"
        f"Open this address within {minutes} minutes and press the button there:\n\n{address}\n\n"
        "It works once. If it was not you, do nothing: without the button nobody is signed in.\n"
    )
    mail.send(settings, link.email, "Your sign-in link for AudiFi", text)
