"""A master whose two contracts stand on the chain, as the launch job would leave it; and the indexer's rows."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from flask import Flask
from sqlalchemy.orm import Session

from portal.chain import following, sender
from portal.chain import signer as signers
from portal.chain.abi import DecodedLog, MalformedLog, decode_log, decode_result, encode_call, record_key
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client, connect
from portal.chain.sender import Call
from portal.chain.signer import Role
from portal.masters.enums import DividendDistributionModel
from portal.masters.models import DividendContract, Master, MasterContract
from tests import factories
from tests.onchain import as_worker
from tests.revenue.helpers import CHAIN

DEMO = 1
"""The demo wallet that plays the artist; fans are the ones after it."""


@dataclass
class Recording:
    """A master with its contracts' addresses."""

    master: Master
    shares: str
    dividends: str


def run(app: Flask, call: Call, signer: signers.Signer) -> list[DecodedLog]:
    """Send a call and wait for it; returns the logs that are ours."""
    purpose = f"test:{uuid.uuid4()}"
    with as_worker(app):
        sender.send(purpose, call, signer)
        return decoded(following.wait(purpose).logs)


def decoded(logs: list[dict[str, object]]) -> list[DecodedLog]:
    found = []
    for raw in logs:
        try:
            found.append(decode_log(raw))
        except MalformedLog:
            continue
    return found


def wallet(number: int) -> str:
    return signers.of_dev_account(number).address


def deploy(app: Flask, session: Session, contracts: Contracts, supply: int = 10) -> Recording:
    """A master on sale at 1 wei a share, without a permit."""
    master = factories.master(session, total_supply=supply)
    terms = (wallet(DEMO), "0x" + "0" * 40, 1, supply, 0, 0, 1000, 300, 200, 100, 250, False)
    arguments = (record_key(master.id), terms, "Master", "AF", "https://example.org/")
    operator = signers.of_role(app.config["SETTINGS"], Role.OPERATOR)
    made = run(app, Call(contracts.factory, encode_call("Factory", "createMaster", arguments)), operator)
    block = made[0].block_number
    client = connect(app.config["SETTINGS"])
    answer = client.call(contracts.factory, encode_call("Factory", "predictMaster", arguments[:1]))
    shares, dividends = decode_result("Factory", "predictMaster", answer)
    rows = [
        MasterContract(
            master_id=master.id,
            chain_id=CHAIN,
            contract_address=shares,
            deployed_at_block=block,
            contract_total_supply=supply,
        ),
        DividendContract(
            master_id=master.id,
            distribution_model=DividendDistributionModel.PER_MASTER,
            chain_id=CHAIN,
            contract_address=dividends,
            linked_master_contract=shares,
            deployed_at_block=block,
        ),
    ]
    session.add_all(rows)
    session.commit()
    return Recording(master, shares, dividends)


def mint(app: Flask, recording: Recording, who: int, quantity: int) -> None:
    call = Call(recording.shares, encode_call("MasterShares", "mint", (quantity,)), quantity)
    run(app, call, signers.of_dev_account(who))


def ask(client: Client, address: str, contract: str, function: str, *arguments: object) -> tuple[object, ...]:
    answer = client.call(address, encode_call(contract, function, arguments))
    return decode_result(contract, function, answer, len(arguments))


def finalize(client: Client) -> None:
    """Let what was sent become final."""
    for _ in range(4):
        client.request("evm_mine")
