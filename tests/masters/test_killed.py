"""Killed at any line of a launch and run again, it deploys once: promises of the launch, at twenty points.

A crash in this process raises at the line; in the slow variant a process of its own is ended there as kill -9 would.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import faults
from portal.accounts.service import link_wallet
from portal.chain import signer as signers
from portal.chain.abi import EVENTS, record_key
from portal.chain.bootstrap import Contracts
from portal.chain.client import Client as Node
from portal.db import db, transaction
from portal.masters import launch
from portal.masters.enums import IpoStatus
from portal.masters.models import DividendContract, Master, MasterContract, MasterIpo
from portal.outbox import OutboxJob
from portal.tokens.models import ArtistToken
from tests import factories

Work = Callable[[], int]
COMMAND = ("launch-terms", "launch-scheduled", "launch-asked")
DEPLOY = (
    "deploy-prepared", "send-unsaved", "send-uncommitted", "send-signed", "send-delivered", "send-broadcast",
    "deploy-asked", "deploy-made", "market-sent", "deploy-sent", "record-shares", "record-dividends", "record-opened",
    "record-finished", "deploy-recorded",
)  # fmt: skip
SOME = ("send-uncommitted", "market-sent", "record-opened")
COIN = ("coin-planned", "coin-prepared", "coin-sent", "coin-row", "coin-recorded")
CREATED = next(topic for topic, event in EVENTS.items() if event.name == "MasterCreated")
POINTS = COMMAND + DEPLOY + COIN
CHILD = """
import json, sys, uuid
from pathlib import Path
from portal import queue
from portal.app import create_app
from portal.config import Settings
from portal.db import use_database
from portal.masters import launch
given = json.loads(sys.argv[1])
read = {"data_dir": Path, "secret_key_fallbacks": tuple, "trusted_hosts": tuple}
settings = Settings(**{name: read.get(name, lambda same: same)(value) for name, value in given.items()})
app = create_app(settings)
with app.app_context():
    use_database(settings.for_worker())
    if sys.argv[2] == "launch":
        launch.launch_ipo(uuid.UUID(sys.argv[3]), uuid.UUID(sys.argv[4]))
    else:
        queue.JOBS[sys.argv[2]](sys.argv[3])
"""


@dataclass(frozen=True)
class Draft:
    """One that may not be resold: the launch with the most steps."""

    user_id: uuid.UUID
    master_id: uuid.UUID
    ipo_id: uuid.UUID


@pytest.fixture
def drafts(live_app: Flask, contracts: Contracts, session: Session) -> Callable[[int], Draft]:
    """Makes one, of an artist of its own whose wallet is the demo wallet of this number."""
    settings = live_app.config["SETTINGS"]

    def make(number: int) -> Draft:
        made = factories.artist(db.session())
        with transaction() as inner:
            wallet = list(signers.demo_signers(settings))[number]
            link_wallet(inner, made.user_id, wallet, str(settings.chain_id), "Wallet")
        master = factories.master(db.session(), made, allow_resale=False)
        assert master.ipo is not None
        return Draft(made.user_id, master.id, master.ipo.id)

    return make


def deployed_once(session: Session, node: Node, draft: Draft, factory: str) -> None:
    """What must be true whatever died: one event for the key, one row of each kind, one coin, open."""
    session.rollback()
    assert len(node.get_logs(0, "latest", [factory], [CREATED, record_key(draft.master_id)])) == 1
    count = sa.func.count()
    for model in (MasterContract, DividendContract):
        assert session.scalar(sa.select(count).where(model.master_id == draft.master_id)) == 1, model
    artist_id = session.scalars(sa.select(Master.artist_id).where(Master.id == draft.master_id)).one()
    assert session.scalar(sa.select(count).where(ArtistToken.artist_id == artist_id)) == 1
    assert session.scalar(sa.select(MasterIpo.status).where(MasterIpo.id == draft.ipo_id)) is IpoStatus.LIVE
    jobs = OutboxJob.job.in_(("deploy_contract", "deploy_coin"))
    assert list(session.scalars(sa.select(OutboxJob.dedupe).where(OutboxJob.done_at.is_(None), jobs))) == []


def due_again(session: Session) -> None:
    """As if the pause after a failure were over."""
    session.rollback()
    session.execute(sa.update(OutboxJob).values(not_before=None))
    session.commit()


def crash(session: Session, draft: Draft, work: Work, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """A launch that ends at this line, and everything run again."""
    if point in COMMAND:
        monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
        with pytest.raises(faults.Fault):
            launch.launch_ipo(draft.user_id, draft.master_id)
        monkeypatch.setattr(faults, "ARMED", "")
    launch.launch_ipo(draft.user_id, draft.master_id)
    if point not in COMMAND:
        monkeypatch.setattr(faults, "ARMED", f"{point}:raise")
        with pytest.raises(AssertionError, match=point):
            work()
        monkeypatch.setattr(faults, "ARMED", "")
    due_again(session)
    work()


@pytest.mark.walk
def test_ended_in_between_it_deploys_once(
    session: Session, drafts: Callable[[int], Draft], contracts: Contracts, onchain: Node, work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number, point in enumerate(SOME):
        draft = drafts(number)
        crash(session, draft, work, monkeypatch, point)
        deployed_once(session, onchain, draft, contracts.factory)


@pytest.mark.slow
def test_ended_at_any_line_it_deploys_once(
    session: Session, drafts: Callable[[int], Draft], contracts: Contracts, onchain: Node, work: Work,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for number, point in enumerate(POINTS):
        draft = drafts(number)
        crash(session, draft, work, monkeypatch, point)
        deployed_once(session, onchain, draft, contracts.factory)


@pytest.mark.slow
@pytest.mark.parametrize("run", range(4))
def test_a_process_that_is_killed_at_random_lines_leaves_one_deployment(
    live_app: Flask, session: Session, drafts: Callable[[int], Draft], contracts: Contracts, onchain: Node,
    work: Work, run: int,
) -> None:  # fmt: skip
    """Five kills -9 a run, one after the other, at lines chosen anew each time."""
    seed = int(os.environ.get("AUDIFI_TEST_SEED") or random.randrange(10**6)) + run
    draft = drafts(0)
    points = sorted(random.Random(seed).sample(range(len(POINTS)), 5))
    print(f"seed {seed}: {[POINTS[number] for number in points]}")
    launched = False
    for number in points:
        point = POINTS[number]
        if point in COMMAND:
            assert _child(live_app, point, "launch", str(draft.user_id), str(draft.master_id)) == -signal.SIGKILL
            continue
        if not launched:
            launch.launch_ipo(draft.user_id, draft.master_id)
            launched = True
        job = "deploy_coin" if point in COIN else "deploy_contract"
        if job == "deploy_coin":
            assert _child(live_app, "", "deploy_contract", str(draft.ipo_id)) == 0
        code = _child(live_app, point, job, str(draft.ipo_id))
        assert code in (0, -signal.SIGKILL), code
    if not launched:
        launch.launch_ipo(draft.user_id, draft.master_id)
    due_again(session)
    work()
    deployed_once(session, onchain, draft, contracts.factory)


def _child(app: Flask, point: str, *arguments: str) -> int:
    """Run a part of the launch in a process of its own; its exit code."""
    told = json.dumps(asdict(app.config["SETTINGS"]), default=str)
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AUDIFI_")}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, told, *arguments],
        cwd=Path(__file__).resolve().parents[2],
        env=environ | ({"AUDIFI_FAULT": point} if point else {}),
        capture_output=True,
        text=True,
    )
    assert done.returncode <= 0, done.stderr
    return done.returncode
