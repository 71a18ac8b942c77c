from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.access import canaries, people


@pytest.fixture
def world(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> Iterator[people.World]:
    """Ten kinds of people, and things of the owner artist's and of the host's; no secret reaches an answer or a log."""
    monkeypatch.setitem(app.config, "SETTINGS", people.far_from_home(app.config["SETTINGS"]))
    with canaries.logged() as log:
        made = people.build(app, session)
        yield made
    hits = canaries.found(log.getvalue(), "log", made.tokens)
    assert not hits, f"the log tells {hits}"
