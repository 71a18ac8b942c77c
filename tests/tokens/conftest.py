"""Coins on a real chain."""

from tests.onchain import contracts, onchain, work

__all__ = ["contracts", "onchain", "work"]
