"""Revenue, its distribution, the ledger that accounts for every unit, and what holders may claim."""
