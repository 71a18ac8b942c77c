"""What is done about files behind the scenes."""

from __future__ import annotations

from flask import current_app

from portal import outbox
from portal.config import Settings
from portal.db import db, transaction
from portal.files import ipfs, queries
from portal.queue import job


@job("add_to_ipfs")
def add_to_ipfs(cid: str) -> None:
    """Give the IPFS node a file that a contract leads to. Without AUDIFI_IPFS_URL nothing is sent anywhere."""
    settings: Settings = current_app.config["SETTINGS"]
    content = queries.content(db.session(), cid) if settings.ipfs_url else None
    db.session.rollback()
    if content is not None:
        ipfs.put(settings.ipfs_url, cid, content)
    with transaction() as session:
        outbox.finish(session)
