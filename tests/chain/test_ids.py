"""An id is the same wherever it is made."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal.chain.ids import derived_id, id_sql


def test_sql_and_python_make_the_same_ids(session: Session) -> None:
    expression = id_sql("nft", "'31337'", "n")
    rows = session.execute(sa.text(f"SELECT n, {expression} FROM generate_series(1, 500) AS n"))
    made = {row.n: row[1] for row in rows}
    assert made == {number: derived_id("nft", "31337", number) for number in range(1, 501)}
    assert {one.version for one in made.values()} == {8}
    assert {one.variant for one in made.values()} == {uuid.RFC_4122}
