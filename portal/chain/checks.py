# ruff: noqa: S608  (statements are put together from constants)
"""What holds for the transactions that the portal signed, and for the blocks and logs that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from portal.chain.abi import NATIVE, decode_result, encode_call
from portal.chain.client import Reverted
from portal.checks import LATE, AnyCheck, ChainCheck, Check, Request

UNFINISHED = "('signed', 'sent', 'seen', 'confirmed')"
MINED = "('seen', 'confirmed', 'final')"
NOBODY = "nobody"


def calls(contract: str, function: str) -> Callable[[Sequence[Any], dict[str, str]], Request]:
    """Asks `function` of the contract named in a row's third column, with the columns after it as arguments."""

    def ask(row: Sequence[Any], at: dict[str, str]) -> Request:
        args = [int(value) if isinstance(value, Decimal) else value for value in row[3:]]
        return "eth_call", [{"to": row[2], "data": encode_call(contract, function, args)}, at]

    return ask


def returned(contract: str, function: str) -> Callable[[Any], str]:
    """Reads what `calls` asked: the values as text, "nobody" where the contract knows no such token."""

    def read(answer: Any) -> str:
        if isinstance(answer, Reverted):
            return NOBODY if answer.reason == "no such token" else f"refused: {answer.reason}"
        try:
            return ", ".join(map(str, _flat(decode_result(contract, function, answer))))
        except ValueError:
            return "no such contract"

    return read


def _flat(values: tuple[Any, ...]) -> Iterator[Any]:
    """Structs one by one."""
    for value in values:
        yield from value if isinstance(value, tuple) else (value,)


def held_in(row: Sequence[Any], at: dict[str, str]) -> Request:
    """Asks how much of a currency (fourth column) a contract (third) has: native coin or a token."""
    if row[3] == NATIVE:
        return "eth_getBalance", [row[2], at]
    return "eth_call", [{"to": row[3], "data": encode_call("ArtistCoin", "balanceOf", [row[2]])}, at]


def amount(answer: Any) -> str:
    """Reads what `held_in` asked."""
    return str(int(answer, 16)) if isinstance(answer, str) and len(answer) > 2 else "no amount"


def _receipt_of(row: Sequence[Any], _at: dict[str, str]) -> Request:
    return "eth_getTransactionReceipt", [row[2]]


def _outcome(receipt: Any) -> str:
    if not isinstance(receipt, dict) or receipt.get("blockNumber") is None:
        return "not mined"
    return f"{'success' if int(receipt['status'], 16) else 'failure'} in block {int(receipt['blockNumber'], 16)}"


CHECKS: list[AnyCheck] = [
    Check(
        "transactions.come_to_an_end",
        "chain_transactions",
        "A transaction that was signed becomes final, failed or replaced.",
        f"""
        SELECT id, status || ' since ' || created_at, 'final, failed or replaced' FROM chain_transactions
        WHERE chain_id = :chain AND status IN {UNFINISHED} AND created_at < now() - {LATE}
          AND NOT EXISTS (SELECT FROM chain_cursors c WHERE c.chain_id = :chain
                          AND c.finalized_number < chain_transactions.block_number)
        """,
    ),
    Check(
        "transactions.nonces_have_no_gap",
        "chain_transactions",
        "No transaction waits for a nonce that nobody signed.",
        """
        SELECT t.id, 'nonce ' || t.nonce || ' of ' || t.sender, 'a transaction with nonce ' || t.nonce - 1
        FROM chain_transactions t
        WHERE t.chain_id = :chain AND t.status IN ('signed', 'sent') AND EXISTS (
            SELECT FROM chain_transactions f
            WHERE (f.chain_id, f.sender) = (t.chain_id, t.sender) AND f.nonce < t.nonce)
          AND NOT EXISTS (
            SELECT FROM chain_transactions b
            WHERE (b.chain_id, b.sender, b.nonce) = (t.chain_id, t.sender, t.nonce - 1))
        """,
    ),
    Check(
        "transactions.share_no_nonce",
        "chain_transactions",
        "Of the transactions with one nonce of an account, one counts.",
        """
        SELECT id, n || ' count for nonce ' || nonce || ' of ' || sender, '1' FROM (
            SELECT id, sender, nonce, count(*) OVER (PARTITION BY chain_id, sender, nonce) AS n
            FROM chain_transactions WHERE status <> 'replaced') t
        WHERE n > 1
        """,
    ),
    Check(
        "transactions.replaced_have_a_successor",
        "chain_transactions",
        "A replaced transaction names the one with the same nonce that counts, and only a replaced one does.",
        """
        SELECT t.id, t.status || ', by ' || coalesce(t.replaced_by::text, 'none'), 'a transaction with its nonce'
        FROM chain_transactions t LEFT JOIN chain_transactions s ON s.id = t.replaced_by
         AND s.status <> 'replaced' AND (s.chain_id, s.sender, s.nonce) = (t.chain_id, t.sender, t.nonce)
        WHERE (t.status = 'replaced') <> (s.id IS NOT NULL)
        """,
    ),
    Check(
        "transactions.mined_have_a_block",
        "chain_transactions",
        "A transaction that was seen has its block; one that failed has its reason.",
        f"""
        SELECT id, status || ', block ' || coalesce(block_number::text, 'none'), 'a block, or a reason to have failed'
        FROM chain_transactions
        WHERE (status IN {MINED} AND block_number IS NULL) OR (status = 'failed' AND error IS NULL)
        """,
    ),
    ChainCheck(
        "transactions.are_what_receipts_say",
        "chain_transactions",
        "A transaction that ended is in the block and with the outcome that its receipt names.",
        """
        SELECT id, CASE WHEN block_number IS NULL THEN 'not mined'
                        WHEN status = 'final' THEN 'success in block ' || block_number
                        ELSE 'failure in block ' || block_number END, tx_hash
        FROM chain_transactions WHERE chain_id = :chain AND status IN ('final', 'failed')
          AND created_at > now() - interval '300 days'  -- nodes forget where older ones are
        """,
        _receipt_of,
        _outcome,
    ),
    Check(
        "blocks.hang_together",
        "chain_blocks",
        "A block's parent is the block before it.",
        """
        SELECT b.number, b.parent_hash, p.hash FROM chain_blocks b
        JOIN chain_blocks p ON p.chain_id = b.chain_id AND p.number = b.number - 1
        WHERE b.parent_hash <> p.hash
        """,
    ),
    Check(
        "cursors.stand_on_a_block",
        "chain_cursors",
        "The indexer stands on a block that it keeps, with what is safe and final at or below it.",
        """
        SELECT c.chain_id, c.head_number || ' ' || c.head_hash, coalesce(b.hash, 'a block that is kept')
        FROM chain_cursors c LEFT JOIN chain_blocks b ON b.chain_id = c.chain_id AND b.number = c.head_number
        WHERE c.head_number IS NOT NULL AND (b.hash IS DISTINCT FROM c.head_hash
           OR c.finalized_number > c.safe_number OR c.safe_number > c.head_number)
        """,
    ),
    Check(
        "cursors.are_not_halted",
        "chain_cursors",
        "The indexer goes on.",
        "SELECT chain_id, halted_reason, 'not halted' FROM chain_cursors WHERE halted_reason IS NOT NULL",
    ),
    Check(
        "logs.are_in_blocks_that_are_kept",
        "chain_logs",
        "A log is in the block of its number, at or below the indexer.",
        """
        SELECT l.tx_hash || ':' || l.log_index, l.block_number || ' ' || l.block_hash,
               coalesce(b.hash, 'at most block ' || c.head_number)
        FROM chain_logs l LEFT JOIN chain_blocks b ON b.chain_id = l.chain_id AND b.number = l.block_number
        LEFT JOIN chain_cursors c ON c.chain_id = l.chain_id
        WHERE b.hash <> l.block_hash OR c.head_number IS NULL OR l.block_number > c.head_number
        """,
    ),
]
