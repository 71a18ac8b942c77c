"""Log lines: JSON, one a line whatever was typed, with the request's id, and without secrets or addresses."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from portal.chain import sender
from portal.chain.client import Client
from portal.chain.sender import Call
from portal.chain.signer import of_dev_account
from portal.crypto import new_token, token_hash
from portal.crypto.keyring import Keyring
from portal.crypto.sealed import seal_at
from portal.logs import JsonLines, request_id
from tests.conftest import Client as Browser
from tests.factories import person
from tests.onchain import as_worker, onchain  # noqa: F401  (fixture)

ID = "story-of-one-request"


class Lines:
    """What the portal logged, as text and as objects."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def called(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.text.splitlines()) if line["event"] == event]


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines()
    handler = logging.StreamHandler(made.stream)
    handler.setFormatter(JsonLines("test"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield made
    root.removeHandler(handler)
    root.setLevel(level)


def line_of(message: str, **extra: Any) -> str:
    record = logging.makeLogRecord({"msg": message, "name": "test", "levelname": "INFO", **extra})
    return JsonLines("test").format(record)


# --- shape ------------------------------------------------------------------------------------------------


@given(st.text(), st.dictionaries(st.text(), st.text()))
def test_whatever_was_typed_stays_in_its_line(text: str, more: dict[str, str]) -> None:
    """Promise 79: one JSON object a line, whatever line breaks were typed."""
    line = line_of("%s", args=(text,), more=more)
    assert line.isascii()
    assert "\n" not in line
    assert "\r" not in line
    assert json.loads(line)["level"] == "info"


@pytest.mark.parametrize("value", [2**300, object(), b"\xff", {1: 2}, [float("nan")], (1, {"a": {2}})])
def test_any_value_can_be_logged(value: Any) -> None:
    assert json.loads(line_of("odd", value=value))["event"] == "odd"


def test_an_exception_is_part_of_its_line(lines: Lines) -> None:
    try:
        raise ValueError("mira@example.org\nforged line")
    except ValueError:
        logging.getLogger("portal.test").exception("it failed")
    (line,) = lines.called("it failed")
    assert "ValueError: (e-mail)\nforged line" in line["exception"]
    assert len(lines.text.splitlines()) == 1


# --- secrets ----------------------------------------------------------------------------------------------

TOKEN = new_token()
SEALED = seal_at(Keyring({"k1": b"k" * 32}), b"place", "seed")
CANARIES = {
    "mira@mail.example.org": "mira.o+x@mail.example.org",
    "mira.o%40": "https://x.example/?to=mira.o%40example.org",
    TOKEN: TOKEN,
    token_hash(TOKEN): f"/login/{token_hash(TOKEN)}",
    "hunter2": "postgresql+psycopg://audifi_app:hunter2hunter2@db:5432/audifi",
    "hunter2h": "redis://:hunter2hunter2@cache",
    "eyJhbGciOi": "Authorization: Bearer eyJhbGciOi.J9x.y-z",
    "hunter2hunter": "GET /oidc/callback?state=abc123&code=hunter2hunter2",
    SEALED: SEALED,
}
"""{what must not be seen: where it stands}"""
KEPT = [
    "0x" + "ab" * 32,
    "sha256:" + "ab" * 32,
    "5f0c1c0e-7a53-4c5b-8d59-0f2d7f1d8e11",
    "/api/v2/masters/5f0c1c0e-7a53-4c5b-8d59-0f2d7f1d8e11?sort=price",
    "portal.audit.sealing",
    "alert:5f0c1c0e-7a53-4c5b-8d59-0f2d7f1d8e11:webhook",
    "http://127.0.0.1:5000/",
]


@pytest.mark.parametrize("number", range(len(CANARIES)))
def test_a_secret_is_cut_out_wherever_it_stands(number: int) -> None:
    """Promise 79: tokens, links, passwords, addresses."""
    secret, value = list(CANARIES.items())[number]
    line = line_of(f"before {value} after", deep={"list": [value, {"why": f"'{value}'"}]}, args=())
    assert secret not in line
    assert "mira.o" not in line
    assert json.loads(line)["event"].startswith("before ")


@pytest.mark.parametrize("name", ["password", "access_token", "Cookie", "totp_secret", "signature", "email", "raw"])
def test_what_is_called_a_secret_is_masked(name: str) -> None:
    assert json.loads(line_of("x", deep={name: "plain words"}))["deep"] == {name: "(hidden)"}


@pytest.mark.parametrize("text", KEPT)
def test_what_helps_to_find_a_fault_stays(text: str) -> None:
    assert json.loads(line_of(text))["event"] == text


def test_a_database_error_shows_no_values(lines: Lines, session: Session) -> None:
    person(session, "mira@example.org")
    try:
        person(session, "mira@example.org")
    except sa.exc.IntegrityError:
        logging.getLogger("portal.test").exception("refused")
        session.rollback()
    (line,) = lines.called("refused")
    assert "uq_users_email" in line["exception"]
    assert "mira" not in lines.text


def test_signing_in_leaves_no_secret_in_the_log(
    live_app: Flask, client: Browser, run_jobs: Callable[[], int], lines: Lines
) -> None:
    """Promise 79: neither address nor link nor cookie, in a whole sign-in."""
    from portal import mail

    client.post("/login", data={"email": "mira@example.org"})
    run_jobs()
    link = str(mail.kept(live_app.config["SETTINGS"])[0]["text"]).split("/login/")[1].split()[0]
    client.post(f"/login/{link}")
    cookie = client.get_cookie(live_app.config["SESSION_COOKIE_NAME"])
    assert cookie is not None
    client.get("/api/v2/me")
    client.post("/logout")
    assert len(lines.called("request")) >= 2
    for secret in ("mira@example.org", link, cookie.value, client.csrf()):
        assert secret not in lines.text


# --- the thread through web, job and chain ----------------------------------------------------------------


def test_one_id_from_the_request_to_its_job(
    live_app: Flask, client: Browser, run_jobs: Callable[[], int], lines: Lines
) -> None:
    """Promise 79: the request's id is the job's."""
    answer = client.post("/login", data={"email": "mira@example.org"}, headers={"X-Request-Id": ID})
    assert answer.headers["X-Request-Id"] == ID
    run_jobs()
    assert [line["request_id"] for line in lines.called("request")] == [ID]
    assert {line["request_id"] for line in lines.called("job done")} == {ID}


def test_a_strange_id_is_replaced(client: Browser, lines: Lines) -> None:
    for strange in ("x", "a b c d e f g h", "<script>alert(1)</script>", "x" * 200):
        given_back = client.post("/login", data={}, headers={"X-Request-Id": strange}).headers["X-Request-Id"]
        assert given_back != strange
        assert len(given_back) == 32


def test_the_id_reaches_the_chain(onchain: Client, live_app: Flask, lines: Lines) -> None:  # noqa: F811
    """Promise 79: and the transaction's."""
    with as_worker(live_app), request_id.bound(ID):
        sent = sender.send("pay", Call("0x" + "ab" * 20, "0x", 7), of_dev_account(1))
    (line,) = lines.called("transaction sent")
    assert (line["request_id"], line["tx"], line["purpose"]) == (ID, sent.tx_hash, "pay")
