"""An EVM in the test's own process: the state that EthereumTester mined, run further without blocks.

Each `Evm` starts from that state and is thrown away with the test, so tests cannot see one another and
nothing has to be reverted. Transactions run through py-evm's own executor (intrinsic gas, warm and cold
access, refunds), unsigned and at no gas price: only the contracts move balances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from eth.abc import ComputationAPI
from eth.vm.message import Message
from eth.vm.spoof import SpoofTransaction
from eth_abi.abi import decode as abi_decode
from eth_tester import EthereumTester
from eth_utils import keccak, to_canonical_address

from portal.chain.abi import DecodedLog, decode_log, decode_result, encode_call, encode_deploy

GAS = 5_000_000
FUNDS = 10**24
START = 1_767_225_600  # where the clock stands at first, so that runs repeat
ERROR = bytes.fromhex("08c379a0")
NOBODY = b"\x11" * 20

canonical = cache(to_canonical_address)

def wallet(label: str) -> str:
    """A wallet without a key: senders need no signature here."""
    return "0x" + keccak(text=label)[-20:].hex()


@dataclass(frozen=True)
class Result:
    ok: bool
    output: bytes
    gas: int
    logs: list[DecodedLog]
    created: str

    @property
    def reason(self) -> str:
        """The text of a failed assertion; empty where the call succeeded or gave none."""
        if self.ok or not self.output.startswith(ERROR):
            return ""
        return str(abi_decode(["string"], self.output[4:])[0])

    def named(self, name: str) -> list[dict[str, Any]]:
        return [log.args for log in self.logs if log.name == name]


class Evm:
    def __init__(self, tester: EthereumTester) -> None:
        self.vm = tester.backend.chain.get_vm()
        self.state = self.vm.state
        self.state.execution_context._base_fee_per_gas = 0
        self.now = START
        self.logs: list[DecodedLog] = []
        self.raw_logs: list[dict[str, Any]] = []

    @property
    def now(self) -> int:
        return int(self.state.execution_context._timestamp)

    @now.setter
    def now(self, seconds: int) -> None:
        self.state.execution_context._timestamp = seconds

    @property
    def chain_id(self) -> int:
        return int(self.state.execution_context.chain_id)

    def balance(self, address: str) -> int:
        return int(self.state.get_balance(canonical(address)))

    def word(self, address: str, slot: int) -> int:
        return int(self.state.get_storage(canonical(address), slot))

    def poke(self, address: str, slot: int, word: int) -> None:
        self.state.set_storage(canonical(address), slot, word)

    def fund(self, address: str, amount: int = FUNDS) -> str:
        self.state.set_balance(canonical(address), amount)
        return address

    def send(self, sender: str, to: str, data: str = "0x", value: int = 0) -> Result:
        """One transaction; an empty `to` creates a contract. What the sender cannot pay for does not begin."""
        if value > self.balance(sender):
            return Result(False, b"", 0, [], "")
        transaction = self._transaction(sender, to, data, value)
        self.state.lock_changes()
        done = self.state.apply_transaction(transaction)
        gas = self.vm.finalize_gas_used(transaction, done)
        logs = [] if done.is_error else [self._decoded(*entry) for entry in done.get_log_entries()]
        self.logs += logs
        created = "" if to else "0x" + done.msg.storage_address.hex()
        return Result(not done.is_error, bytes(done.output), gas, logs, created)

    def look(self, to: str, data: str) -> ComputationAPI:
        """Run a call and undo it: the message alone, which is quicker than a transaction around it."""
        state, target = self.state, canonical(to)
        message = Message(GAS, target, NOBODY, 0, bytes.fromhex(data[2:]), state.get_code(target))
        before = state.snapshot()
        context = state.get_transaction_context_class()(gas_price=0, origin=NOBODY)
        done = state.computation_class.apply_message(state, message, context)
        state.revert(before)
        return done

    def create(self, sender: str, code: str) -> str:
        result = self.send(sender, "", code)
        assert result.ok, result.reason
        return result.created

    def deploy(self, sender: str, contract: str, *args: Any) -> str:
        return self.create(sender, encode_deploy(contract, args))

    def call(self, sender: str, to: str, contract: str, function: str, *args: Any, value: int = 0) -> Result:
        return self.send(sender, to, encode_call(contract, function, args), value)

    def view(self, to: str, contract: str, function: str, *args: Any) -> Any:
        """What a view returns: one value bare, several as a tuple."""
        done = self.look(to, encode_call(contract, function, args))
        assert not done.is_error, f"{function}{args} reverted: {bytes(done.output)!r}"
        values = decode_result(contract, function, "0x" + bytes(done.output).hex(), len(args))
        return values[0] if len(values) == 1 else values

    def _transaction(self, sender: str, to: str, data: str, value: int) -> SpoofTransaction:
        source = canonical(sender)
        unsigned = self.vm.create_unsigned_transaction(
            nonce=self.state.get_nonce(source),
            gas_price=0,
            gas=GAS,
            to=canonical(to) if to else b"",
            value=value,
            data=bytes.fromhex(data[2:]),
        )
        return SpoofTransaction(unsigned, from_=source)

    def _decoded(self, address: bytes, topics: list[int], data: bytes) -> DecodedLog:
        raw = {
            "address": "0x" + address.hex(),
            "topics": [f"0x{topic:064x}" for topic in topics],
            "data": "0x" + data.hex(),
            "blockNumber": hex(self.state.block_number),
            "blockHash": "0x" + "1" * 64,
            "transactionHash": "0x" + "2" * 64,
            "transactionIndex": "0x0",
            "logIndex": hex(len(self.raw_logs)),
        }
        self.raw_logs.append(raw)
        return decode_log(raw)
