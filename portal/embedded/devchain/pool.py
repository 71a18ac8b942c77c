"""Transactions that wait for a block: behind a gap in their sender's nonces, or while mining is off."""

from collections.abc import Sequence

from portal.embedded.devchain.evm import Refused, Transaction

PRICE_BUMP = 110


class Pool:
    """Waiting transactions in the order they came; kept in memory, as on a node."""

    def __init__(self) -> None:
        self._waiting: dict[bytes, Transaction] = {}

    def add(self, transaction: Transaction) -> None:
        """Take a transaction, or let it replace one that pays at least 10 % less in both fees; raises Refused."""
        if transaction.hash in self._waiting:
            raise Refused("already known")
        if same := self._at(transaction.sender, transaction.nonce):
            if not _outbids(transaction, same):
                raise Refused("replacement transaction underpriced")
            del self._waiting[same.hash]
        self._waiting[transaction.hash] = transaction

    def get(self, transaction_hash: bytes) -> Transaction | None:
        """The waiting transaction with that hash."""
        return self._waiting.get(transaction_hash)

    def next_nonce(self, sender: bytes, nonce: int) -> int:
        """The nonce after the sender's waiting transactions that follow `nonce` without a gap."""
        while self._at(sender, nonce):
            nonce += 1
        return nonce

    def drop(self, transactions: Sequence[Transaction]) -> None:
        """Forget transactions that were mined or cannot be."""
        for transaction in transactions:
            self._waiting.pop(transaction.hash, None)

    def in_order(self) -> list[Transaction]:
        """All of them, each sender's by nonce, otherwise in the order they came."""
        queues: dict[bytes, list[Transaction]] = {}
        for transaction in self._waiting.values():
            queues.setdefault(transaction.sender, []).append(transaction)
        for queue in queues.values():
            queue.sort(key=lambda transaction: transaction.nonce, reverse=True)
        return [queues[transaction.sender].pop() for transaction in self._waiting.values()]

    def clear(self) -> None:
        """Forget everything."""
        self._waiting.clear()

    def _at(self, sender: bytes, nonce: int) -> Transaction | None:
        for transaction in self._waiting.values():
            if transaction.nonce == nonce and transaction.sender == sender:
                return transaction
        return None


def _outbids(new: Transaction, old: Transaction) -> bool:
    return bool(
        new.max_fee_per_gas * 100 >= old.max_fee_per_gas * PRICE_BUMP
        and new.max_priority_fee_per_gas * 100 >= old.max_priority_fee_per_gas * PRICE_BUMP
    )
