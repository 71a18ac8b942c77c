"""Wallets as a way in and as the place that money goes to."""

from __future__ import annotations

import datetime as dt
import html
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from eth_abi.abi import encode as abi_encode
from eth_account import Account as Key
from eth_account.messages import encode_defunct
from flask import Flask
from sqlalchemy.orm import Session
from web3 import Web3

from portal import mail
from portal.accounts import wallets, ways
from portal.accounts.models import User, UserSession, UserWallet
from portal.accounts.service import link_wallet
from portal.accounts.sign_in_models import SiweNonce, WalletChange
from portal.audit.models import AuditLog, SecurityEvent
from portal.chain.signer import FUNDER_INDEX, of_dev_account
from portal.db import db
from portal.errors import Conflict, NotFound
from tests import factories
from tests.accounts.steps import Jobs, SignIn, by_link, code, enrol, forget_steps, last_mail
from tests.chain_fixture import Chain
from tests.conftest import Client, browser

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
CONTRACT = Path(__file__).parent / "ContractWallet.vy"


@pytest.fixture
def key() -> Any:
    return Key.create()


@pytest.fixture
def person(session: Session) -> User:
    return factories.person(session, "mira@example.org")


def message(client: Client, address: str, base: str = "/login/wallet") -> str:
    """What the wallet is asked to sign."""
    page = client.post(f"{base}/sign", data={"address": address, "next": "/vstudio"})
    assert page.status_code == 200, page.text
    found = re.search(r'name="message" value="([^"]+)"', page.text)
    assert found
    return html.unescape(found[1])


def signed(key: Any, text: str) -> str:
    return "0x" + bytes(key.sign_message(encode_defunct(text=text)).signature).hex()


def give(client: Client, text: str, signature: str, base: str = "/login/wallet") -> Any:
    fields = {"message": text.replace("\n", "\r\n"), "signature": signature, "next": "/vstudio"}
    return client.post(base, data=fields)


def use(client: Client, key: Any, base: str = "/login/wallet") -> Any:
    text = message(client, key.address, base)
    return give(client, text, signed(key, text), base)


def in_(client: Client) -> bool:
    return client.get("/api/v2/me").status_code == 200


def new_person_by_wallet(client: Client, key: Any, run_jobs: Jobs) -> None:
    assert use(client, key).location == "/login/email"
    assert client.post("/login/email", data={"email": "mira@example.org"}).location == "/login/check-mail"
    run_jobs()
    found = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert found
    assert client.post(found.group()).status_code == 303


def test_a_first_sign_in_asks_for_an_address(client: Client, key: Any, run_jobs: Jobs, app: Flask) -> None:
    """Rules: a first wallet sign-in asks for an e-mail; from then on the wallet alone signs in."""
    new_person_by_wallet(client, key, run_jobs)
    page = client.get("/me/wallets").text
    assert key.address.lower() in page
    assert "primary: money goes here" in page
    other = browser(app)
    answer = use(other, key)
    assert (answer.status_code, answer.location) == (303, "/vstudio")
    assert other.get("/api/v2/me").json["email"] == "mira@example.org"
    actions = set(db.session().scalars(sa.select(AuditLog.action)))
    assert {"link_wallet", "add_way_in", "sign_in"} <= actions


def test_a_wallet_is_linked_only_in_the_browser_that_proved_it(
    client: Client, key: Any, run_jobs: Jobs, app: Flask, person: User
) -> None:
    """Promise 61: who types somebody else's address gets nothing when that person opens the link elsewhere."""
    assert use(client, key).location == "/login/email"
    client.post("/login/email", data={"email": "mira@example.org"})
    run_jobs()
    victim = browser(app)
    link = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert link
    assert victim.post(link.group()).status_code == 303
    assert db.session().scalars(sa.select(UserWallet)).all() == []
    assert use(browser(app), key).location == "/login/email"


def refused(client: Client, text: str, signature: str) -> bool:
    answer = give(client, text, signature)
    return answer.status_code == 422 and "Error: " in answer.text and not in_(client)


def high_s(signature: str) -> str:
    """The same signature in its other, malleable form."""
    raw = bytes.fromhex(signature[2:])
    s = ORDER - int.from_bytes(raw[32:64], "big")
    return "0x" + (raw[:32] + s.to_bytes(32, "big") + bytes([27 + 28 - raw[64]])).hex()


CASES: dict[str, tuple[Any, str]] = {
    "domain": ("localhost wants", "evil.example wants"),
    "uri": ("/login\n", "/elsewhere\n"),
    "chain": ("Chain ID: 31337", "Chain ID: 1"),
    "statement": ("moves nothing", "moves everything"),
    "future": ("Issued At: 2", "Issued At: 3"),
    "no end": (re.compile(r"\nExpiration Time: .*"), ""),
    "nonce": (re.compile(r"Nonce: .*"), "Nonce: 0123456789abcdef"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_changed_message_is_refused(client: Client, key: Any, case: str) -> None:
    """Promise 61: whatever was changed before the wallet signed it.

    The statement is free text of the wallet's owner: it may differ, the checked fields may not.
    """
    part, instead = CASES[case]
    text = message(client, key.address)
    changed = part.sub(instead, text) if isinstance(part, re.Pattern) else text.replace(part, instead)
    assert changed != text
    if case == "statement":
        assert give(client, changed, signed(key, changed)).location == "/login/email"
    else:
        assert refused(client, changed, signed(key, changed))


def test_a_signature_is_good_once(client: Client, key: Any, node: None) -> None:
    """Promise 61: the nonce is used once, by a wrong signature too, and in the browser that asked."""
    text = message(client, key.address)
    elsewhere = browser(client.application)
    assert refused(elsewhere, text, signed(key, text))
    assert give(client, text, signed(key, text)).location == "/login/email"
    assert refused(client, text, signed(key, text))
    text = message(client, key.address)
    assert refused(client, text, signed(Key.create(), text))
    assert refused(client, text, signed(key, text))
    kinds = db.session().scalars(sa.select(SecurityEvent.event_type)).all()
    assert len(kinds) == 4


def test_a_message_runs_out(client: Client, key: Any) -> None:
    """Promise 61."""
    text = message(client, key.address)
    db.session().execute(sa.update(SiweNonce).values(expires_at=sa.func.now()))
    db.session.commit()
    assert refused(client, text, signed(key, text))


def test_malleable_and_misspelt_signatures(client: Client, key: Any, node: None) -> None:
    """Promise 61: one signature has one spelling."""
    spellings = [
        high_s,
        lambda s: s[:-2] + f"{int(s[-2:], 16) - 27:02x}",
        lambda s: s[:-2],
        lambda s: s + "00",
        lambda s: s[2:],
        lambda s: "0x" + "00" * 65,
        lambda s: "",
        lambda s: "0x" + "zz" * 65,
    ]
    for spell in spellings:
        text = message(client, key.address)
        assert refused(client, text, spell(signed(key, text))), spell


@pytest.mark.parametrize("address", ["", "nobody", "0x12", "0x52908400098527886e0F7030069857D2E4169EE7", "x" * 5000])
def test_addresses_that_are_none(client: Client, address: str) -> None:
    answer = client.post("/login/wallet/sign", data={"address": address})
    assert answer.status_code == 422
    assert "Error: " in answer.text


@pytest.fixture
def node(chain: Chain, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal has a chain to ask."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], rpc_url=chain.rpc_url))


@pytest.fixture
def contract(chain: Chain, node: None, key: Any) -> str:
    """A contract wallet that obeys `key`, on the chain that the portal asks."""
    from vyper import compile_code

    code = compile_code(CONTRACT.read_text(), output_formats=["bytecode"])["bytecode"]
    payer = of_dev_account(FUNDER_INDEX)
    transaction = {
        "type": 2,
        "chainId": 31337,
        "nonce": chain.w3.eth.get_transaction_count(Web3.to_checksum_address(payer.address)),
        "gas": 1_000_000,
        "maxFeePerGas": 10**11,
        "maxPriorityFeePerGas": 10**9,
        "value": 0,
        "data": code + abi_encode(["address"], [key.address]).hex(),
    }
    raw, tx_hash = payer.sign_transaction(transaction)
    chain.w3.eth.send_raw_transaction(raw)  # type: ignore[arg-type]
    return str(chain.w3.eth.wait_for_transaction_receipt(tx_hash)["contractAddress"])  # type: ignore[arg-type]


def test_contract_wallets_answer_for_themselves(client: Client, contract: str, key: Any) -> None:
    """Promise 61: EIP-1271 by eth_call, right and wrong."""
    text = message(client, contract)
    assert refused(client, text, signed(Key.create(), text))
    text = message(client, contract)
    assert refused(client, text, "0x1234")
    text = message(client, contract)
    assert give(client, text, signed(key, text)).location == "/login/email"


def test_a_contract_cannot_be_asked_while_the_chain_is_away(client: Client, key: Any) -> None:
    text = message(client, key.address)
    assert give(client, text, signed(Key.create(), text)).status_code == 503
    text = message(client, key.address)
    assert give(client, text, signed(key, text)).location == "/login/email"


def test_linking_and_signing_in_by_several(
    client: Client, key: Any, app: Flask, run_jobs: Jobs, session: Session
) -> None:
    by_link(client, run_jobs)
    keys = [key, Key.create()]
    for one in keys:
        assert use(client, one, "/me/wallets/link").location == "/vstudio"
    for one in keys:
        other = browser(app)
        assert use(other, one).status_code == 303
        assert in_(other)
    stranger = browser(app)
    by_link(stranger, run_jobs, "stranger@example.org")
    assert use(stranger, key, "/me/wallets/link").status_code == 409


def test_the_second_factor_is_asked_after_a_wallet_too(client: Client, key: Any, app: Flask, run_jobs: Jobs) -> None:
    new_person_by_wallet(client, key, run_jobs)
    user_id = db.session().scalars(sa.select(User.id)).one()
    enrol(client, user_id)
    other = browser(app)
    assert use(other, key).location == "/login/code"
    assert not in_(other)
    other.post("/login/code", data={"code": code(user_id)})
    assert in_(other)


# --- where money goes -------------------------------------------------------------------------------------


@pytest.fixture
def two(session: Session, person: User) -> list[UserWallet]:
    """The person has a primary wallet and another one."""
    made = [link_wallet(session, person.id, Key.create().address, "31337", "") for _ in range(2)]
    session.commit()
    return made


def primary(session: Session) -> str:
    return session.scalars(sa.select(UserWallet.wallet_address).where(UserWallet.is_primary)).one()


def test_another_primary_wallet_waits_and_is_told(
    client: Client, person: User, two: list[UserWallet], sign_in: SignIn, run_jobs: Jobs, app: Flask
) -> None:
    """Rules: a change of where money goes has a cool-off and a notice, and can be stopped."""
    old, new = (w.wallet_address for w in two)
    new_id = two[1].id
    sign_in(client, person)
    assert client.post(f"/me/wallets/{new_id}/primary").location == "/me/wallets"
    assert client.post(f"/me/wallets/{new_id}/primary").status_code == 409
    run_jobs()
    assert last_mail()["subject"] == "Your money will go to another wallet"
    assert new in str(last_mail()["text"])
    assert primary(db.session()) == old
    assert client.post("/me/wallets/stop").location == "/me/wallets"
    client.post(f"/me/wallets/{new_id}/primary")
    change = db.session().scalars(sa.select(WalletChange).where(WalletChange.cancelled_at.is_(None))).one()
    assert change.effective_at - dt.datetime.now(dt.UTC) > dt.timedelta(hours=23)
    wallets.apply_change(change.id)
    assert primary(db.session()) == old
    db.session().execute(sa.update(WalletChange).values(effective_at=sa.func.now()))
    db.session.commit()
    for _ in range(2):
        wallets.apply_change(change.id)
    assert primary(db.session()) == new
    run_jobs()
    assert "Your money goes to another wallet" in {m["subject"] for m in mail.kept(app.config["SETTINGS"])}
    actions = db.session().scalars(sa.select(AuditLog.action)).all()
    assert actions.count("change_primary_wallet") == 1
    assert {"ask_primary_wallet", "stop_primary_wallet"} <= set(actions)


def test_money_moves_only_with_a_second_factor_and_a_fresh_proof(
    client: Client, person: User, two: list[UserWallet], sign_in: SignIn, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Promise 47 and rules.md: second factor, step-up of at most five minutes, cool-off."""
    monkeypatch.setitem(app.config, "SETTINGS", replace(app.config["SETTINGS"], bind="0.0.0.0:5000"))
    path = f"/me/wallets/{two[1].id}/primary"
    sign_in(client, person)
    assert client.post(path).location == "/me/security/authenticator?next=/me/security"
    enrol(client, person.id)
    db.session().execute(
        sa.update(UserSession).values(step_up_at=sa.func.now() - dt.timedelta(minutes=5, seconds=1))
    )
    db.session.commit()
    here = {"Referer": "http://localhost/me/wallets"}
    assert client.post(path, headers=here).location == "/login/again?next=/me/wallets"
    assert db.session().scalars(sa.select(WalletChange)).all() == []
    client.post("/login/again", data={"code": code(person.id), "next": "/me/wallets"})
    assert client.post(path).location == "/me/wallets"
    forget_steps(person.id)


def test_the_primary_wallet_stays(person: User, two: list[UserWallet], session: Session) -> None:
    first, second = (w.id for w in two)
    with pytest.raises(Conflict):
        wallets.unlink(person.id, first)
    wallets.unlink(person.id, second)
    assert db.session().scalars(sa.select(UserWallet.id)).all() == [first]
    with pytest.raises(NotFound):
        wallets.rename(factories.person(db.session()).id, first, "Mine")


def test_an_unlinked_wallet_no_longer_signs_in(client: Client, key: Any, run_jobs: Jobs, app: Flask) -> None:
    by_link(client, run_jobs)
    for one in (Key.create(), key):
        use(client, one, "/me/wallets/link")
    wallet_id = db.session().scalars(sa.select(UserWallet.id).where(sa.not_(UserWallet.is_primary))).one()
    assert client.post(f"/me/wallets/{wallet_id}/unlink").location == "/me/wallets"
    assert use(browser(app), key).location == "/login/email"


# --- ways in ----------------------------------------------------------------------------------------------


def test_the_last_way_in_stays(session: Session, person: User) -> None:
    only = ways.of(session, person.id)
    assert [w.removable for w in only] == [False]
    with pytest.raises(Conflict):
        ways.unlink(person.id, only[0].id)


def test_ways_are_one_s_own(client: Client, run_jobs: Jobs, key: Any, person: User, session: Session) -> None:
    by_link(client, run_jobs, "stranger@example.org")
    way = ways.of(db.session(), person.id)[0].id
    assert client.post(f"/me/security/ways/{way}/remove").status_code == 404
    assert client.post(f"/me/security/ways/{way}/contact").status_code == 404


def test_another_address_is_added_by_its_own_link(client: Client, run_jobs: Jobs, app: Flask) -> None:
    by_link(client, run_jobs)
    assert client.post("/me/security", data={"email": "second@example.org"}).location == "/me/security"
    run_jobs()
    found = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert found
    stranger = browser(app)
    assert stranger.get(found.group()).status_code == 403
    assert stranger.post(found.group()).status_code == 410
    assert "Add" in client.get(found.group()).text
    assert client.post(found.group()).location == "/me/security"
    other = browser(app)
    by_link(other, run_jobs, "second@example.org")
    assert other.get("/api/v2/me").json["email"] == "mira@example.org"
    user_id = db.session().scalars(sa.select(User.id)).one()
    second = next(w for w in ways.of(db.session(), user_id) if w.name == "second@example.org")
    client.post(f"/me/security/ways/{second.id}/contact")
    assert client.get("/api/v2/me").json["email"] == "second@example.org"
    first = next(w for w in ways.of(db.session(), user_id) if w.name == "mira@example.org")
    assert client.post(f"/me/security/ways/{first.id}/remove").location == "/me/security"
    assert [w.name for w in ways.of(db.session(), user_id)] == ["second@example.org"]


def test_an_address_in_use_is_not_added(client: Client, run_jobs: Jobs, app: Flask, person: User) -> None:
    by_link(client, run_jobs, "other@example.org")
    client.post("/me/security", data={"email": "mira@example.org"})
    run_jobs()
    found = re.search(r"/login/[0-9a-f]{64}", str(last_mail()["text"]))
    assert found
    assert client.post(found.group()).status_code == 409
