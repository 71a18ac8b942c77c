"""Offers on a real chain, in their artist's browser."""

from tests.onchain import contracts, onchain, work

__all__ = ["contracts", "onchain", "work"]
