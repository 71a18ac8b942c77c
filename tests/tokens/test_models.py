"""What the database refuses of coins."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.raw import Raw


def test_one_coin_an_artist_and_chain(raw: Raw) -> None:
    artist = raw.add("artists")
    raw.add("artist_tokens", artist_id=artist)
    raw.refuses("artist_tokens", "uq_artist_tokens_artist_id_chain_id", artist_id=artist)


@pytest.mark.parametrize("balance", [-1, Decimal("NaN")])
def test_a_balance_is_a_number_not_below_zero(raw: Raw, balance: int | Decimal) -> None:
    raw.refuses("token_holders", "ck_token_holders_balance_not_negative", balance=balance)


def test_a_log_moves_a_balance_once(raw: Raw) -> None:
    place = {"chain_id": "31337", "tx_hash": "0x01", "log_index": 7}
    raw.add("token_transfers", **place)
    raw.refuses("token_transfers", "uq_token_transfers_chain_id_tx_hash_log_index", **place)
    raw.add("token_transfers", **place | {"chain_id": "1"})
