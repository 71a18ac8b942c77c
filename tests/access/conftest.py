from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from tests.access import people


@pytest.fixture
def world(app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch) -> people.World:
    """Ten kinds of people, and things of the owner artist's and of the host's."""
    monkeypatch.setitem(app.config, "SETTINGS", people.far_from_home(app.config["SETTINGS"]))
    return people.build(app, session)
