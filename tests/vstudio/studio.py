"""Rooms, decisions and holdings for the tests of votes. Shares and coins are written as the indexer writes them."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from portal.accounts.service import link_wallet
from portal.artists.models import Artist
from portal.db import db
from portal.masters.models import MasterContract
from portal.nfts.models import MasterNft
from portal.tokens.models import ArtistToken, TokenHolder
from portal.vstudio import decisions, rooms
from portal.vstudio.decisions import DecisionDetails
from portal.vstudio.models import VstudioDecisionPoint, VstudioParticipant, VstudioSession, VstudioVote
from portal.vstudio.queries import Voter
from portal.vstudio.rooms import RoomDetails
from portal.vstudio.rules import Choice
from portal.vstudio.service import CastVote, cast_vote
from tests import factories

CHAIN = "31337"
ENDINGS = (
    {"id": "a", "label": "Fade on the strings"},
    {"id": "b", "label": "Cold stop"},
    {"id": "c", "label": "Harbour tape"},
)
_number = itertools.count(1)


@dataclass(frozen=True)
class Held:
    """A room by its ids, which outlive the session that made it."""

    id: uuid.UUID
    owner_id: uuid.UUID
    artist_id: uuid.UUID

    @property
    def artist(self) -> Artist:
        return db.session().get_one(Artist, self.artist_id)


@dataclass(frozen=True)
class Asked:
    """A decision by its id."""

    id: uuid.UUID

    @property
    def row(self) -> VstudioDecisionPoint:
        return db.session().get_one(VstudioDecisionPoint, self.id, populate_existing=True)


def room(session: Session, by: Artist | None = None, *, live: bool = True, **details: Any) -> Held:
    """A room of an artist without plan limits."""
    by = by or factories.artist(session)
    held = Held(uuid.uuid4(), by.user_id, by.id)
    master = factories.master(session, by, ipo=False)
    made = rooms.create_room(held.owner_id, master.id, RoomDetails(**{"title": "Half the Harbour"} | details))
    if live:
        rooms.start(held.owner_id, made.id)
    return replace(held, id=made.id)


def poll(held: Held, *, opened: bool = True, **details: Any) -> Asked:
    """Which ending the record keeps; everybody with an account votes, unless told."""
    values = {"label": "Which ending does the record keep?", "options": ENDINGS} | details
    made = Asked(decisions.add_decision(held.owner_id, held.id, DecisionDetails(**values)).id)
    if opened:
        decisions.open_decision(held.owner_id, made.id)
    return made


def person(session: Session) -> uuid.UUID:
    """A person by their id."""
    return factories.person(session).id


def vote(user_id: uuid.UUID, decision: Asked, option: str = "a") -> CastVote:
    return cast_vote(Voter(user_id=user_id), decision.id, Choice(option_selected=option))


def address() -> str:
    return f"0x{next(_number):040x}"


def wallet(session: Session, user_id: uuid.UUID) -> str:
    """One more wallet linked to a person."""
    linked = link_wallet(session, user_id, address(), CHAIN, "test")
    session.commit()
    return linked.wallet_address


def shares(app: Flask, session: Session, artist: Artist, owner: str, count: int = 1) -> list[uuid.UUID]:
    """`count` shares of a master of this artist in a wallet."""
    master = factories.master(session, artist, ipo=False)
    contract = MasterContract(id=uuid.uuid4(), master_id=master.id, chain_id=CHAIN, contract_address=address())
    session.add(contract)
    session.commit()
    rows = [
        {
            "id": uuid.uuid4(),
            "master_id": master.id,
            "master_contract_id": contract.id,
            "token_id": number,
            "chain_id": CHAIN,
            "contract_address": contract.contract_address,
            "current_owner_wallet": owner,
            "original_minter_wallet": owner,
        }
        for number in range(1, count + 1)
    ]
    index(app, sa.insert(MasterNft), rows)
    return [row["id"] for row in rows]


def coins(app: Flask, session: Session, artist: Artist, owner: str, balance: int) -> None:
    """Coins of this artist in a wallet, in smallest units."""
    coin = session.scalar(sa.select(ArtistToken.id).where(ArtistToken.artist_id == artist.id))
    if coin is None:
        coin = uuid.uuid4()
        values = {"contract_address": address(), "name": "Coin", "symbol": "COIN", "total_supply": 10**24}
        session.add(ArtistToken(id=coin, artist_id=artist.id, chain_id=CHAIN, **values))
    session.commit()
    row = {"id": uuid.uuid4(), "artist_token_id": coin, "wallet_address": owner, "chain_id": CHAIN}
    index(app, sa.insert(TokenHolder), [row | {"balance": balance}])


def sell(app: Flask, nft_id: uuid.UUID, to: str) -> None:
    index(app, sa.update(MasterNft).where(MasterNft.id == nft_id).values(current_owner_wallet=to), None)


def index(app: Flask, statement: Any, rows: list[dict[str, Any]] | None) -> None:
    """Write what mirrors the chain, with the worker's rights."""
    engine = sa.create_engine(app.config["SETTINGS"].for_worker())
    try:
        with engine.begin() as connection:
            connection.execute(statement, rows)
    finally:
        engine.dispose()


def counted(room_id: uuid.UUID) -> dict[str, int]:
    """The session's counters beside a recount of what they count."""
    session = db.session()
    session.rollback()
    held = session.get_one(VstudioSession, room_id, populate_existing=True)
    count = sa.func.count()
    votes = sa.select(count).select_from(VstudioVote).where(VstudioVote.vstudio_session_id == room_id)
    people = sa.select(count).select_from(VstudioParticipant).where(VstudioParticipant.vstudio_session_id == room_id)
    by_people = sa.select(sa.func.coalesce(sa.func.sum(VstudioParticipant.votes_count), 0)).where(
        VstudioParticipant.vstudio_session_id == room_id
    )
    result = {
        "total_votes": held.total_votes,
        "participant_count": held.participant_count,
        "votes": session.scalar(votes) or 0,
        "participants": session.scalar(people) or 0,
        "votes_of_participants": int(session.scalar(by_people) or 0),
    }
    session.rollback()
    return result
