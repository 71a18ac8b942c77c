"""Reads about artist coins: the plan, the coin, who holds it."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from portal.masters.models import Master, MasterContract, MasterIpo
from portal.tokens.models import ArtistToken, CoinPlan, TokenHolder

Place = tuple[int, str]


def plan_of(session: Session, artist_id: uuid.UUID, *, lock: bool = False) -> CoinPlan | None:
    """What the artist's coin is to be called; None before anybody said so."""
    statement = sa.select(CoinPlan).where(CoinPlan.artist_id == artist_id)
    return session.scalars(statement.with_for_update() if lock else statement).one_or_none()


def coin_of(session: Session, artist_id: uuid.UUID, chain_id: str) -> ArtistToken | None:
    """The artist's coin on this chain, with its artist."""
    t = ArtistToken
    statement = sa.select(t).where(t.artist_id == artist_id, t.chain_id == chain_id).options(joinedload(t.artist))
    return session.scalars(statement).one_or_none()


def first_deployment(session: Session, artist_id: uuid.UUID, chain_id: str) -> int:
    """The block of the artist's first shares on this chain; 0 where that is not known."""
    of_artist = sa.select(Master.id).where(Master.artist_id == artist_id)
    first = sa.select(sa.func.min(MasterContract.deployed_at_block))
    where = MasterContract.chain_id == chain_id, MasterContract.master_id.in_(of_artist)
    return int(session.scalar(first.where(*where)) or 0)


def coin(session: Session, coin_id: uuid.UUID) -> ArtistToken | None:
    return session.get(ArtistToken, coin_id)


def symbol_taken(session: Session, symbol: str, artist_id: uuid.UUID) -> bool:
    """Whether another artist's coin is called so."""
    taken = sa.select(CoinPlan.id).where(CoinPlan.symbol == symbol, CoinPlan.artist_id != artist_id)
    return session.scalar(taken) is not None


def holders(session: Session, coin_id: uuid.UUID, limit: int, after: Place | None = None) -> list[TokenHolder]:
    """Wallets with a balance, the largest first, from the one after (balance, wallet) `after`."""
    h = TokenHolder
    statement = sa.select(h).where(h.artist_token_id == coin_id, h.balance > 0)
    if after is not None:
        balance, wallet = after
        behind = sa.and_(h.balance == balance, h.wallet_address > wallet)
        statement = statement.where(sa.or_(h.balance < balance, behind))
    return list(session.scalars(statement.order_by(h.balance.desc(), h.wallet_address).limit(limit)))


def offer(session: Session, ipo_id: uuid.UUID) -> MasterIpo:
    """An offer with its master and artist."""
    return session.scalars(
        sa.select(MasterIpo).where(MasterIpo.id == ipo_id).execution_options(populate_existing=True)
    ).one()


def minters(session: Session, master_id: uuid.UUID) -> list[tuple[str, int]]:
    """(wallet, shares) of those who bought at a master's sale, whoever owns them now; by wallet."""
    rows = session.execute(
        sa.text(
            "SELECT original_minter_wallet AS wallet, count(*) AS shares FROM master_nfts"
            " WHERE master_id = :master AND original_minter_wallet IS NOT NULL GROUP BY 1 ORDER BY 1"
        ),
        {"master": master_id},
    )
    return [(row.wallet, row.shares) for row in rows]
