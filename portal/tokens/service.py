"""An artist's coin: what it is called, who gets which part of it, and the row that says that it exists."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from portal import db, faults, outbox
from portal.artists import queries as artist_queries
from portal.artists.models import Artist
from portal.audit.enums import AuditActionCategory
from portal.audit.service import record
from portal.config import Settings
from portal.db import transaction
from portal.errors import Conflict, FieldError, Forbidden, Invalid, Waiting
from portal.idempotency import KeyedRequest, claim, keep
from portal.masters.enums import IpoStatus
from portal.masters.launch import coin_job
from portal.masters.models import MasterIpo
from portal.money import BPS
from portal.outbox import OutboxJob
from portal.tokens import queries
from portal.tokens.models import ArtistToken, CoinPlan

DECIMALS = 18
UNIT: int = 10**DECIMALS
MOST_NAME_BYTES = 64
SYMBOL = re.compile(r"[A-Z][A-Z0-9]{1,10}", re.ASCII)
OF_OTHERS = frozenset({"ETH", "WETH", "BTC", "WBTC", "USDC", "USDT", "DAI", "USD", "EUR", "GBP", "POL", "MATIC"})
"""Symbols that people read as other money."""
TAKEN = "Another coin here is called so."

db.explain("uq_coin_plans_symbol", lambda: Invalid(FieldError("symbol", TAKEN)))
db.explain("uq_coin_plans_artist_id", lambda: Conflict("Somebody named this coin just now. Please look again."))


@dataclass(frozen=True)
class CoinMade:
    """What the chain says about a created coin; supply in smallest units, time by the chain's clock."""

    chain_id: str
    address: str
    supply: int
    tx_hash: str
    block: int
    at: dt.datetime


def supply_units(settings: Settings) -> int:
    """The whole supply of a coin in smallest units."""
    return settings.coin_supply * UNIT


def suggested(session: Session, artist: Artist) -> tuple[str, str]:
    """A name and a free symbol made from the artist's name."""
    name = artist.artist_name.encode()[:MOST_NAME_BYTES].decode(errors="ignore").strip()
    plain = unicodedata.normalize("NFKD", artist.artist_name).encode("ascii", "ignore").decode().upper()
    stem = re.sub(r"^[0-9]+|[^A-Z0-9]", "", re.sub(r"[^A-Z0-9]", "", plain))[:5]
    stem = stem if len(stem) > 1 else "COIN"
    number = 1
    symbol = stem
    while symbol in OF_OTHERS or queries.symbol_taken(session, symbol, artist.id):
        number += 1
        symbol = f"{stem}{number}"
    return name, symbol


def name_coin(
    user_id: uuid.UUID, name: str, symbol: str, settings: Settings, keyed: KeyedRequest | None = None
) -> CoinPlan:
    """Say what one's own coin is to be called.

    Raises Invalid for an unfit or taken symbol, Conflict once the coin is being made.
    """
    with transaction() as session:
        claim(session, keyed)
        artist = artist_queries.of_user(session, user_id)
        if artist is None:
            raise Forbidden("Only artists have a coin.")
        plan = queries.plan_of(session, artist.id, lock=True)
        if plan is not None and plan.ipo_id is not None:
            raise Conflict("The coin is made: its name cannot change any more.")
        _must_fit(session, artist.id, name, symbol)
        before: dict[str, object] = {"name": plan.name, "symbol": plan.symbol} if plan else {}
        plan = plan or _add(session, artist, name, symbol, settings)
        plan.name, plan.symbol = name, symbol
        session.flush()
        _record(session, "name_coin", plan, before, {"name": name, "symbol": symbol})
        keep(session, plan)
        return plan


def fix_plan(session: Session, ipo: MasterIpo, settings: Settings) -> CoinPlan | None:
    """The plan as the coin is made from it, bound to its first offer; None where the coin exists.

    Inside the caller's transaction. Running again finds the same words and parts.
    """
    artist = ipo.master.artist
    if queries.coin_of(session, artist.id, str(settings.chain_id)) is not None:
        return None
    plan = queries.plan_of(session, artist.id, lock=True)
    plan = plan or _add(session, artist, *suggested(session, artist), settings)
    if plan.ipo_id is None:
        plan.ipo_id = ipo.id
        (plan.artist_bps, plan.participants_bps, plan.liquidity_bps, plan.community_bps) = _parts(settings)
        session.flush()
        _record(session, "fix_coin", plan, {}, {"name": plan.name, "symbol": plan.symbol, "ipo": str(ipo.id)})
    return plan


def record_coin(artist_id: uuid.UUID, made: CoinMade) -> None:
    """Write the coin's row once, in the transaction that ends the job."""
    with transaction() as session:
        plan = queries.plan_of(session, artist_id, lock=True)
        if plan is None:
            raise Conflict("Nobody planned this coin.")
        values = {
            "id": uuid.uuid4(),
            "artist_id": artist_id,
            "chain_id": made.chain_id,
            "contract_address": made.address,
            "name": plan.name,
            "symbol": plan.symbol,
            "decimals": DECIMALS,
            "total_supply": made.supply,
            "deployment_tx_hash": made.tx_hash,
            "deployed_at_block": made.block,
            "deployed_at": made.at,
        }
        row = insert(ArtistToken).values(**values).on_conflict_do_nothing().returning(ArtistToken.id)
        if session.scalar(row) is not None:
            faults.point("coin-row")
            _record(session, "record_coin", plan, {}, {"tx": made.tx_hash, "contract": made.address})
        outbox.finish(session)


def retry_coin(user_id: uuid.UUID, keyed: KeyedRequest | None = None) -> None:
    """Let the making of one's own coin run again after it failed. Raises NotFound when it has not."""
    with transaction() as session:
        claim(session, keyed)
        artist = artist_queries.of_user(session, user_id)
        if artist is None:
            raise Forbidden("Only artists have a coin.")
        outbox.retry(session, coin_job(artist.id))
        record(session, "retry_coin", AuditActionCategory.IPO, target=("artist", artist.id, artist.slug))


# --- the buyers' part -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """What a first buyer's wallet gets, in smallest units."""

    wallet: str
    amount: int


@dataclass(frozen=True)
class Payout:
    """A coin and what the first buyers get of it."""

    coin_id: uuid.UUID
    artist_id: uuid.UUID
    address: str
    shares: list[Share]


def payout(ipo_id: uuid.UUID, settings: Settings) -> Payout | None:
    """The coin and what each first buyer of a closed offer gets; None where this offer's buyers get nothing.

    The artist's first offer has the participants' part; where that one was called off, the next that closes. Each
    minted share counts `part // total supply`; what belongs to unminted shares stays in the distribution wallet.
    Raises Waiting while the coin is not made yet.
    """
    with transaction() as session:
        ipo = queries.offer(session, ipo_id)
        plan = queries.plan_of(session, ipo.master.artist_id, lock=True)
        if plan is None or ipo.status is not IpoStatus.CLOSED or not _has_the_part(session, plan, ipo):
            return None
        coin = queries.coin_of(session, ipo.master.artist_id, str(settings.chain_id))
        if coin is None:
            raise Waiting("The coin is not made yet.")
        bought = queries.minters(session, ipo.master_id)
        if plan.per_share is None:
            plan.ipo_id, plan.wallets_to_pay = ipo.id, len(bought)
            plan.per_share = coin.total_supply * plan.participants_bps // BPS // ipo.total_supply
            session.flush()
            figures: dict[str, object] = {"perShare": str(plan.per_share), "wallets": len(bought)}
            _record(session, "share_coin", plan, {}, figures)
        shares = [Share(wallet, plan.per_share * count) for wallet, count in bought if plan.per_share]
        return Payout(coin.id, coin.artist_id, coin.contract_address, shares)


def note_paid(artist_id: uuid.UUID, wallets: int, *, last: bool) -> None:
    """So many wallets have their coins; the last time ends the job."""
    with transaction() as session:
        plan = queries.plan_of(session, artist_id, lock=True)
        if plan is not None and plan.wallets_paid < wallets:
            before, plan.wallets_paid = plan.wallets_paid, min(wallets, plan.wallets_to_pay or 0)
            session.flush()
            _record(session, "pay_coins", plan, {"walletsPaid": before}, {"walletsPaid": wallets})
        if last:
            outbox.finish(session)


def _has_the_part(session: Session, plan: CoinPlan, ipo: MasterIpo) -> bool:
    if plan.ipo_id == ipo.id:
        return True
    first = session.get(MasterIpo, plan.ipo_id) if plan.ipo_id else None
    return plan.per_share is None and first is not None and first.status is IpoStatus.CANCELLED


def _must_fit(session: Session, artist_id: uuid.UUID, name: str, symbol: str) -> None:
    wrong = []
    if not 1 <= len(name.encode()) <= MOST_NAME_BYTES:
        wrong.append(FieldError("name", "A name has 1 to 64 characters."))
    if not SYMBOL.fullmatch(symbol):
        wrong.append(FieldError("symbol", "A symbol has 2 to 11 capital letters or digits and begins with a letter."))
    elif symbol in OF_OTHERS:
        wrong.append(FieldError("symbol", "People know other money by this symbol."))
    elif queries.symbol_taken(session, symbol, artist_id):
        wrong.append(FieldError("symbol", TAKEN))
    if wrong:
        raise Invalid(wrong)


def _add(session: Session, artist: Artist, name: str, symbol: str, settings: Settings) -> CoinPlan:
    names = ("artist_bps", "participants_bps", "liquidity_bps", "community_bps")
    parts = dict(zip(names, _parts(settings), strict=True))
    plan = CoinPlan(id=uuid.uuid4(), artist=artist, artist_id=artist.id, name=name, symbol=symbol, **parts)
    session.add(plan)
    session.flush()
    return plan


def _parts(settings: Settings) -> tuple[int, int, int, int]:
    return (
        settings.coin_artist_bps,
        settings.coin_participants_bps,
        settings.coin_liquidity_bps,
        settings.coin_community_bps,
    )


def _record(
    session: Session, action: str, plan: CoinPlan, before: dict[str, object], after: dict[str, object]
) -> None:
    target = ("coin", plan.id, plan.symbol)
    record(session, action, AuditActionCategory.IPO, target=target, before=before, after=after)


def being_made(session: Session, artist_id: uuid.UUID) -> bool:
    """Whether the making of the coin was asked for."""
    name = coin_job(artist_id)
    return session.scalar(sa.select(OutboxJob.id).where(OutboxJob.dedupe == name)) is not None
