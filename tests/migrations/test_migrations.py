"""Each revision goes up, down and up again with rows present, and the models say the same as the migrations."""

from __future__ import annotations

import ast
import io
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask, current_app
from flask_migrate import downgrade, upgrade

from portal.app import create_app
from portal.config import ROOT, Settings
from portal.db import db
from portal.embedded.postgres import Postgres
from tests.migrations.schema import describe, things

VERSIONS = ROOT / "migrations" / "versions"
REVISIONS = [r.revision for r in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()][::-1]
SQUAWK = shutil.which("squawk") or shutil.which("squawk", path=str(Path(sys.executable).parent))
LENGTHS_AND_SIZES = "prefer-text-field,prefer-bigint-over-int,prefer-bigint-over-smallint"
"""Rules that do not fit: the data model prescribes varchar lengths and integers."""

ROWS = {
    "0001": """
        INSERT INTO users (id, email, display_name) VALUES (gen_random_uuid(), 'fan@example.org', 'Fan');
        INSERT INTO roles (id, name) VALUES (gen_random_uuid(), 'viewer');
        INSERT INTO user_roles (id, user_id, role_id) SELECT gen_random_uuid(), u.id, r.id FROM users u, roles r;
        INSERT INTO outbox (id, dedupe, job, payload) VALUES (gen_random_uuid(), 'a', 'deploy_contract', '{}');
    """,
    "0002": """
        INSERT INTO audit_logs (user_id, actor_type, action_category, action)
            SELECT id, 'user', 'authentication', 'sign_in' FROM users;
    """,
    "0003": """
        INSERT INTO artists (id, user_id, artist_name, slug) SELECT gen_random_uuid(), id, 'A', 'a' FROM users;
    """,
    "0004": """
        INSERT INTO masters (id, artist_id, title, short_id) SELECT gen_random_uuid(), id, 'Song', 's' FROM artists;
        INSERT INTO master_ipos (id, master_id, total_supply) SELECT gen_random_uuid(), id, 1000 FROM masters;
        INSERT INTO dividend_contracts (id, master_id, distribution_model, chain_id, contract_address)
            SELECT gen_random_uuid(), id, 'per_master', '31337', '0x01' FROM masters;
    """,
    "0005": """
        INSERT INTO artist_tokens (id, artist_id, chain_id, contract_address, name, symbol, total_supply)
            SELECT gen_random_uuid(), id, '31337', '0x02', 'Coin', 'COIN', 2::numeric ^ 255 FROM artists;
        INSERT INTO token_holders (id, artist_token_id, wallet_address, chain_id, balance)
            SELECT gen_random_uuid(), id, '0x03', '31337', 5 FROM artist_tokens;
    """,
    "0006": """
        INSERT INTO revenue_events (id, master_id, source_type, amount, currency)
            SELECT gen_random_uuid(), id, 'distributor', 12.5, 'USDC' FROM masters;
        INSERT INTO ledger_accounts (id, key, kind, currency) VALUES (gen_random_uuid(), 'cash', 'cash', 'USDC');
        INSERT INTO ledger_entries (posting_id, account_id, amount, currency)
            SELECT '00000000-0000-0000-0000-000000000001', a.id, amount, 'USDC'
            FROM ledger_accounts a, unnest(ARRAY[5, -5]) amount;
    """,
    "0007": """
        INSERT INTO subscription_plans (id, name, slug, price_usd, interval)
            VALUES (gen_random_uuid(), 'Free', 'free', 0, 'monthly');
        INSERT INTO subscriptions (id, user_id, plan_id, current_period_start, current_period_end)
            SELECT gen_random_uuid(), u.id, p.id, now(), now() FROM users u, subscription_plans p;
    """,
    "0008": """
        INSERT INTO vstudio_sessions (id, master_id, artist_id, title)
            SELECT gen_random_uuid(), id, artist_id, 'Room' FROM masters;
    """,
    "0009": "INSERT INTO chain_blocks VALUES ('31337', 1, '0x04', '0x05', now())",
    "0010": "",
    "0011": "",
    "0012": """
        INSERT INTO mint_permits (id, ipo_id, user_id, wallet, allowance, deadline)
            SELECT gen_random_uuid(), i.id, u.id, '0x06', 2, now() FROM master_ipos i, users u;
    """,
    "0013": """
        INSERT INTO permission_grants (id, user_id, permission)
            SELECT gen_random_uuid(), id, 'finance:read' FROM users;
    """,
    "0014": """
        INSERT INTO second_factors (user_id, last_step) SELECT id, 7 FROM users;
        INSERT INTO recovery_codes (id, user_id, code_hash) SELECT gen_random_uuid(), id, 'h' FROM users;
        INSERT INTO user_sessions (id, token_hash, user_id, expires_at, waits_for_code)
            SELECT gen_random_uuid(), 't', id, now() + interval '1 day', true FROM users;
        DELETE FROM user_sessions;
    """,
    "0015": """
        TRUNCATE audit_leaves;
        INSERT INTO audit_leaves (audit_id, seal_number, position, leaf, actor_commitment, subject_commitment)
            SELECT id, 1, row_number() OVER (), 'leaf', 'actor', 'subject' FROM audit_logs;
        SELECT audit_forget(id, '{}', NULL) FROM users;
    """,
    "0016": """
        INSERT INTO policy_versions (ipo_id, version, content, content_hash)
            SELECT id, '1', 'Terms', '0x07' FROM master_ipos;
        INSERT INTO policy_consents (user_id, policy_version_id, wallet, place)
            SELECT u.id, p.id, '0x06', 'intent' FROM users u, policy_versions p;
    """,
    "0017": "",
    "0018": "",
    "0019": "",
    "0020": "INSERT INTO data_exports (id, user_id) SELECT gen_random_uuid(), id FROM users;",
    "0021": r"""
        INSERT INTO media_files (id, owner_id, place, cid, media_type, size, width, height, content)
            SELECT gen_random_uuid(), id, 'avatar', cid_of(webp), 'image/webp', 12, 1, 1, webp
            FROM users, (SELECT '\x524946460000000057454250'::bytea AS webp) AS file;
    """,
    "0022": "",
    "0023": "",
    "0024": """
        INSERT INTO coin_plans (id, artist_id, name, symbol, artist_bps, participants_bps, liquidity_bps, community_bps)
            SELECT gen_random_uuid(), id, 'Coin', 'COIN', 3000, 2000, 2500, 2500 FROM artists LIMIT 1;
    """,
    "0025": """
        INSERT INTO master_contracts (id, master_id, chain_id, contract_address)
            SELECT gen_random_uuid(), id, '31337', '0x08' FROM masters ON CONFLICT DO NOTHING;
        INSERT INTO master_nfts (id, master_id, master_contract_id, token_id, chain_id, contract_address,
            current_owner_wallet, original_minter_wallet)
            SELECT gen_random_uuid(), master_id, id, 1, chain_id, contract_address, '0x03', '0x03'
            FROM master_contracts ON CONFLICT DO NOTHING;
        INSERT INTO nft_orders (id, kind, chain_id, market_address, order_key, contract_address, token_id,
            master_nft_id, master_id, maker_wallet, price, currency, fee_bps, moves, placed_tx_hash, placed_block,
            placed_log_index, placed_at)
            SELECT gen_random_uuid(), 'listing', chain_id, '0x09', '0x0a:0', contract_address, 1, id, master_id,
                '0x03', 5, 'USDC', 50, 0, '0x0a', 1, 0, now() FROM master_nfts;
        INSERT INTO market_credits (id, chain_id, market_address, wallet, currency, held)
            VALUES (gen_random_uuid(), '31337', '0x09', '0x03', 'ETH', 1);
        INSERT INTO royalty_credits (id, master_id, chain_id, contract_address, kind, currency, amount, tx_hash,
            block_number, log_index, block_timestamp)
            SELECT gen_random_uuid(), id, '31337', '0x08', 'arrived', 'ETH', 1, '0x0b', 1, 0, now() FROM masters;
    """,
    "0026": """
        INSERT INTO media_uploads (id, owner_id, master_id, file_name, size)
            SELECT gen_random_uuid(), a.user_id, m.id, 'take 3.wav', 1
            FROM masters m JOIN artists a ON a.id = m.artist_id;
        INSERT INTO media_recordings (id, owner_id, master_id, cid, media_type, size, milliseconds, peaks)
            SELECT gen_random_uuid(), owner_id, master_id, 'bafkrei', 'audio/mpeg', 1, 1, '{1}' FROM media_uploads;
        INSERT INTO media_recording_blocks (recording_id, position, content)
            SELECT id, 0, '\\x00' FROM media_recordings;
    """,
    "0027": "UPDATE master_ipos SET sale_fee_bps = 250",
}


@pytest.fixture
def empty(postgres: Postgres) -> Iterator[str]:
    """Address, for the owner, of an empty database."""
    name = f"m_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(plain(postgres.url("postgres", "postgres")), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} OWNER audifi_owner")
        yield postgres.url("audifi_owner", name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def owner(empty: str) -> Iterator[Flask]:
    app = create_app(Settings(database_url=empty, owner_database_url=empty))
    with app.app_context():
        yield app
        db.engine.dispose()


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def run(url: str, statements: str) -> None:
    with psycopg.connect(plain(url)) as connection:
        connection.execute(statements)


def test_there_is_one_head() -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    assert script.get_heads() == [REVISIONS[-1]]
    assert len(list(VERSIONS.glob("*.py"))) == len(REVISIONS)


def test_every_revision_has_rows_to_migrate() -> None:
    assert list(ROWS) == REVISIONS


def test_up_down_up_of_each_revision_with_rows(owner: Flask, empty: str) -> None:
    below: set[tuple[str, str]] = set()
    for before, revision in zip(["base", *REVISIONS], REVISIONS, strict=False):
        upgrade(revision=revision)
        run(empty, ROWS[revision])
        downgrade(revision=before)
        with psycopg.connect(plain(empty)) as connection:
            assert things(connection) - {("table", "alembic_version")} == below, revision
        upgrade(revision=revision)
        run(empty, ROWS[revision])
        with psycopg.connect(plain(empty)) as connection:
            below = things(connection) - {("table", "alembic_version")}
    downgrade(revision="base")
    with psycopg.connect(plain(empty)) as connection:
        assert things(connection) == {("table", "alembic_version")}


def test_reference_rows_keep_what_is_used(owner: Flask, empty: str) -> None:
    upgrade()
    run(empty, ROWS["0001"].replace("INSERT INTO roles (id, name) VALUES (gen_random_uuid(), 'viewer');", ""))
    downgrade(revision="0010")
    upgrade()
    with psycopg.connect(plain(empty)) as connection:
        roles = connection.execute("SELECT name, permissions::jsonb ? 'finance:verify' FROM roles").fetchall()
        used = connection.execute("SELECT count(*) FROM user_roles").fetchone()
    assert sorted(roles) == [("admin", True), ("artist", False), ("producer", False), ("viewer", False)]
    assert used == (4,)


def test_autogenerate_finds_nothing_to_do(template: str, postgres: Postgres) -> None:
    engine = sa.create_engine(postgres.url("audifi_owner", template), poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        assert compare_metadata(MigrationContext.configure(connection, opts=options), db.metadata) == []


def test_models_and_migrations_make_the_same_database(
    owner: Flask, empty: str, template: str, postgres: Postgres
) -> None:
    """Checks included, which autogenerate does not compare."""
    db.create_all()
    with (
        psycopg.connect(plain(empty)) as models,
        psycopg.connect(plain(postgres.url("audifi_owner", template))) as migrated,
    ):
        assert describe(models) == describe(migrated)


def test_migrations_import_no_models() -> None:
    for file in VERSIONS.glob("*.py"):
        imported = [node.module for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
        assert not [name for name in imported if str(name).startswith("portal")], file.name


def test_a_migration_does_not_wait_long_for_a_lock(owner: Flask, empty: str) -> None:
    upgrade()
    with psycopg.connect(plain(empty)) as reader:
        reader.execute("SELECT FROM roles")
        with pytest.raises(sa.exc.OperationalError, match="lock timeout"):
            downgrade(revision="base", x_arg=["lock_timeout=20ms"])
    with psycopg.connect(plain(empty)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]


@pytest.mark.skipif(SQUAWK is None, reason="squawk is not installed")
def test_squawk_finds_no_dangerous_statement(owner: Flask, tmp_path: Path) -> None:
    config = current_app.extensions["migrate"].migrate.get_config()
    config.output_buffer = io.StringIO()
    command.upgrade(config, "head", sql=True)
    file = tmp_path / "all.sql"
    file.write_text(config.output_buffer.getvalue())
    excluded = f"{LENGTHS_AND_SIZES},transaction-nesting"
    result = subprocess.run(
        [str(SQUAWK), "--assume-in-transaction", "-e", excluded, file], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout


@pytest.mark.walk
def test_two_deployments_at_once_migrate_one_after_the_other(owner: Flask, empty: str) -> None:
    code = "import flask_migrate, portal.app\nwith portal.app.create_app().app_context(): flask_migrate.upgrade()"
    names = {"AUDIFI_DATABASE_URL": empty, "AUDIFI_OWNER_DATABASE_URL": empty, "PATH": "/usr/bin:/bin"}
    both = [subprocess.Popen([sys.executable, "-c", code], env=names, cwd=ROOT) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]


def test_the_clone_of_the_template_is_at_head(clone: Callable[[], str], postgres: Postgres) -> None:
    with psycopg.connect(plain(postgres.url("audifi_app", clone()))) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISIONS[-1],)]
