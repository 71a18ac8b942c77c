"""What the tests of signing in do over and over."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import pyotp
import sqlalchemy as sa
from flask import current_app

from portal import mail
from portal.accounts.models import User
from portal.accounts.sign_in_models import SecondFactor
from portal.crypto.keyring import data_keys
from portal.crypto.sealed import unseal
from portal.db import db
from tests.conftest import Client

Jobs = Callable[[], int]
SignIn = Callable[[Client, User], str]


def last_mail() -> dict[str, object]:
    return mail.kept(current_app.config["SETTINGS"])[0]


def ask(client: Client, run_jobs: Jobs, email: str, **fields: str) -> str:
    """Ask for a link and read it from the mail: its path."""
    assert client.post("/login", data={"email": email, **fields}).status_code == 303
    run_jobs()
    found = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert found
    return found.group()


def by_link(client: Client, run_jobs: Jobs, email: str = "mira@example.org", **fields: str) -> str:
    """Sign in by a link; where it leads."""
    answer = client.post(ask(client, run_jobs, email, **fields))
    assert answer.status_code == 303
    return str(answer.location)


def code(user_id: uuid.UUID, steps: int = 0) -> str:
    """What the person's app shows now, or some steps later."""
    session = db.session()
    user = session.get_one(User, user_id)
    seed = unseal(data_keys(current_app.config["SETTINGS"]), User.two_factor_secret, user_id, user.two_factor_secret)
    session.rollback()
    return pyotp.TOTP(seed).at(int(time.time()) + 30 * steps)


def forget_steps(user_id: uuid.UUID) -> None:
    """As if the last code had been given long ago."""
    db.session().execute(sa.update(SecondFactor).where(SecondFactor.user_id == user_id).values(last_step=0))
    db.session.commit()


def enrol(client: Client, user_id: uuid.UUID) -> list[str]:
    """Turn the second factor on for whoever this browser is; their recovery codes."""
    assert client.post("/me/security/authenticator/start").status_code == 303
    page = client.post("/me/security/authenticator", data={"code": code(user_id)})
    assert page.status_code == 200, page.text
    forget_steps(user_id)
    return re.findall(r"[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}", page.text.split("data-copy")[0])
