"""A coin as pages show it: planned, being made or made, its parts in order, and how far its buyers are paid."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session

from portal.config import Settings
from portal.masters import acts
from portal.masters.launch import coin_job
from portal.money import BPS
from portal.tokens import queries, service
from portal.tokens.models import ArtistToken, CoinPlan

PARTS = (
    ("artist_bps", "The artist", "ink"),
    ("participants_bps", "First buyers", "c1"),
    ("liquidity_bps", "For trading, later", "c2"),
    ("community_bps", "Community", "c3"),
)
"""Column, words and colour of each part."""


def shown(session: Session, artist_id: uuid.UUID, settings: Settings, *, steps: bool = False) -> dict[str, Any] | None:
    """Values of the macro `coin_card`; None for an artist without a coin or a plan for one.

    With `steps`, what the chain was asked is told too, which ends the read transaction that is open.
    """
    act = acts.find(session, coin_job(artist_id)) if steps else None
    plan = queries.plan_of(session, artist_id)
    coin = queries.coin_of(session, artist_id, str(settings.chain_id))
    if plan is None:
        return None
    supply = coin.total_supply if coin else service.supply_units(settings)
    return {
        "name": plan.name,
        "symbol": plan.symbol,
        "made": coin is not None,
        "making": coin is None and plan.ipo_id is not None,
        "supply": supply // service.UNIT,
        "parts": parts(plan, supply),
        "address": coin.contract_address if coin else None,
        "holders": int(coin.holders_count or 0) if coin else None,
        "paid": plan.wallets_paid,
        "to_pay": plan.wallets_to_pay,
        "steps": acts.steps(act, "the coin exists") if act and not (coin and act.settled) else [],
        "failed": act is not None and act.failure is not None,
    }


def parts(plan: CoinPlan, supply: int) -> list[dict[str, Any]]:
    """Name, bps, whole coins and colour of each part; the artist's takes what rounding leaves."""
    others = {column: supply * getattr(plan, column) // BPS for column, _, _ in PARTS[1:]}
    amounts = {"artist_bps": supply - sum(others.values())} | others
    return [
        {"name": name, "bps": getattr(plan, column), "amount": amounts[column] // service.UNIT, "tone": tone}
        for column, name, tone in PARTS
    ]


def of_coin(session: Session, coin: ArtistToken) -> list[dict[str, Any]]:
    """The parts of a coin that exists; empty where it was made without a plan."""
    plan = queries.plan_of(session, coin.artist_id)
    return parts(plan, coin.total_supply) if plan else []
