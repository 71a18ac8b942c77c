"""The platform's contracts are put on the chain once."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.chain import bootstrap
from portal.chain import signer as signers
from portal.chain.abi import decode_result, encode_call
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client
from portal.chain.models import ChainTransaction
from portal.chain.signer import Role
from tests.onchain import as_worker


def test_a_second_run_finds_what_is_there(live_app: Flask, contracts: Contracts, session: Session) -> None:
    sent = session.scalar(sa.select(sa.func.count()).select_from(ChainTransaction))
    with as_worker(live_app):
        assert bootstrap.ensure(live_app) == contracts == bootstrap.known()
    assert session.scalar(sa.select(sa.func.count()).select_from(ChainTransaction)) == sent


def test_factory_knows_roles_and_currency(live_app: Flask, contracts: Contracts, onchain: Client) -> None:
    settings = live_app.config["SETTINGS"]

    def ask(function: str, *args: object) -> object:
        data = onchain.call(contracts.factory, encode_call("Factory", function, args))
        return decode_result("Factory", function, data)[0]

    for function, role in (("operator", Role.OPERATOR), ("treasury", Role.TREASURY), ("permitSigner", Role.PERMIT)):
        assert ask(function) == signers.of_role(settings, role).address
    assert ask("isCurrency", contracts.stablecoin) is True
    assert ask("isDepositor", signers.of_role(settings, Role.TREASURY).address) is True
