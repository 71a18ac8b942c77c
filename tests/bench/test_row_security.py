"""What row security costs the marketplace's and the portfolio's reads: on against off, in the same run."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.audit.context import Actor, acting_as
from portal.db import db
from portal.marketplace import listing
from portal.masters import queries as master_queries
from portal.portfolio import queries as portfolio
from tests import factories

pytestmark = pytest.mark.bench
MASTERS, SHARES, ROUNDS = 2_000, 20, 100
TABLES = ("masters", "master_ipos", "revenue_events", "invoices")
FILL = """
INSERT INTO masters (id, artist_id, title, short_id, status)
    SELECT gen_random_uuid(), '{artist}', 'Track ' || n, 'b' || n, 'live' FROM generate_series(1, {masters}) n;
INSERT INTO master_ipos (id, master_id, total_supply, status) SELECT gen_random_uuid(), id, 100, 'closed' FROM masters;
INSERT INTO master_contracts (id, master_id, chain_id, contract_address)
    SELECT gen_random_uuid(), id, '31337', '0x' || lpad(substr(short_id, 2), 40, '0') FROM masters;
INSERT INTO master_nfts (id, master_id, master_contract_id, token_id, chain_id, contract_address,
        current_owner_wallet, original_minter_wallet, listing_status, listing_price_wei, listing_currency, listed_at)
    SELECT gen_random_uuid(), c.master_id, c.id, n, '31337', c.contract_address, '{wallet}', '{wallet}',
        'listed', 1000, 'USDC', now() FROM master_contracts c, generate_series(1, {shares}) n;
INSERT INTO user_wallets (id, user_id, wallet_address, chain_id, verified, verified_at)
    VALUES (gen_random_uuid(), '{fan}', '{wallet}', '31337', true, now());
ANALYZE
"""


def owner(app: Flask, statements: str) -> None:
    url = app.config["SETTINGS"].owner_database_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements.split(";\n"):
            connection.execute(statement)


def milliseconds(app: Flask, fan: uuid.UUID, read: Callable[[Session], object]) -> float:
    """Median of a read in a transaction of its own, as the application's role."""
    taken = []
    with acting_as(Actor("user", fan)), app.test_request_context():
        for _ in range(ROUNDS):
            start = time.perf_counter()
            read(db.session())
            db.session.rollback()
            taken.append(time.perf_counter() - start)
        db.session.remove()
    return statistics.median(taken) * 1000


def test_row_security_on_and_off(live_app: Flask, session: Session, capsys: pytest.CaptureFixture[str]) -> None:
    artist, fan = factories.artist(session).id, factories.person(session).id
    wallet = "0x" + "f" * 40
    owner(live_app, FILL.format(artist=artist, fan=fan, wallet=wallet, masters=MASTERS, shares=SHARES))
    master_id = session.scalar(sa.text("SELECT id FROM masters LIMIT 1"))
    session.rollback()
    reads: dict[str, Callable[[Session], object]] = {
        "marketplace, 20 shares": lambda s: listing.page(s, listing.Filters(), 20, None),
        "newest 20 masters": lambda s: master_queries.recent(s, 20),
        "one master": lambda s: master_queries.visible(s, master_id, fan),
        "portfolio": lambda s: portfolio.held(s, fan),
    }
    lines = []
    for name, read in reads.items():
        on = milliseconds(live_app, fan, read)
        owner(live_app, ";\n".join(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY" for table in TABLES))
        off = milliseconds(live_app, fan, read)
        owner(live_app, ";\n".join(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY" for table in TABLES))
        lines.append(f"row security, {name}: {on:.2f} ms on, {off:.2f} ms off, ratio {on / off:.2f}")
    with capsys.disabled():
        print("\n" + "\n".join(lines))
    assert len(lines) == len(reads)
