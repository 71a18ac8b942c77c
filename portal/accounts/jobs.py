"""Mails about signing in and about what happened to an account."""

from __future__ import annotations

import uuid

from flask import current_app

from portal import mail
from portal.accounts import forgetting, links, notices, wallets
from portal.accounts.enums import AccountStatus
from portal.accounts.models import MagicLinkToken, User
from portal.config import Settings
from portal.db import db
from portal.queue import job


@job("send_magic_link", urgent=True)
def send_magic_link(link_id: str) -> None:
    """Mail one sign-in link. Running twice sends the same link twice, which opens once."""
    settings: Settings = current_app.config["SETTINGS"]
    link = db.session().get(MagicLinkToken, uuid.UUID(link_id))
    token = links.token_of(link, settings) if link is not None and link.used_at is None else None
    if link is None or token is None:
        return
    subject, text = _words(link, f"{settings.public_url}/login/{token}", settings.magic_link_seconds // 60)
    mail.send(settings, link.email, subject, text)


def _words(link: MagicLinkToken, address: str, minutes: int) -> tuple[str, str]:
    """(subject, text) of a link's mail."""
    open_it = f"Open this address within {minutes} minutes and press the button there:\n\n{address}\n\nIt works once."
    if link.user_id is not None:
        return "Add this address to your AudiFi account", (
            f"Somebody, hopefully you, wants to sign in to AudiFi with {link.email} too.\n\n{open_it}"
            " If it was not you, do nothing: without the button the address is not added.\n"
        )
    return "Your sign-in link for AudiFi", (
        f"Somebody, hopefully you, asked to sign in to AudiFi as {link.email}.\n\n{open_it}"
        " If it was not you, do nothing: without the button nobody is signed in.\n"
    )


@job("send_account_notice")
def send_account_notice(user_id: str, kind: str, facts: dict[str, str]) -> None:
    """Tell a person what happened to their account. Running twice tells it twice."""
    settings: Settings = current_app.config["SETTINGS"]
    user = db.session().get(User, uuid.UUID(user_id))
    if user is None or user.status is AccountStatus.DELETED:
        return
    subject, text = notices.text_of(kind, facts, settings.public_url)
    mail.send(settings, facts.get("to") or user.email, subject, text)


@job("change_primary_wallet")
def change_primary_wallet(change_id: str) -> None:
    """A cool-off has ended. Running twice changes nothing twice."""
    wallets.apply_change(uuid.UUID(change_id))


@job("forget_sign_ins")
def forget_sign_ins() -> None:
    """Every hour, by the clock."""
    forgetting.forget()
