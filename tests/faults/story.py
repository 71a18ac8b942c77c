"""The demo story under fire: who is killed when, a patient client, and what must be true afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests
import sqlalchemy as sa
from sqlalchemy.orm import Session

from portal import demo
from portal.accounts.enums import UserRole
from portal.chain.abi import EVENTS
from portal.embedded.files import secret
from tests import factories
from tests.embedded.running import Portal, eventually

TOPICS = {event.name: topic for topic, event in EVENTS.items()}
NOBODY = "0x" + "0" * 64
WAIT_SECONDS = 45
BUSY = {"sign_in", "launch", "mint", "revenue", "claim"}  # where most is under way, most dies


class Patient(requests.Session):
    """A person at a browser: a page that does not come is asked for again, a button that broke is pressed again."""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        end, broken = time.monotonic() + WAIT_SECONDS, False
        while True:
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):
                answer = super().request(method, url, *args, **options)
                if answer.status_code not in (500, 502, 503, 504) or time.monotonic() > end:
                    return _as_done(answer) if broken and method == "POST" else answer
            assert time.monotonic() < end, f"{url!r} did not answer"
            broken = True
            time.sleep(0.3)


def _as_done(answer: requests.Response) -> requests.Response:
    """Pressed again, a button may say that it was done: the first press had arrived."""
    if answer.status_code == 409:
        answer.status_code = 202 if answer.url.endswith("launch") else 200
    return answer


class Killer:
    """Kills parts at random moments of the story, each time waiting until the supervisor has started it again."""

    def __init__(self, running: Portal, data: Path, victims: tuple[str, ...], kills: int, seed: int) -> None:
        self.running, self.data = running, data
        dice = random.Random(seed)
        weights = [5 if step.__name__ in BUSY else 1 for step in demo.STORY]
        steps = sorted(dice.choices(range(len(demo.STORY)), weights, k=kills))
        self.plan = [(step, dice.choice(victims), dice.uniform(0, 1.2)) for step in steps]
        self.killed: list[str] = []
        self._threads: list[threading.Thread] = []

    def step(self, number: int) -> None:
        """Set going what is to die from this step on."""
        for _, victim, delay in [one for one in self.plan if one[0] == number]:
            self._threads.append(threading.Thread(target=self._kill, args=(victim, delay), daemon=True))
            self._threads[-1].start()

    def wait(self) -> None:
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def _kill(self, victim: str, delay: float) -> None:
        time.sleep(delay)
        eventually(lambda: self._alive(victim), WAIT_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.running.pid_of(victim, self.data), signal.SIGKILL)
            self.killed.append(victim)

    def _alive(self, victim: str) -> bool:
        pid = self.running.pid_of(victim, self.data)
        with contextlib.suppress(OSError):
            return pid > 0 and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False


def walk_under_fire(running: Portal, data: Path, victims: tuple[str, ...], kills: int, seed: int) -> demo.Walk:
    """Every step of the story, with what it proved, while parts die; raises Falsehood."""
    killer = Killer(running, data, victims, kills, seed)
    print(f"seed {seed}: {killer.plan}")
    walk = demo.Walk(running.url)
    walk.rpc_url = "http://127.0.0.1:" + (data / "run" / "devchain.port").read_text()
    with contextlib.ExitStack() as closed:
        for browser in (walk.artist, walk.visitor, walk.fan, walk.staff):
            browser.http.close()
            browser.http = closed.enter_context(Patient())
        for number, step in enumerate(demo.STORY):
            killer.step(number)
            start = time.monotonic()
            proved = step(walk)
            print(f"{step.__name__}: {proved} ({time.monotonic() - start:.2f} s; killed so far: {killer.killed})")
    killer.wait()
    assert len(killer.killed) == kills
    return walk


# --- what must be true afterwards -------------------------------------------------------------------------


@contextlib.contextmanager
def observer(data: Path) -> Iterator[psycopg.Connection[Any]]:
    """A connection that sees everything."""
    password = secret(data, "postgres")
    where = {"host": str(data / "postgres"), "dbname": "audifi"}
    with psycopg.connect(**where, user="postgres", password=password, autocommit=True) as connection:
        yield connection


def add_staff(data: Path) -> None:
    """The member of staff that approves the offer, as the demo data would have it."""
    password = secret(data, "postgres")
    engine = sa.create_engine(f"postgresql+psycopg://postgres:{password}@/audifi?host={data / 'postgres'}")
    with Session(engine) as session:
        factories.person(session, demo.STAFF, [UserRole.ADMIN])
    engine.dispose()


def nothing_is_left(data: Path) -> None:
    """Wait until what was asked for by now is done (what waits for a later time may); nothing may have given up."""
    left: list[Any] = ["the database did not answer"]
    asked = "created_at <= %s AND (not_before IS NULL OR not_before < now() + interval '1 minute')"
    undone = f"SELECT dedupe, attempts, last_error FROM outbox WHERE done_at IS NULL AND {asked}"
    end = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=WAIT_SECONDS)
    now = dt.datetime.now(dt.UTC)
    while left and dt.datetime.now(dt.UTC) < end:
        time.sleep(0.1)
        with contextlib.suppress(psycopg.OperationalError), observer(data) as connection:
            left = connection.execute(undone, [now]).fetchall()
    assert left == [], left


def all_is_counted_once(walk: demo.Walk, data: Path) -> None:
    """One deposit, one claim, as many shares in the tables as on the chain, and a ledger that sums to zero."""
    master = walk.master["id"]
    count = "SELECT count(*) FROM {} WHERE master_id = %s".format
    with observer(data) as connection:
        deposits = _one(connection, count("dividend_events") + " AND event_type = 'deposit'", master)
        claims = _one(connection, count("dividend_claims"), master)
        minted = _one(connection, "SELECT minted_supply FROM master_ipos WHERE master_id = %s", master)
        shares = _one(connection, count("master_nfts"), master)
        revenue = _one(connection, count("revenue_events"), master)
        left = connection.execute("SELECT currency, sum(amount) FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0")
        assert left.fetchall() == []
        uneven = "SELECT posting_id FROM ledger_entries GROUP BY 1 HAVING sum(amount) <> 0"
        assert connection.execute(uneven).fetchall() == []
    assert (deposits, claims, revenue) == (1, 1, 1)
    assert minted == shares == len(_logs(walk, "shares", "Transfer", NOBODY)) == demo.SHARES
    assert len(_logs(walk, "dividends", "RevenueDeposited")) == 1
    assert len(_logs(walk, "dividends", "DividendClaimed")) == 1


def _logs(walk: demo.Walk, contract: str, event: str, *topics: str) -> list[Any]:
    wanted = {"address": walk.contracts[contract], "topics": [TOPICS[event], *topics], "fromBlock": "0x0"}
    found: list[Any] = walk.chain("eth_getLogs", wanted)
    return found


def _one(connection: psycopg.Connection[Any], query: str, *values: object) -> int:
    row = connection.execute(query, values).fetchone()
    assert row
    return int(row[0])
