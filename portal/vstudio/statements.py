"""The statements of a vote, built once: building them anew for each vote takes longer than running them.

The vote's own votes, session and participant are written by table, past the ORM's bookkeeping.
"""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute

from portal.accounts.models import UserWallet
from portal.artists.models import Artist
from portal.db import Units
from portal.masters.models import Master
from portal.nfts.models import MasterNft
from portal.tokens.models import ArtistToken, TokenHolder
from portal.vstudio.models import VstudioDecisionPoint, VstudioParticipant, VstudioSession, VstudioVote

VOTES = cast(sa.Table, VstudioVote.__table__)
SESSIONS = cast(sa.Table, VstudioSession.__table__)
PEOPLE = cast(sa.Table, VstudioParticipant.__table__)

SAID = (
    "option_selected",
    "slider_value",
    "text_response",
    "ranking_order",
    "weight",
    "verified_nft_holder",
    "verified_coin_holder",
    "verified_subscriber",
    "proving_token",
    "client_ip_hash",
)
"""What a vote says and what proves it: all that a changed vote replaces."""


def _ballot(*, lock: bool) -> sa.Select[Any]:
    """:decision -> the decision, its room, its artist and the time."""
    statement = (
        sa.select(VstudioDecisionPoint, VstudioSession, Artist, sa.func.clock_timestamp())
        .join(VstudioSession, VstudioSession.id == VstudioDecisionPoint.vstudio_session_id)
        .join(Artist, Artist.id == VstudioSession.artist_id)
        .where(VstudioDecisionPoint.id == sa.bindparam("decision"))
        .execution_options(populate_existing=True)
    )
    if lock:
        statement = statement.with_for_update(read=True, key_share=True, of=VstudioDecisionPoint)
    return statement


def _standing() -> sa.Select[Any]:
    """:user, :decision, :artist, :whitelist -> free shares, used shares, one free share, coins, on the list."""
    user = sa.bindparam("user", type_=sa.Uuid())
    wallets = (
        sa.select(UserWallet.wallet_address, UserWallet.chain_id)
        .where(UserWallet.user_id == user, UserWallet.verified)
        .cte("wallets")
    )
    shares = _shares(wallets, user)
    coins = (
        sa.select(sa.func.coalesce(sa.func.sum(TokenHolder.balance, type_=Units()), 0, type_=Units()))
        .join(ArtistToken, ArtistToken.id == TokenHolder.artist_token_id)
        .join(wallets, _same_wallet(wallets, TokenHolder.wallet_address, TokenHolder.chain_id))
        .where(ArtistToken.artist_id == sa.bindparam("artist"))
    )
    listed = sa.exists().where(wallets.c.wallet_address.in_(sa.bindparam("whitelist", expanding=True)))
    return sa.select(
        sa.select(sa.func.count()).select_from(shares).where(~shares.c.used).scalar_subquery(),
        sa.select(sa.func.count()).select_from(shares).where(shares.c.used).scalar_subquery(),
        sa.select(sa.func.min(shares.c.proof)).where(~shares.c.used).scalar_subquery(),
        coins.scalar_subquery(),
        listed,
    )


def _shares(wallets: sa.CTE, user: sa.BindParameter[Any]) -> sa.CTE:
    """Each share held: its name as a proof, and whether somebody else voted with it on this decision."""
    token = sa.cast(MasterNft.token_id, sa.Text)
    proof = sa.func.concat(MasterNft.chain_id, ":", MasterNft.contract_address, ":", token)
    used = sa.exists().where(
        VstudioVote.proving_token == proof,
        VstudioVote.decision_point_id == sa.bindparam("decision"),
        VstudioVote.user_id.is_distinct_from(user),
    )
    return (
        sa.select(proof.label("proof"), used.label("used"))
        .select_from(MasterNft)
        .join(Master, Master.id == MasterNft.master_id)
        .join(wallets, _same_wallet(wallets, MasterNft.current_owner_wallet, MasterNft.chain_id))
        .where(Master.artist_id == sa.bindparam("artist"))
        .cte("shares")
    )


def _same_wallet(
    wallets: sa.CTE, address: InstrumentedAttribute[str], chain: InstrumentedAttribute[str]
) -> sa.ColumnElement[bool]:
    return sa.and_(wallets.c.wallet_address == address, wallets.c.chain_id == chain)


def _vote_by(who: str) -> Any:
    """Insert a vote, or replace what the same voter said; returns id and whether it was replaced.

    `xmax` is 0 in a row that this statement inserted, and its own transaction in one that it updated.
    """
    statement = insert(VOTES)
    said = {name: statement.excluded[name] for name in SAID}
    return statement.on_conflict_do_update(
        index_elements=[who, "decision_point_id"], set_=said | {"updated_at": sa.func.now()}
    ).returning(VOTES.c.id, sa.literal_column("xmax <> 0").label("changed"))


def _participant() -> Any:
    """One vote more for a person in a room; returns whether they are new there."""
    return (
        insert(PEOPLE)
        .on_conflict_do_update(
            index_elements=["vstudio_session_id", "user_id"],
            set_={"votes_count": PEOPLE.c.votes_count + 1, "updated_at": sa.func.now()},
        )
        .returning(sa.literal_column("xmax = 0"))
    )


_of_room = SESSIONS.c.id == sa.bindparam("room")
_place_left = sa.or_(SESSIONS.c.max_participants.is_(None), SESSIONS.c.participant_count < SESSIONS.c.max_participants)

BALLOT = _ballot(lock=False)
BALLOT_LOCKED = _ballot(lock=True)
STANDING = _standing()
VOTE_BY = {"user_id": _vote_by("user_id"), "anonymous_id": _vote_by("anonymous_id")}
COUNT_VOTE = (
    sa.update(SESSIONS).where(_of_room).values(total_votes=SESSIONS.c.total_votes + 1).returning(SESSIONS.c.total_votes)
)
TOTAL = sa.select(SESSIONS.c.total_votes).where(_of_room)
PARTICIPANT = _participant()
COUNT_PARTICIPANT = (
    sa.update(SESSIONS).where(_of_room, _place_left).values(participant_count=SESSIONS.c.participant_count + 1)
)
