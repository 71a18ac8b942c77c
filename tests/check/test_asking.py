"""What a node answers to many questions at once is judged, and numbers of raw logs are read to the last unit."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.client import Client, Refused, Reverted
from portal.chain.words import address_sql, number_sql, word_sql
from portal.errors import Unavailable

ASKED: list[tuple[str, list[Any]]] = [("eth_blockNumber", []), ("eth_call", [{}, "latest"])]
REVERT = {"id": 1, "error": {"code": 3, "message": "execution reverted: no such token"}}
FINE = {"id": 0, "result": "0x1"}


class Answering:
    """A node that answers a batch with what it is told."""

    def __init__(self, answers: Any) -> None:
        self.answers = answers

    def make_request(self, _method: Any, _params: Any) -> Any:
        return {"result": hex(31337)}

    def make_batch_request(self, _requests: Any) -> Any:
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


def ask(answers: Any) -> list[Any]:
    return Client(Answering(answers), 31337).batch(ASKED)


def test_a_contracts_no_is_an_answer_among_others() -> None:
    first, second = ask([FINE, REVERT])
    assert first == "0x1"
    assert isinstance(second, Reverted)
    assert second.reason == "no such token"


@pytest.mark.parametrize(
    "answers", [[], [FINE], {"error": {"code": -32600}}, "<html>", None, [FINE, 7], [FINE, {}], OSError("gone")]
)
def test_half_an_answer_is_none(answers: Any) -> None:
    with pytest.raises(Unavailable):
        ask(answers)


def test_a_node_that_refuses_one_question_refuses_all() -> None:
    with pytest.raises(Refused, match="header not found"):
        ask([FINE, {"id": 1, "error": {"code": -32000, "message": "header not found"}}])


@pytest.mark.parametrize("number", [0, 1, 16**15 - 1, 16**15, 2**118 - 1, 2**255 + 12345678901234567, 2**256 - 1])
def test_every_number_of_a_word_is_read(session: Session, number: int) -> None:
    data = f"0x{7:064x}{number:064x}"
    assert int(session.scalar(sa.text(f"SELECT {number_sql(word_sql(':data', 1))}"), {"data": data})) == number
    assert int(session.scalar(sa.text(f"SELECT {number_sql(':topic')}"), {"topic": f"0x{number:064x}"})) == number


def test_the_address_of_a_topic(session: Session) -> None:
    topic = "0x" + "0" * 24 + "ab" * 20
    assert session.scalar(sa.text(f"SELECT {address_sql(':topic')}"), {"topic": topic}) == "0x" + "ab" * 20
