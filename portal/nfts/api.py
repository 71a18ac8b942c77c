"""Shares for API clients: of a master, one of them, and its moves."""

from __future__ import annotations

import uuid
from typing import Any

from portal.db import db
from portal.errors import NotFound
from portal.masters import queries as masters
from portal.nfts import queries, shapes
from portal.nfts.models import MasterNft
from portal.versions import Api
from portal.web import cursors
from portal.web.access import anyone

api = Api("nfts_api", __name__)


@api.get("/masters/<uuid:master_id>/nfts", versions=(2,), access=anyone)
def get_nfts(master_id: uuid.UUID, version: int) -> dict[str, Any]:
    """By number. The cursor is the last number."""
    session, limit, after = db.session(), cursors.limit(), cursors.after()
    if masters.public(session, master_id) is None:
        raise NotFound
    rows = queries.of_master(session, master_id, limit + 1, None if after is None else int(after[0]))
    shown = rows[:limit]
    last = [shown[-1].token_id] if len(rows) > limit else None
    return _page([shapes.nft(share, version) for share in shown], last)


@api.get("/nfts/<uuid:nft_id>", versions=(2,), access=anyone)
def get_nft(nft_id: uuid.UUID, version: int) -> dict[str, Any]:
    return shapes.nft_with_master(_share(nft_id), version)


@api.get("/nfts/<uuid:nft_id>/transfers", versions=(2,), access=anyone)
def get_transfers(nft_id: uuid.UUID, version: int) -> dict[str, Any]:
    """The newest first. The cursor is the last move's block and log index."""
    share, limit, after = _share(nft_id), cursors.limit(), cursors.after()
    place = None if after is None else (int(after[0]), int(after[1]))
    rows = queries.transfers(db.session(), share.id, limit + 1, place)
    shown = rows[:limit]
    last = [shown[-1].block_number, shown[-1].log_index] if len(rows) > limit else None
    return _page([shapes.transfer(move, version) for move in shown], last)


def _share(nft_id: uuid.UUID) -> MasterNft:
    share = queries.public(db.session(), nft_id)
    if share is None:
        raise NotFound
    return share


def _page(data: list[dict[str, Any]], last: list[Any] | None) -> dict[str, Any]:
    return {"data": data, "page": {"next": cursors.encode(last) if last else None}}
