"""Words for table definitions, shared by migrations.

Frozen: a migration that has run must mean the same for ever, so nothing here changes; new words get new names.
Constraint names come from the naming convention of the target metadata (env.py).
"""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

TIME = sa.DateTime(timezone=True)
JSON = postgresql.JSONB()
UNITS = sa.Numeric(78, 0)
BLOCK = sa.Numeric(20, 0)
FIAT = sa.Numeric(28, 8)
PRICE = sa.Numeric(10, 2)


def created() -> sa.Column:
    return sa.Column("created_at", TIME, server_default=sa.func.now(), nullable=False)


def stamps() -> tuple[sa.Column, sa.Column]:
    return created(), sa.Column("updated_at", TIME, server_default=sa.func.now(), nullable=False)


def one_of(column: str, name: str, *values: str) -> sa.CheckConstraint:
    """An enumeration: text with a CHECK, because native enums break a downgrade followed by an upgrade."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=name)


def not_nan(*columns: str) -> list[sa.CheckConstraint]:
    """PostgreSQL's numeric takes NaN, and NaN passes every `> 0`."""
    return [sa.CheckConstraint(f"{c} <> 'NaN'", name=f"{c}_not_nan") for c in columns]


def not_negative(*columns: str) -> list[sa.CheckConstraint]:
    """For numeric columns: 0 or more, and a number."""
    return [sa.CheckConstraint(f"{c} >= 0 AND {c} <> 'NaN'", name=f"{c}_not_negative") for c in columns]


def counts(*columns: str) -> list[sa.CheckConstraint]:
    """For integer columns: 0 or more."""
    return [sa.CheckConstraint(f"{c} >= 0", name=f"{c}_count") for c in columns]


def bps(*columns: str) -> list[sa.CheckConstraint]:
    """Parts of a whole: 0 to 10 000 basis points."""
    return [sa.CheckConstraint(f"{c} BETWEEN 0 AND 10000", name=f"{c}_bps") for c in columns]


def lower_case(*columns: str) -> list[sa.CheckConstraint]:
    """EVM addresses and hashes are lower-case; base58 is case-sensitive and stays as it is."""
    rule = "lower(left({0}, 2)) <> '0x' OR {0} = lower({0})"
    return [sa.CheckConstraint(rule.format(c), name=f"{c}_lower") for c in columns]
