"""Covers that a contract leads to are given to the IPFS node, where there is one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal import outbox
from portal.db import db, utcnow
from portal.errors import Unavailable
from portal.files import ipfs, store
from portal.files.cids import cid_of
from portal.files.places import Place
from portal.files.store import Slot
from portal.masters import launch, publishing
from portal.masters.launch import Deployment
from portal.masters.models import MasterContract
from portal.nfts import metadata
from portal.nfts.models import MasterNft
from portal.outbox import OutboxJob
from tests import factories
from tests.files.test_store import WEBP, picture

CID = cid_of(WEBP)
MADE = Deployment("31337", "0x" + "3" * 40, "0x" + "4" * 40, "0x" + "5" * 64, 7, utcnow())


@dataclass
class Node:
    """A node of a few lines: it keeps what it is sent, and answers what it is told to."""

    url: str = ""
    status: int = 200
    answer: Any = field(default_factory=lambda: {"Key": CID, "Size": len(WEBP)})
    asked: list[str] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)


@pytest.fixture
def node() -> Iterator[Node]:
    held = Node()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            held.asked.append(self.path)
            held.kept.append(self.rfile.read(int(self.headers["Content-Length"])))
            body = held.answer if isinstance(held.answer, bytes) else json.dumps(held.answer).encode()
            self.send_response(held.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield held
    server.shutdown()
    thread.join()
    server.server_close()


def only_files() -> None:
    """What else a launch asks for needs a chain."""
    db.session().execute(sa.delete(OutboxJob).where(OutboxJob.job != "add_to_ipfs"))
    db.session().commit()


def test_a_block_is_put_and_pinned(node: Node) -> None:
    ipfs.put(node.url, CID, WEBP)
    assert node.asked == ["/api/v0/block/put?cid-codec=raw&mhtype=sha2-256&pin=true"]
    assert WEBP in node.kept[0]


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, {"Key": cid_of(b"o")}), (200, {}), (200, []), (200, b"<html>"), (500, {"Key": CID}), (302, {"Key": CID})],
)
def test_any_other_answer_is_refused(node: Node, status: int, answer: Any) -> None:
    node.status, node.answer = status, answer
    with pytest.raises(Unavailable):
        ipfs.put(node.url, CID, WEBP)
    assert len(node.asked) == 1


def test_a_silent_node_is_refused() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        ipfs.put("http://127.0.0.1:9", CID, WEBP)


def test_a_launch_gives_the_cover_to_the_node(
    app: Flask, session: Session, node: Node, run_jobs: Callable[[], int]
) -> None:
    """Once, and only from the moment a contract leads to it: what IPFS has cannot be taken back."""
    master = factories.master(session)
    slot = Slot(master.artist.user_id, Place.COVER, master_id=master.id)
    master.cover_image_url, master.cover_image_ipfs_hash = store.fill(session, slot, picture())
    session.commit()
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, ipfs_url=node.url)
    try:
        assert run_jobs() == 0
        for _twice in range(2):
            launch.record_deployment(master.ipo.id, MADE)  # type: ignore[union-attr]
        only_files()
        assert run_jobs() == 1
    finally:
        app.config["SETTINGS"] = settings
    assert len(node.asked) == 1
    assert WEBP in node.kept[0]


def test_a_node_that_came_later_gets_what_was_launched_before(
    app: Flask, session: Session, node: Node, run_jobs: Callable[[], int]
) -> None:
    master = factories.master(session)
    slot = Slot(master.artist.user_id, Place.COVER, master_id=master.id)
    master.cover_image_url, master.cover_image_ipfs_hash = store.fill(session, slot, picture())
    session.commit()
    assert publishing.publish_all() == 0
    launch.record_deployment(master.ipo.id, MADE)  # type: ignore[union-attr]
    only_files()
    assert (run_jobs(), node.asked) == (1, [])
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, ipfs_url=node.url)
    try:
        assert (publishing.publish_all(), run_jobs()) == (1, 1)
    finally:
        app.config["SETTINGS"] = settings
    assert WEBP in node.kept[0]


def test_without_a_node_nothing_is_sent(app: Flask, session: Session, run_jobs: Callable[[], int]) -> None:
    store.publish(session, CID)
    session.commit()
    assert run_jobs() == 1
    assert db.session().scalar(sa.select(OutboxJob.done_at)) is not None


def test_a_wrong_answer_is_tried_again(app: Flask, session: Session, node: Node) -> None:
    node.answer = {"Key": cid_of(b"other")}
    store.fill(session, Slot(factories.person(session).id, Place.AVATAR), picture())
    store.publish(session, CID)
    session.commit()
    settings = app.config["SETTINGS"]
    app.config["SETTINGS"] = replace(settings, ipfs_url=node.url)
    row = db.session().scalars(sa.select(OutboxJob.id)).one()
    try:
        outbox.perform(str(row))
    finally:
        app.config["SETTINGS"] = settings
    job = db.session().get_one(OutboxJob, row)
    assert (job.done_at, job.attempts, CID in str(job.last_error)) == (None, 1, True)


def test_a_shares_metadata_names_the_cover_by_its_content(session: Session) -> None:
    master = factories.master(session)
    at = {"master_id": master.id, "chain_id": "31337", "contract_address": "0x" + "6" * 40}
    contract = MasterContract(**at)
    session.add(contract)
    session.flush()
    wallets = {"current_owner_wallet": "0x" + "7" * 40, "original_minter_wallet": "0x" + "7" * 40}
    share = MasterNft(master_contract_id=contract.id, token_id=1, **at, **wallets)
    session.add(share)
    session.flush()
    before = metadata.of_share(share, "https://audifi.example")
    assert before["image"] == f"https://audifi.example/covers/{master.id}.svg"
    assert "image_url" not in before
    master.cover_image_url, master.cover_image_ipfs_hash = f"/ipfs/{CID}", CID
    origin = "https://audifi.example"
    for told in (metadata.of_share(share, origin), metadata.of_collection(master, origin)):
        assert (told["image"], told["image_url"]) == (f"ipfs://{CID}", f"{origin}/ipfs/{CID}")
