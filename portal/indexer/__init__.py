"""Follows the chain: blocks, raw logs and cursors; projections are written through the other features."""
