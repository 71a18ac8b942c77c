"""What a sign-in costs in CPU time, in units of one derivation of a key (PBKDF2, 100,000 rounds) of the same run."""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NoReturn

import pyotp
import pytest
from eth_account import Account as Key
from flask import Flask

from portal.accounts import second_factor, signatures
from portal.crypto import same
from portal.db import db
from tests import factories
from tests.accounts.steps import Jobs, SignIn, by_link, code, enrol, forget_steps
from tests.accounts.test_wallets import signed
from tests.conftest import Client

pytestmark = pytest.mark.bench
ROUNDS = 30
WIDE = 20
"""A sign-in that costs this many derivations would be a mistake, on whatever machine."""


def milliseconds(act: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median CPU time of this process: what other processes do meanwhile, the database too, is not in it."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        act()
        taken.append(time.process_time() - start)
    return statistics.median(taken) * 1000


def test_sign_in(
    live_app: Flask, client: Client, sign_in: SignIn, run_jobs: Jobs, capsys: pytest.CaptureFixture[str]
) -> None:
    many = {"sign_in_tries": 10**6, "code_tries": 10**6}
    live_app.config["SETTINGS"] = replace(live_app.config["SETTINGS"], **many)
    person = factories.person(db.session(), "mira@example.org").id
    db.session.remove()
    key: Any = Key.create()
    text = "AudiFi asks you to sign in.\n" * 20
    signature, address = signed(key, text), key.address.lower()
    assert signatures.proves(no_chain, address, text, signature)
    costs = {
        "a page without a person": milliseconds(lambda: client.get("/help")),
        "magic link, asked, mailed, opened, in": milliseconds(lambda: by_link(client, run_jobs)),
        "signature of a wallet": milliseconds(lambda: signatures.proves(no_chain, address, text, signature)),
    }
    enrol(client, person)
    totp = pyotp.TOTP(pyotp.random_base32())
    costs["a code alone"] = milliseconds(lambda: same(totp.now(), "000000"))
    costs["a code, accepted once"] = milliseconds(lambda: _code(client, person))
    yardstick = milliseconds(lambda: hashlib.pbkdf2_hmac("sha256", b"word", b"salt", 100_000))
    with capsys.disabled():
        print(f"\nsign-in, CPU against {yardstick:.1f} ms of PBKDF2: ", end="")
        print("; ".join(f"{name} {spent:.2f} ms, ratio {spent / yardstick:.3f}" for name, spent in costs.items()))
    assert second_factor.codes_left(db.session(), person) == second_factor.CODES
    assert max(costs.values()) < WIDE * yardstick


def no_chain() -> NoReturn:
    raise AssertionError("a key's own signature asks no chain")


def _code(client: Client, person: Any) -> None:
    answer = client.post("/login/again", data={"code": code(person)})
    assert answer.status_code == 303
    forget_steps(person)
