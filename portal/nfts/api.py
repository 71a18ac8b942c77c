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
from portal.web.schema import Page, Paging

api = Api("nfts_api", __name__)


@api.get("/masters/<uuid:master_id>/nfts", versions=(2,), access=anyone, query=Paging)
def get_nfts(master_id: uuid.UUID, version: int) -> Page[shapes.Share]:
    """By number. The cursor is the last number."""
    session, limit, after = db.session(), cursors.limit(), cursors.after_numbers(1)
    if masters.public(session, master_id) is None:
        raise NotFound
    rows = queries.of_master(session, master_id, limit + 1, after[0] if after else None)
    shown = rows[:limit]
    last = [shown[-1].token_id] if len(rows) > limit else None
    return {"data": [shapes.nft(share) for share in shown], "page": {"next": _next(last)}}


@api.get("/nfts/<uuid:nft_id>", versions=(2,), access=anyone)
def get_nft(nft_id: uuid.UUID, version: int) -> shapes.ShareOfMaster:
    return shapes.nft_with_master(_share(nft_id))


@api.get("/nfts/<uuid:nft_id>/transfers", versions=(2,), access=anyone, query=Paging)
def get_transfers(nft_id: uuid.UUID, version: int) -> Page[shapes.Transfer]:
    """The newest first. The cursor is the last move's block and log index."""
    share, limit, after = _share(nft_id), cursors.limit(), cursors.after_numbers(2)
    rows = queries.transfers(db.session(), share.id, limit + 1, (after[0], after[1]) if after else None)
    shown = rows[:limit]
    last = [shown[-1].block_number, shown[-1].log_index] if len(rows) > limit else None
    return {"data": [shapes.transfer(move) for move in shown], "page": {"next": _next(last)}}


def _share(nft_id: uuid.UUID) -> MasterNft:
    share = queries.public(db.session(), nft_id)
    if share is None:
        raise NotFound
    return share


def _next(last: list[Any] | None) -> str | None:
    return cursors.encode(last) if last else None
