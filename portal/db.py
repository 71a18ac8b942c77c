"""The database: base model, column types, and the one place that commits.

A public command opens exactly one `transaction()`; a function whose first parameter is `session` runs inside
its caller's. What must happen after the commit is registered on the session with `after_commit()`, so that this
module knows neither the outbox nor the live events. SQLAlchemy's own `after_commit` event is not used for that:
it also fires when a savepoint is released.
"""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import orm
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from portal.errors import DomainError, NestedTransaction

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

UTC = dt.UTC
Wei = Annotated[int, "smallest units of a currency"]


class Units(sa.types.TypeDecorator[int]):
    """NUMERIC(78,0) <-> Python int: token amounts and wei, up to 2**256 - 1; a float or a fraction is refused."""

    impl = sa.Numeric(78, 0)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: sa.Dialect) -> Decimal | None:
        if value is None:
            return None
        if type(value) is not int:
            raise TypeError(f"an amount in smallest units must be an int, not {type(value).__name__}")
        return Decimal(value)

    def process_result_value(self, value: Decimal | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else int(value)


class BlockNumber(Units):
    """NUMERIC(20,0) <-> Python int."""

    impl = sa.Numeric(20, 0)
    cache_ok = True


class Inet(sa.types.TypeDecorator[str]):
    """INET <-> str: the driver's own objects fit neither JSON nor a comparison with what was sent."""

    impl = INET
    cache_ok = True

    def process_result_value(self, value: object, dialect: sa.Dialect) -> str | None:
        return None if value is None else str(value)


def text_enum(enum: type[StrEnum], length: int = 40) -> sa.Enum:
    """An enumeration stored as text with a CHECK: native enums break a downgrade followed by an upgrade."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", enum.__name__).lower()
    return sa.Enum(
        enum,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=length,
        values_callable=lambda e: [member.value for member in e],
        validate_strings=True,
    )


S20 = Annotated[str, mapped_column(sa.String(20))]
S50 = Annotated[str, mapped_column(sa.String(50))]
S64 = Annotated[str, mapped_column(sa.String(64))]
S100 = Annotated[str, mapped_column(sa.String(100))]
S150 = Annotated[str, mapped_column(sa.String(150))]
S200 = Annotated[str, mapped_column(sa.String(200))]
S255 = Annotated[str, mapped_column(sa.String(255))]
S500 = Annotated[str, mapped_column(sa.String(500))]
Ip = Annotated[str, mapped_column(Inet())]
Amount = Annotated[int, mapped_column(Units())]
Block = Annotated[int, mapped_column(BlockNumber())]
Fiat = Annotated[Decimal, mapped_column(sa.Numeric(28, 8))]
Price = Annotated[Decimal, mapped_column(sa.Numeric(10, 2))]
Flag = Annotated[bool, mapped_column(default=False, server_default=sa.text("false"))]
Yes = Annotated[bool, mapped_column(default=True, server_default=sa.text("true"))]
Count = Annotated[int, mapped_column(default=0, server_default=sa.text("0"))]
Total = Annotated[int, mapped_column(Units(), default=0, server_default=sa.text("0"))]


def not_nan(*columns: str) -> tuple[sa.CheckConstraint, ...]:
    """PostgreSQL's numeric takes NaN, and NaN passes every `> 0`."""
    return tuple(sa.CheckConstraint(f"{c} <> 'NaN'", name=f"{c}_not_nan") for c in columns)


def not_negative(*columns: str) -> tuple[sa.CheckConstraint, ...]:
    """Numeric columns that hold amounts, prices, token ids or blocks: 0 or more, and a number."""
    return tuple(sa.CheckConstraint(f"{c} >= 0 AND {c} <> 'NaN'", name=f"{c}_not_negative") for c in columns)


def counts(*columns: str) -> tuple[sa.CheckConstraint, ...]:
    """Integer columns that never fall below 0."""
    return tuple(sa.CheckConstraint(f"{c} >= 0", name=f"{c}_count") for c in columns)


def bps(*columns: str) -> tuple[sa.CheckConstraint, ...]:
    """Parts of a whole: 0 to 10 000 basis points."""
    return tuple(sa.CheckConstraint(f"{c} BETWEEN 0 AND 10000", name=f"{c}_bps") for c in columns)


def addresses(*columns: str) -> tuple[sa.CheckConstraint, ...]:
    """EVM addresses and hashes are stored lower-case; base58 is case-sensitive and stays as it is."""
    rule = "lower(left({0}, 2)) <> '0x' OR {0} = lower({0})"
    return tuple(sa.CheckConstraint(rule.format(c), name=f"{c}_lower") for c in columns)


class Base(orm.DeclarativeBase):
    """Declarative base; every table has a UUID primary key made in Python."""

    registry = orm.registry(
        metadata=sa.MetaData(naming_convention=NAMING),
        type_annotation_map={
            uuid.UUID: sa.Uuid(),
            dt.datetime: sa.DateTime(timezone=True),
            dict[str, Any]: JSONB(none_as_null=True),
            list[Any]: JSONB(none_as_null=True),
            list[str]: JSONB(none_as_null=True),
            str: sa.Text(),
            int: sa.Integer(),
            bool: sa.Boolean(),
        },
    )


ENGINE_OPTIONS: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 8,
    "max_overflow": 8,
    "connect_args": {"application_name": "audifi-backend", "options": "-c timezone=UTC"},
}

ROLE = """
    SELECT rolname AS name, rolsuper AS superuser, rolbypassrls AS bypass, EXISTS (
        SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
        WHERE n.nspname = 'public' AND relkind IN ('r', 'p') AND pg_has_role(pg_roles.oid, relowner, 'USAGE')
    ) AS owns
    FROM pg_roles WHERE rolname = current_user
"""
"""A member of the owner's role owns what the owner does."""

db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class Identified:
    """`id uuid PK`, made by the application so that a command knows it before the INSERT."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4, sort_order=-10)


class ServerIdentified:
    """For append-only tables: id and time are the database's; the application has no right to send them."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=sa.text("gen_random_uuid()"), sort_order=-10)


class Created:
    created_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now(), sort_order=90)


class Stamped(Created):
    updated_at: Mapped[dt.datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now(), sort_order=91)


class Versioned:
    """Optimistic lock for rows that two people may edit: SQLAlchemy raises StaleDataError on a lost race."""

    version: Mapped[int] = mapped_column(server_default=sa.text("1"), default=1, sort_order=92)

    @orm.declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


def use_database(url: str) -> None:
    """Let this process work under another role: workers, relay and indexer do (needs an app context)."""
    engines: dict[Any, Any] = db.engines  # type: ignore[assignment]
    if engines[None].url.render_as_string(hide_password=False) != url:
        engines[None].dispose()
        engines[None] = sa.create_engine(url, **ENGINE_OPTIONS)


def role_faults(url: str) -> list[str]:
    """Why the role of this address may not serve: it could change tables, or read past row security.

    A database that does not answer is a fault too: nobody knows then who we are.
    """
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.connect() as connection:
            found = connection.execute(sa.text(ROLE)).one()
    except sa.exc.OperationalError as error:
        return [f"{_server(engine.url)} does not answer: {str(error.orig).strip().splitlines()[0]}"]
    said = {"is a superuser": found.superuser, "skips row security": found.bypass, "owns tables": found.owns}
    return [f"The database role {found.name} {what}: serve with one that does not" for what, so in said.items() if so]


def _server(url: sa.URL) -> str:
    return f"The database at {url.host or 'the socket'}{f':{url.port}' if url.port else ''}"


def utcnow() -> dt.datetime:
    return dt.datetime.now(UTC)


# --- transactions -----------------------------------------------------------------------------------------

_explained: dict[str, Callable[[], DomainError]] = {}
T = TypeVar("T")


def explain(constraint: str, error: Callable[[], DomainError]) -> None:
    """Name the sentence for a refused constraint: `transaction()` raises `error()` for its IntegrityError."""
    _explained[constraint] = error


def after_commit(session: Session, callback: Callable[[], None]) -> None:
    """Run `callback` once the command's transaction is committed; dropped when it is rolled back."""
    session.info.setdefault("after_commit", []).append(callback)


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a command's transaction and commit it: the only commit in the portal.

    Ends a read transaction that the request may have open, so that the command decides on fresh rows.
    Raises NestedTransaction inside another command; an IntegrityError becomes the domain error registered for
    its constraint with `explain()`.
    """
    session = db.session()
    if session.info.get("in_command"):
        raise NestedTransaction
    session.rollback()
    session.info.update(in_command=True, after_commit=[])
    try:
        yield session
        session.commit()
    except IntegrityError as error:
        session.rollback()
        raise _explanation(error) from error
    except BaseException:
        session.rollback()
        raise
    finally:
        callbacks: list[Callable[[], None]] = session.info.pop("after_commit", [])
        session.info.pop("in_command", None)
        session.info.pop("idempotency", None)
    for callback in callbacks:
        callback()


def _explanation(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    known = _explained.get(name or "")
    return known() if known else error


def must_hit(result: sa.CursorResult[Any] | sa.Result[Any], error: DomainError) -> None:
    """Raise `error` when a compare-and-set UPDATE changed no row."""
    if getattr(result, "rowcount", 0) == 0:
        raise error
