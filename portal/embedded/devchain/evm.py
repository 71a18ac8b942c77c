"""py-evm, driven block by block: executes transactions, calls and gas estimates on the store's state."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rlp
from eth.constants import BLANK_ROOT_HASH, POST_MERGE_DIFFICULTY, POST_MERGE_NONCE, ZERO_ADDRESS
from eth.db.atomic import AtomicDB
from eth.db.trie import make_trie_root_and_nodes
from eth.exceptions import Revert
from eth.vm.chain_context import ChainContext
from eth.vm.forks.prague import PragueVM
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.spoof import SpoofTransaction
from eth_utils.exceptions import ValidationError

from portal.embedded.devchain import CHAIN_ID
from portal.embedded.devchain.store import Nodes

GAS_LIMIT = 60_000_000
FIRST_BASE_FEE = 10**9
Header = Any
Transaction = Any
Receipt = Any


class Refused(Exception):
    """A transaction or call that the chain does not take; the text is what a node answers."""


class Failed(Refused):
    """A call that ran and failed; `data` is what the contract said, None if it was no revert."""

    def __init__(self, message: str, data: bytes | None) -> None:
        super().__init__(message)
        self.data = data


@dataclass(frozen=True)
class Call:
    """A call or an estimate: addresses of 20 bytes (`to` empty: create), value in wei."""

    sender: bytes = ZERO_ADDRESS
    to: bytes = b""
    value: int = 0
    data: bytes = b""
    gas: int = GAS_LIMIT


@dataclass(frozen=True)
class Outcome:
    """What a call gave: its output, and the gas limit it needed, refunds not counted."""

    output: bytes
    gas: int


@dataclass(frozen=True)
class Built:
    """A block that was executed but not stored."""

    header: Header
    transactions: Sequence[Transaction]
    receipts: Sequence[Receipt]


class _Database:
    """The part of py-evm's chain database that a VM needs: the state nodes."""

    def __init__(self, nodes: Any) -> None:
        self.db = AtomicDB(nodes)


class Evm:
    """Executes on the state in `nodes`; `hashes_below(number)` gives ancestors' hashes, newest first."""

    def __init__(self, nodes: Nodes, hashes_below: Callable[[int], Iterable[bytes]]) -> None:
        ancestors = property(lambda machine: hashes_below(machine.get_header().block_number))
        self._vm: Any = type("Vm", (PragueVM,), {"previous_hashes": ancestors})
        self._database = _Database(nodes)
        self._context = ChainContext(CHAIN_ID)
        self._read: tuple[bytes, Any] = (b"", None)

    def genesis(self, timestamp: int, balances: Mapping[bytes, int]) -> Header:
        """Block 0, whose state holds `balances` (wei by address)."""
        blank = self._header(None, timestamp).copy(state_root=BLANK_ROOT_HASH)
        state = self._machine(blank).state
        for address, balance in balances.items():
            state.set_balance(address, balance)
        state.persist()
        return blank.copy(state_root=state.state_root)

    def _header(self, parent: Header | None, timestamp: int) -> Header:
        first = {} if parent else {"nonce": POST_MERGE_NONCE, "base_fee_per_gas": FIRST_BASE_FEE}
        header = self._vm.create_header_from_parent(
            parent, timestamp=timestamp, gas_limit=GAS_LIMIT, difficulty=POST_MERGE_DIFFICULTY,
            coinbase=ZERO_ADDRESS, **first,
        )  # fmt: skip
        return header.copy(mix_hash=os.urandom(32))

    def next_header(self, parent: Header, timestamp: int) -> Header:
        """An empty header after `parent`, with the base fee that follows from it (EIP-1559)."""
        return self._header(parent, timestamp)

    def state(self, header: Header) -> Any:
        """The state as of `header`, to read from only; kept until another block's is asked for."""
        if self._read[0] != header.state_root:
            self._read = (header.state_root, self._machine(header).state)
        return self._read[1]

    def _machine(self, header: Header) -> Any:
        return self._vm(header, self._database, self._context, None)

    def decode(self, raw: bytes) -> Transaction:
        """A signed transaction from its bytes; raises Refused."""
        try:
            transaction = self._vm.get_transaction_builder().decode(raw)
            transaction.check_signature_validity()
            transaction.sender  # noqa: B018 - recovers the sender, which may fail
        except Exception as error:
            raise Refused(f"invalid transaction: {error}") from error
        if transaction.chain_id not in (CHAIN_ID, None):
            raise Refused(f"invalid chain id for signer: have {transaction.chain_id} want {CHAIN_ID}")
        return transaction

    def check(self, transaction: Transaction, header: Header) -> None:
        """Raise Refused, in a node's words, unless the transaction may enter a block like `header` at some nonce."""
        if transaction.gas > header.gas_limit:
            raise Refused("exceeds block gas limit")
        if transaction.gas < transaction.intrinsic_gas:
            raise Refused(f"intrinsic gas too low: gas {transaction.gas}, minimum needed {transaction.intrinsic_gas}")
        if transaction.max_fee_per_gas < header.base_fee_per_gas:
            raise Refused(
                f"max fee per gas less than block base fee: maxFeePerGas: {transaction.max_fee_per_gas},"
                f" baseFee: {header.base_fee_per_gas}"
            )
        cost = transaction.value + transaction.gas * transaction.max_fee_per_gas
        if (balance := self.state(header).get_balance(transaction.sender)) < cost:
            raise Refused(f"insufficient funds for gas * price + value: balance {balance}, tx cost {cost}")

    def build(self, parent: Header, timestamp: int, candidates: Iterable[Transaction]) -> Built:
        """Execute the candidates in order on top of `parent`, leaving out those that cannot be in the block."""
        header = self._header(parent, timestamp)
        machine = self._machine(header)
        transactions, receipts = [], []
        for transaction in candidates:
            try:
                receipt, _ = machine.apply_transaction(header, transaction)
            except ValidationError:
                continue
            header = machine.add_receipt_to_header(header, receipt)
            transactions.append(transaction)
            receipts.append(receipt)
        machine.state.persist()
        header = header.copy(
            state_root=machine.state.state_root,
            transaction_root=make_trie_root_and_nodes(transactions)[0],
            receipt_root=make_trie_root_and_nodes(receipts)[0],
        )
        return Built(header, transactions, receipts)

    def call(self, header: Header, call: Call) -> Outcome:
        """Run a call on the state of `header` and throw the changes away; fees are not charged, as on a node.

        Raises Failed if the code failed, Refused if the call could not start.
        """
        machine = self._machine(header.copy(base_fee_per_gas=0))
        unsigned = self._vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID, nonce=machine.state.get_nonce(call.sender), max_priority_fee_per_gas=0,
            max_fee_per_gas=0, gas=call.gas, to=call.to, value=call.value, data=call.data, access_list=(),
        )  # fmt: skip
        if call.gas < unsigned.intrinsic_gas:
            raise Refused(f"intrinsic gas too low: gas {call.gas}, minimum needed {unsigned.intrinsic_gas}")
        transaction = SpoofTransaction(unsigned, from_=call.sender)
        try:
            done = machine.state.apply_transaction(transaction)
        except ValidationError as error:
            raise Refused(f"insufficient funds for transfer: {error}") from error
        if done.is_error:
            raise _failure(done)
        spent = call.gas - done.get_gas_remaining()
        return Outcome(done.output, max(spent, self._vm.finalize_gas_used(transaction, done)))

    def estimate(self, header: Header, call: Call) -> int:
        """The least gas limit, within 1 %, with which the call succeeds; raises as `call` does."""
        enough = call.gas
        likely = self.call(header, call).gas
        if self._succeeds(header, call, likely):
            return likely
        while enough - likely > likely // 100:
            middle = (likely + enough) // 2
            if self._succeeds(header, call, middle):
                enough = middle
            else:
                likely = middle
        return enough

    def _succeeds(self, header: Header, call: Call, gas: int) -> bool:
        try:
            self.call(header, Call(call.sender, call.to, call.value, call.data, gas))
        except Refused:
            return False
        return True


def encode_header(header: Header) -> bytes:
    """A header in RLP."""
    return bytes(rlp.encode(header))


def decode_header(encoded: bytes) -> Header:
    """A header from its RLP."""
    return rlp.decode(encoded, PragueBlockHeader)


def _failure(done: Any) -> Failed:
    if not isinstance(done.error, Revert):
        return Failed(str(done.error) or type(done.error).__name__, None)
    data = bytes(done.output)
    return Failed("execution reverted" + "".join(_reason(data)), data)


def _reason(data: bytes) -> Iterator[str]:
    """`: text` of Error(string), or the code of Panic(uint256); nothing for other data."""
    if data[:4] == bytes.fromhex("08c379a0") and len(data) >= 68:
        length = int.from_bytes(data[36:68])
        yield ": " + data[68 : 68 + length].decode(errors="replace")
    elif data[:4] == bytes.fromhex("4e487b71") and len(data) == 36:
        yield f": panic code 0x{data[4:].hex().lstrip('0') or '0'}"
