"""Reads about shares: who holds which, and how each came there."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager, joinedload

from portal.masters.models import Master
from portal.masters.queries import SHOWN
from portal.nfts.models import MasterNft, NftTransfer

Place = tuple[int, int]


def of_master(session: Session, master_id: uuid.UUID, limit: int, after: int | None = None) -> list[MasterNft]:
    """Shares of a master by their number, from the one after `after`; handed-back ones among them."""
    n = MasterNft
    statement = sa.select(n).where(n.master_id == master_id).order_by(n.token_id).limit(limit)
    return list(session.scalars(statement if after is None else statement.where(n.token_id > after)))


def public(session: Session, nft_id: uuid.UUID) -> MasterNft | None:
    """A share of a master that everybody may see, with its master and artist."""
    whole = contains_eager(MasterNft.master).joinedload(Master.artist)
    return session.scalars(
        sa.select(MasterNft)
        .join(MasterNft.master)
        .where(MasterNft.id == nft_id, Master.status.in_(SHOWN))
        .options(whole)
    ).one_or_none()


def of_number(session: Session, master_id: uuid.UUID, number: int) -> MasterNft | None:
    """A share by its number, with its master and artist."""
    n, whole = MasterNft, joinedload(MasterNft.master).joinedload(Master.artist)
    statement = sa.select(n).where(n.master_id == master_id, n.token_id == number).options(whole)
    return session.scalars(statement).one_or_none()


def launched(session: Session, master_id: uuid.UUID) -> Master | None:
    """A master whose contract stands on the chain, with its artist."""
    statement = sa.select(Master).where(Master.id == master_id, Master.contracts.any())
    return session.scalars(statement.options(joinedload(Master.artist))).one_or_none()


def transfers(session: Session, nft_id: uuid.UUID, limit: int, after: Place | None = None) -> list[NftTransfer]:
    """Moves of a share, the newest first, from the one before (block, log index) `after`."""
    t = NftTransfer
    place = sa.tuple_(t.block_number, t.log_index)
    statement = sa.select(t).where(t.master_nft_id == nft_id)
    if after is not None:
        statement = statement.where(place < sa.tuple_(*after))
    return list(session.scalars(statement.order_by(t.block_number.desc(), t.log_index.desc()).limit(limit)))


def holdings(session: Session, wallets: Sequence[str], chain_id: str) -> list[MasterNft]:
    """Shares in these wallets, with master and artist, by master and number."""
    n = MasterNft
    return list(
        session.scalars(
            sa.select(n)
            .where(n.current_owner_wallet.in_(wallets), n.chain_id == chain_id)
            .options(joinedload(n.master).joinedload(Master.artist))
            .order_by(n.master_id, n.token_id)
        )
    )


def shares_held(
    session: Session,
    wallets: Sequence[str],
    chain_id: str,
    *,
    artist_id: uuid.UUID | None = None,
    master_id: uuid.UUID | None = None,
) -> list[uuid.UUID]:
    """Ids of the shares in these wallets, of any master of an artist or of one master, in a fixed order."""
    n = MasterNft
    statement = sa.select(n.id).where(n.current_owner_wallet.in_(wallets), n.chain_id == chain_id)
    if artist_id is not None:
        statement = statement.join(n.master).where(Master.artist_id == artist_id)
    if master_id is not None:
        statement = statement.where(n.master_id == master_id)
    return list(session.scalars(statement.order_by(n.minted_at_block, n.id)))
