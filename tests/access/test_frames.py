"""Promise 41: what is pushed to open pages while things happen tells nobody a secret, whoever listens and wherever."""

from __future__ import annotations

import json
import re
import time
import uuid
from typing import Any

import sqlalchemy as sa
from flask_socketio import SocketIOTestClient

from portal import live
from portal.config import ROOT
from portal.db import db, transaction
from portal.indexer.staging import CREATE
from portal.masters.models import DividendContract, MasterContract
from portal.nfts import live as shares_news
from portal.nfts import projections as shares
from portal.privacy import exporting
from portal.privacy.models import DataExport
from portal.revenue import news
from portal.revenue import projections as dividends
from portal.revenue.models import RevenueEvent, WalletDividendBalance
from tests.access import canaries
from tests.access.people import KINDS, WALLET, World
from tests.access.table import ROOMS
from tests.access.test_rooms import ask, connected, line  # noqa: F401  (fixture)
from tests.access.test_words import MARKUP

CHAIN = "31337"
ZERO = "0x" + "0" * 40
SOURCES = "".join(path.read_text() for path in (ROOT / "portal").rglob("*.py") if "live" in path.read_text())
FOR_STAFF = {"admin.counts", "admin.jobs", "admin.masters", "admin.revenue", "admin.security"}
KINDS_OF_NEWS = set(re.findall(r'"type": "([a-z]+\.[a-z]+)"', SOURCES)) | FOR_STAFF
OF_A_THING = ("master", "nft", "vstudio", "artist", "user", "job")
STAFF = {"admin", "finance", "security"}
OWN = {"dividend.credited": {"owner"}, "job.progress": {"fan"}}
"""News that go to one person alone."""


def listeners(world: World) -> dict[str, SocketIOTestClient]:
    """A socket of each kind of person, in every room that lets it in, their own included."""
    rooms = ("master:live", "master:draft", "master:offered", "nft:nft", "vstudio:room", "vstudio:sketch")
    assert {room.partition(":")[0] for room in ROOMS.split()[::2]} == {*OF_A_THING, "marketplace", "admin"}
    there: dict[str, SocketIOTestClient] = {}
    for kind in KINDS:
        there[kind] = connected(world, kind)
        for room in rooms:
            name, _, thing = room.partition(":")
            ask(there[kind], "join", f"{name}:{world.ids[thing]}")
        for room in ("admin", "marketplace"):
            ask(there[kind], "join", room)
        for somebody in {"owner", kind} & set(world.people):
            ask(there[kind], "join", f"user:{world.people[somebody]}")
    return there


def hostile_words(world: World) -> None:
    """Titles that would be noticed in a frame, where only ids and numbers belong."""
    session = db.session()
    for table, thing in (("masters", "live"), ("masters", "draft"), ("vstudio_sessions", "room")):
        change = sa.text(f"UPDATE {table} SET title = :title WHERE id = :id")
        session.execute(change, {"title": MARKUP[1], "id": world.ids[thing]})
    session.commit()


def votes(world: World) -> None:
    ids = world.ids
    one = f"/api/v2/vstudio/decisions/{ids['decision']}"
    for kind in ("fan", "owner", "finance"):
        done(world, kind, f"{one}/votes", {"optionSelected": "a"})
    done(world, "host", f"/api/v2/vstudio/decisions/{ids['unopened']}/open")
    for act in ("close", "reveal"):
        done(world, "host", f"{one}/{act}")


def money(world: World) -> None:
    """Recorded, verified, deposited; and an offer that sets out."""
    said = {"sourceType": "sync", "amount": "77", "currency": "USD", "sourceName": MARKUP[1], "notes": MARKUP[2]}
    event = done(world, "owner", f"/api/v2/masters/{world.ids['live']}/revenue-events", said)["id"]
    done(world, "finance", f"/api/v2/revenue-events/{event}/verify", {"receipt": "R-77"})
    with transaction() as session:
        news.recorded(session, session.get_one(RevenueEvent, uuid.UUID(event)), publicly=True)
    done(world, "owner", f"/api/v2/masters/{world.ids['draft']}/ipo/launch")


def chain(world: World) -> None:
    """A mint, a move, a claim and a listing that ended, as the indexer tells of them."""
    session, master = db.session(), uuid.UUID(world.ids["live"])
    held = session.scalars(sa.select(MasterContract).where(MasterContract.master_id == master)).one()
    paying = session.scalars(sa.select(DividendContract).where(DividendContract.master_id == master)).one()
    session.add(
        WalletDividendBalance(
            wallet_address=WALLET, master_id=master, dividend_contract_id=paying.id, chain_id=CHAIN,
            currency="USDC", total_earned=9, total_claimed=2, claimable_amount=7,
        )
    )  # fmt: skip
    place = {"block_number": 99, "block_time": "2026-01-01", "tx_hash": "0x" + "1" * 64}
    logs = [
        {"address": held.contract_address, "kind": "shares", "event": "Transfer", "sender": ZERO, "receiver": WALLET,
         "token_id": 3, "count": 1, "contract_id": held.id, "master_id": held.master_id},
        {"address": paying.contract_address, "kind": "dividends", "event": "DividendClaimed", "wallet": WALLET,
         "amount": 2, "currency": "USDC", "contract_id": paying.id, "master_id": paying.master_id},
        {"address": "0x" + "ee" * 20, "kind": "market", "event": "Cancelled", "sender": WALLET,
         "ref": held.contract_address, "token_id": 3},
    ]  # fmt: skip
    session.execute(sa.text(CREATE))
    for index, log in enumerate(logs):
        row = log | place | {"log_index": index}
        columns = ", ".join(row)
        session.execute(sa.text(f"INSERT INTO staged_logs ({columns}) VALUES (:{', :'.join(row)})"), row)
    shares.apply(session, CHAIN)
    session.commit()
    with transaction() as session:
        shares_news.announce(session, CHAIN, 99)
        dividends.announce(session, CHAIN, 99)


def staff(world: World) -> None:
    admin = ("admin", "POST", f"/admin/users/{world.ids['clerk']}/suspend")
    assert world.ask(*admin, keep=True, data={"reason": canaries.MARK}).status_code == 303
    done(world, "admin", f"/api/v2/admin/masters/{world.ids['waiting']}/send-back", {"reason": "The cover"})
    live.tell_staff_now("jobs")


def copy(world: World, socket: SocketIOTestClient) -> None:
    """The fan asks for a copy of their data and looks on while it is made."""
    assert world.ask("fan", "POST", "/me/data/exports", keep=True).status_code == 303
    export = db.session().scalars(sa.select(DataExport.id)).one()
    assert ask(socket, "join", f"job:{export}")["ok"]
    exporting.gather(export)


def done(world: World, kind: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    answer = world.ask(kind, "POST", path, keep=True, echoes=True, json=body or {})
    assert answer.status_code < 300, (path, answer.text)
    live.publisher().flush()
    return dict(answer.json)


def test_frames_tell_no_secrets(world: World, line: None) -> None:  # noqa: F811
    """Promise 41: vote, mint, revenue, claim, offer, suspension, notices and copies, heard by every kind of person."""
    hostile_words(world)
    there = listeners(world)
    for act in (votes, money, chain, staff):
        act(world)
        live.publisher().flush()
    copy(world, there["fan"])
    live.publisher().flush()
    heard, end = dict.fromkeys(KINDS, ""), time.monotonic() + 5
    frames: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    while {frame["name"] for got in frames.values() for frame in got} != KINDS_OF_NEWS and time.monotonic() < end:
        for kind, socket in there.items():
            frames[kind] += socket.get_received() if socket.is_connected() else []
        time.sleep(0.02)
    assert {frame["name"] for got in frames.values() for frame in got} == KINDS_OF_NEWS, "every kind of news was told"
    for kind, got in frames.items():
        heard[kind] = json.dumps(got)
        assert canaries.found(heard[kind], kind, world.tokens) == [], kind
        assert "<" not in heard[kind], f"{kind} was sent words of people"
    for name, whose in OWN.items():
        assert {kind for kind, got in frames.items() if name in {frame["name"] for frame in got}} == whose, name
    for kind in set(KINDS) - STAFF:
        assert "admin." not in heard[kind], f"{kind} heard what staff are told"
    for kind in set(KINDS) - {"owner"}:
        assert world.ids["draft"] not in heard[kind], f"{kind} heard of a draft"
    for socket in there.values():
        socket.disconnect()
