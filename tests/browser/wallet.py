"""A wallet of the browser whose keys live in Python: it announces itself (EIP-6963), signs, and can be told to fail."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import requests
from eth_utils.address import to_checksum_address

from portal.chain.abi import encode_call
from portal.chain.signer import LocalSigner, of_dev_account
from tests.browser.people import Person

PAGE = """
(() => {
  const provider = { request: async ({ method, params }) => {
    const { result, error } = await window.askWallet(method, params || []);
    if (error) throw error;
    return result;
  } };
  const info = { uuid: "fake", rdns: "example.fake", name: "Fake",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'/>" };
  const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
  addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""
GAS = 500_000
Answer = dict[str, Any]


@dataclass
class Wallet:
    """`says` answers a method in place of the wallet or its node: {"error": …} or {"result": …}, or several of them
    in turn, of which the last one stays."""

    rpc_url: str
    signer: LocalSigner = field(default_factory=lambda: LocalSigner(os.urandom(32)))
    says: dict[str, Answer | list[Answer]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.signer.address

    def lives_in(self, person: Person) -> Wallet:
        person.page.expose_function("askWallet", self.ask)
        person.page.add_init_script(PAGE)
        return self

    def ask(self, method: str, params: list[Any]) -> Answer:
        if method in self.says:
            said = self.says[method]
            return (said.pop(0) if len(said) > 1 else said[0]) if isinstance(said, list) else said
        if method == "eth_requestAccounts":
            return {"result": [self.address]}
        if method == "personal_sign":
            return {"result": self.signer.sign_text(bytes.fromhex(params[0][2:]).decode())}
        if method == "eth_sendTransaction":
            asked = params[0]
            return {"result": self.send(asked["to"], asked["data"], int(asked["value"], 16))}
        return self.node(method, *params)

    def node(self, method: str, *params: Any) -> Answer:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer: Answer = requests.post(self.rpc_url, json=call, timeout=15).json()
        return answer

    def send(self, to: str, data: str = "0x", value: int = 0, signer: LocalSigner | None = None) -> str:
        """Sign and send; the hash."""
        signer = signer or self.signer
        count, chain = self.node("eth_getTransactionCount", signer.address, "pending"), self.node("eth_chainId")
        what = {
            "to": to_checksum_address(to), "data": data, "value": value, "gas": GAS, "type": 2,
            "nonce": int(count["result"], 16), "chainId": int(chain["result"], 16),
            "maxFeePerGas": 20 * 10**9, "maxPriorityFeePerGas": 10**9,
        }  # fmt: skip
        return str(self.node("eth_sendRawTransaction", signer.sign_transaction(what)[0])["result"])

    def is_given(self, wei: int, coin: str, units: int) -> Wallet:
        """Native coin from a rich account of the development chain, and demo coins out of nothing."""
        rich = of_dev_account(0)
        self.send(self.address, value=wei, signer=rich)
        self.send(coin, encode_call("Stablecoin", "faucet", (self.address, units)), signer=rich)
        return self
