"""Shares come from a chain: from one that is made of logs alone, or from a real one."""

from __future__ import annotations

from tests.indexer.conftest import news, staged  # noqa: F401  (fixtures)
from tests.onchain import contracts, onchain, work  # noqa: F401  (fixtures)
