"""Mails that tell a person what happened to their account: written beside the change, sent by a job."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import outbox
from portal.accounts.devices import words
from portal.accounts.models import UserSession
from portal.accounts.sign_in_models import Preferences
from portal.audit.context import actor

TEXTS: dict[str, tuple[str, str]] = {
    "signed_in": ("A new sign-in to AudiFi", "Your account was opened in a browser that was not used before."),
    "second_factor_on": ("Your second factor is on", "From now on, signing in asks for a code from your phone."),
    "second_factor_off": ("Your second factor is off", "Signing in no longer asks for a code from your phone."),
    "recovery_codes_new": ("New recovery codes", "New recovery codes were made. The old ones no longer work."),
    "recovery_code_used": ("A recovery code was used", "A recovery code was used. {left} of 10 are left."),
    "way_added": ("A new way to sign in", "{way} can now sign in to your account."),
    "way_removed": ("A way to sign in was removed", "{way} no longer signs in to your account."),
    "wallet_asked": (
        "Your money will go to another wallet",
        "{wallet} becomes your primary wallet on {when}. Until then nothing changes, and you can stop it.",
    ),
    "wallet_stopped": ("The change of wallet was stopped", "Your primary wallet stays {wallet}."),
    "suspended": ("Your AudiFi account was suspended", "AudiFi suspended your account: {reason}"),
    "reactivated": ("Your AudiFi account is open again", "You can sign in again as before: {site}/login"),
    "export_ready": ("Your data is ready", "The copy of your data waits for {days} days: {site}/me/data"),
    "deletion_asked": (
        "Your AudiFi account will be deleted",
        "Your account will be deleted on {when}. Sign in before that day, and it stays as it is: {site}/login",
    ),
    "deletion_taken_back": ("Your AudiFi account stays", "You signed in, so your account is not deleted."),
    "wallet_changed": ("Your money goes to another wallet", "{wallet} is your primary wallet from now on."),
}
"""Kind -> (subject, first sentence), filled with the notice's facts."""


def notify(session: Session, user_id: uuid.UUID, kind: str, **facts: str) -> None:
    """Tell a person by mail, inside the caller's transaction; the device of this request is named."""
    who = actor()
    facts |= {"device": words(who.user_agent), "address": who.ip_address or ""}
    payload = {"user_id": str(user_id), "kind": kind, "facts": facts}
    outbox.add(session, "send_account_notice", payload, dedupe=f"account-notice:{uuid.uuid4()}")


def tell(session: Session, user_id: uuid.UUID, kind: str, **facts: str) -> None:
    """The same about what AudiFi did: no device is named, least of all that of staff."""
    payload = {"user_id": str(user_id), "kind": kind, "facts": facts}
    outbox.add(session, "send_account_notice", payload, dedupe=f"account-notice:{uuid.uuid4()}")


def notify_of_new_browser(session: Session, user_id: uuid.UUID) -> None:
    """A sign-in from a browser that this person has not used before; the first one of all is no news."""
    wanted = session.scalar(sa.select(Preferences.mail_on_sign_in).where(Preferences.user_id == user_id))
    if wanted is False:
        return
    agents = set(
        session.scalars(
            sa.select(UserSession.user_agent).where(
                UserSession.user_id == user_id, sa.not_(UserSession.waits_for_code)
            )
        )
    )
    if agents and actor().user_agent not in agents:
        notify(session, user_id, "signed_in")


def text_of(kind: str, facts: dict[str, str], site: str) -> tuple[str, str]:
    """(subject, body) of a notice; `site` is the portal's public address."""
    subject, sentence = TEXTS[kind]
    said = sentence.format(**facts, site=site)
    if "device" not in facts:
        return subject, f"{said}\n\nAnswer this mail if you have a question.\n"
    where = f"{facts['device']}, address {facts['address']}" if facts.get("address") else facts["device"]
    return subject, (
        f"{said}\n\nDone from: {where}\n\n"
        f"If this was not you, open {site}/me/security now, end the other sessions and remove what you do not know.\n"
    )
