"""What the database refuses of logs and cursors."""

from __future__ import annotations

from tests.raw import Raw


def test_a_log_is_kept_once_for_each_block(raw: Raw) -> None:
    raw.add("chain_logs", block_hash="0x01")
    raw.refuses("chain_logs", "pk_chain_logs", block_hash="0x01")
    raw.add("chain_logs", block_hash="0x02")


def test_finalized_is_never_ahead_of_the_head(raw: Raw) -> None:
    row = {"head_number": 9, "safe_number": 9, "finalized_number": 10}
    raw.refuses("chain_cursors", "ck_chain_cursors_order", **row)
