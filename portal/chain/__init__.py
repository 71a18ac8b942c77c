"""Everything that touches a chain: contracts, calls, logs, sending. Knows no feature."""
