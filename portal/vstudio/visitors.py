"""Who votes in this request: a person, or a visitor by the id in their signed cookie."""

from __future__ import annotations

from flask import current_app
from flask import session as cookie
from flask_login import current_user

from portal.crypto import keyed_hash, new_token, token_hash
from portal.vstudio.queries import Voter
from portal.web import peer


def voter() -> Voter:
    """The voter with the address as a keyed hash."""
    ip_hash = keyed_hash(current_app.config["SETTINGS"].secret_key, peer.address() or "")
    if current_user.is_authenticated:
        return Voter(user_id=current_user.user_id, ip_hash=ip_hash)
    return Voter(anonymous_id=anonymous_id(), ip_hash=ip_hash)


def anonymous_id() -> str:
    """A visitor's id: the hash of a random token in their signed cookie, made when it is first asked for."""
    if "voter" not in cookie:
        cookie["voter"] = new_token()
    return token_hash(str(cookie["voter"]))
