"""The chain: takes transactions, makes blocks, moves its clock, answers what was and what would be."""

import time

from portal.embedded.devchain.evm import Built, Evm, Header, Refused, decode_header
from portal.embedded.devchain.pool import Pool
from portal.embedded.devchain.shapes import block_row
from portal.embedded.devchain.store import Store

FINALITY = 3
TIP = 10**9


class Chain:
    """One chain on one store; not safe for threads, so one event loop drives it.

    Every transaction gets a block of its own at once, unless `automine` is off. The clock is the machine's plus
    a kept offset in seconds, so time goes on where it was after a pause.
    """

    def __init__(self, store: Store, history: int = 0) -> None:
        self.store = store
        self.evm = Evm(store.nodes, store.hashes_below)
        self.pool = Pool()
        self.automine = True
        self._next_timestamp: int | None = None
        if store.head() is None:
            self._begin(history)
        found = store.head()
        assert found is not None
        self.head: Header = decode_header(found[1])
        self._offset = store.number("clock") or 0

    def _begin(self, history: int) -> None:
        from portal.embedded.devchain.accounts import BALANCE, COUNT, account  # takes 0.2 s, once

        balances = {bytes.fromhex(account(index).address[2:]): BALANCE for index in range(COUNT)}
        genesis = self.evm.genesis(int(time.time()) - history, balances)
        with self.store.transaction():
            self.store.set_number("clock", -history)
            self.store.add_block(block_row(Built(genesis, [], [])))

    @property
    def height(self) -> int:
        """The newest block's number."""
        return int(self.head.block_number)

    @property
    def final(self) -> int:
        """The newest block that is safe and final."""
        return max(0, self.height - FINALITY)

    def now(self) -> int:
        """The chain's clock, seconds since 1970; never before the newest block."""
        return max(int(time.time()) + self._offset, int(self.head.timestamp))

    def next_header(self) -> Header:
        """The header that the next block would have if it were made now, empty."""
        return self.evm.next_header(self.head, self._next_timestamp or self.now())

    def current_header(self) -> Header:
        """The newest header with the clock's time.

        A chain in use makes blocks all the time; this one rests while nobody sends, and a call on the newest
        block must not see the time of the last transaction.
        """
        return self.head.copy(timestamp=self.now())

    def header(self, number: int) -> Header | None:
        """The header of block `number`."""
        encoded = self.store.header(number)
        return None if encoded is None else decode_header(encoded)

    def send(self, raw: bytes) -> bytes:
        """Take a signed transaction, mine it if it can be, and return its hash; raises Refused."""
        transaction = self.evm.decode(raw)
        self.evm.check(transaction, self.next_header())
        nonce = self.nonce(transaction.sender)
        if transaction.nonce < nonce:
            raise Refused(f"nonce too low: next nonce {nonce}, tx nonce {transaction.nonce}")
        self.pool.add(transaction)
        if self.automine and transaction.nonce == nonce:
            self.mine()
        return bytes(transaction.hash)

    def mine(self) -> None:
        """Make a block of what waits, empty if nothing does; on disk when this returns."""
        timestamp = self._next_timestamp or self.now()
        built = self.evm.build(self.head, timestamp, self.pool.in_order())
        row = block_row(built)
        with self.store.transaction():
            self.store.add_block(row)
        self.head = built.header
        self._next_timestamp = None
        self.pool.drop(built.transactions)
        self.pool.drop([waiting for waiting in self.pool.in_order() if waiting.nonce < self.nonce(waiting.sender)])

    def nonce(self, sender: bytes) -> int:
        """How many transactions of the sender were mined."""
        return int(self.evm.state(self.head).get_nonce(sender))

    def tick(self) -> None:
        """Make an empty block if a transaction is not final yet."""
        if self.automine and self.store.newest_filled() > self.final:
            self.mine()

    def pending_nonce(self, sender: bytes) -> int:
        """The nonce the sender's next transaction must have."""
        return self.pool.next_nonce(sender, self.nonce(sender))

    def move_clock(self, seconds: int) -> int:
        """Put the clock forward; returns by how much it differs from the machine's."""
        if seconds < 0:
            raise Refused("time goes forward only; use evm_revert to go back")
        self._set_offset(self._offset + seconds)
        return self._offset

    def set_next_timestamp(self, timestamp: int) -> None:
        """Give the next block that time; the clock goes on from there."""
        if timestamp < self.head.timestamp:
            raise Refused(f"timestamp {timestamp} is before the newest block's, {self.head.timestamp}")
        self._set_offset(timestamp - int(time.time()))
        self._next_timestamp = timestamp

    def _set_offset(self, offset: int) -> None:
        with self.store.transaction():
            self.store.set_number("clock", offset)
        self._offset = offset

    def snapshot(self) -> int:
        """Remember this point; returns its id."""
        with self.store.transaction():
            return self.store.add_snapshot(self.height, self._offset)

    def revert(self, snapshot: int) -> bool:
        """Go back to a remembered point, which is used up by it; False if there is none."""
        with self.store.transaction():
            if (found := self.store.take_snapshot(snapshot)) is None:
                return False
            self.store.remove_above(found[0])
            self.store.set_number("clock", found[1])
        head = self.store.head()
        assert head is not None
        self.head, self._offset, self._next_timestamp = decode_header(head[1]), found[1], None
        self.pool.clear()
        return True
