"""What the two roles the portal runs as may not do, however the code is tricked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from portal.embedded.postgres import Postgres

Connect = Callable[[str], psycopg.Connection[Any]]
ROLES = ["audifi_app", "audifi_worker"]
ROW = "INSERT INTO audit_logs (actor_type, action_category, action{0}) VALUES ('user', 'ipo', 'launch_ipo'{1})"
ATTACKS = {
    "update": "UPDATE audit_logs SET action = 'nothing'",
    "delete": "DELETE FROM audit_logs",
    "truncate": "TRUNCATE audit_logs",
    "forged id": ROW.format(", id", ", gen_random_uuid()"),
    "forged time": ROW.format(", created_at", ", now() - interval '1 year'"),
    "upsert": ROW.format("", "") + " ON CONFLICT (id) DO UPDATE SET action = 'nothing'",
    "merge": "MERGE INTO audit_logs USING users ON false WHEN MATCHED THEN DELETE",
    "copy": "COPY audit_logs (id, actor_type, action_category, action) FROM STDIN",
    "no trigger": "ALTER TABLE audit_logs DISABLE TRIGGER ALL",
    "drop trigger": "DROP TRIGGER audit_logs_append_only ON audit_logs",
    "own trigger": "CREATE TRIGGER mine BEFORE INSERT ON audit_logs EXECUTE FUNCTION refuse_change()",
    "rule": "CREATE RULE mine AS ON INSERT TO audit_logs DO INSTEAD NOTHING",
    "replica": "SET session_replication_role = replica",
    "drop table": "DROP TABLE audit_logs",
    "be the owner": "SET ROLE audifi_owner",
    "replace function": "DROP FUNCTION refuse_change() CASCADE",
}


@pytest.fixture(scope="module")
def database(clone: Callable[[], str]) -> str:
    return clone()


@pytest.fixture
def connect(postgres: Postgres, database: str) -> Iterator[Connect]:
    """`connect(role)` opens a connection that is rolled back."""
    opened: list[psycopg.Connection[Any]] = []

    def do(role: str) -> psycopg.Connection[Any]:
        opened.append(psycopg.connect(postgres.url(role, database).replace("+psycopg", "")))
        return opened[-1]

    yield do
    for connection in opened:
        connection.rollback()
        connection.close()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_audit_log_only_grows(connect: Connect, role: str, attack: str) -> None:
    """Promise 73: what the roles that serve and work try against the log, in raw SQL."""
    connection = connect(role)
    connection.execute(ROW.format("", ""))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(ATTACKS[attack])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_trigger_holds_where_somebody_granted_too_much(connect: Connect, role: str, statement: str) -> None:
    """Promise 73: with every right on the table granted by mistake."""
    for table, column in (("audit_logs", "action"), ("ledger_entries", "currency")):
        admin = connect("postgres")
        admin.execute(f"GRANT ALL ON {table} TO {role}")
        admin.execute(f"SET ROLE {role}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            admin.execute(statement.format(table, column, column))


def test_the_owner_may_archive(connect: Connect) -> None:
    assert connect("audifi_owner").execute("DELETE FROM audit_logs").rowcount == 0


@pytest.mark.parametrize("role", ROLES)
def test_the_roles_own_nothing_and_are_nobody_special(connect: Connect, role: str) -> None:
    """Promise 46: neither owner nor superuser, and row security holds for them."""
    admin = connect("postgres")
    owned = admin.execute("SELECT count(*) FROM pg_class WHERE relowner = %s::regrole", [role]).fetchone()
    special = "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = %s"
    member = "SELECT count(*) FROM pg_auth_members WHERE member = %s::regrole"
    assert owned == (0,)
    assert admin.execute(special, [role]).fetchone() == (False,)
    assert admin.execute(member, [role]).fetchone() == (0,)
    assert admin.execute("SELECT has_schema_privilege(%s, 'public', 'CREATE')", [role]).fetchone() == (False,)


def test_the_web_reads_what_the_indexer_writes(connect: Connect) -> None:
    rights = "SELECT has_table_privilege(%s, %s, 'SELECT'), has_table_privilege(%s, %s, 'INSERT')"
    admin = connect("postgres")
    for table in ("master_nfts", "chain_logs", "chain_transactions", "token_holders", "wallet_dividend_balances"):
        assert admin.execute(rights, ["audifi_app", table] * 2).fetchone() == (True, False)
        assert admin.execute(rights, ["audifi_worker", table] * 2).fetchone() == (True, True)


def test_every_table_was_granted(connect: Connect) -> None:
    unreadable = """
        SELECT relname, role FROM pg_class, unnest(ARRAY['audifi_app', 'audifi_worker']) role
        WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT has_table_privilege(role, oid, 'SELECT')
    """
    assert connect("postgres").execute(unreadable).fetchall() == []


def test_an_append_only_table_takes_every_column_but_id_and_time(connect: Connect) -> None:
    closed = """
        SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0
        AND NOT has_column_privilege('audifi_worker', attrelid, attname, 'INSERT') ORDER BY attname
    """
    admin = connect("postgres")
    for table in ("audit_logs", "audit_seals", "system_events", "ledger_entries"):
        assert admin.execute(closed, [table]).fetchall() == [("created_at",), ("id",)], table


def test_a_temporary_table_does_not_hide_the_ledger_from_its_check(connect: Connect) -> None:
    worker = connect("audifi_worker")
    worker.execute("CREATE TEMPORARY TABLE ledger_entries (posting_id uuid, amount numeric, currency text)")
    account = "INSERT INTO ledger_accounts (id, key, kind, currency) VALUES (gen_random_uuid(), 'k', 'cash', 'USDC')"
    worker.execute(account)
    worker.execute(
        "INSERT INTO public.ledger_entries (posting_id, account_id, amount, currency)"
        " SELECT gen_random_uuid(), id, 5, 'USDC' FROM ledger_accounts"
    )
    with pytest.raises(psycopg.errors.CheckViolation, match="does not sum to zero"):
        worker.commit()
