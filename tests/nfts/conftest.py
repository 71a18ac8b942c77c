"""Shares come from a chain: here from one that is made of logs alone."""

from __future__ import annotations

from tests.indexer.conftest import staged  # noqa: F401  (a fixture)
