"""Commands that pay a verified event out: plan it, note its deposit, or its failure, and settle it.

The plan is made once, with its ledger posting, and kept in the event: whoever repeats the job reads it again.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from portal import faults, outbox
from portal.config import Settings
from portal.db import transaction, utcnow
from portal.errors import NotFound, Unavailable
from portal.masters import queries as masters
from portal.masters.models import DividendContract, MasterIpo
from portal.revenue import income, ledger, news, queries, rules
from portal.revenue.enums import RevenueEventStatus as Status
from portal.revenue.ledger import Line
from portal.revenue.models import RevenueEvent
from portal.revenue.service import audit, move, note

MOST_PARTS = 20
"""Wallets that one deposit credits by name (`Dividends.vy`); whoever comes after is credited on the ledger."""
LOOK_AGAIN = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Part:
    """What one party gets: in the deposit where it has a wallet, else on the ledger until it has one."""

    party: str
    amount: int
    wallet: str | None = None


@dataclass(frozen=True)
class Plan:
    """One deposit, in smallest units of `currency`. `address` is the master's dividend contract."""

    event_id: uuid.UUID
    attempt: int
    contract_id: uuid.UUID
    address: str
    currency: str
    holders: int
    parts: tuple[Part, ...]
    credited: tuple[Part, ...]
    posting: str = ""

    @property
    def total(self) -> int:
        """What leaves the treasury."""
        return self.holders + sum(part.amount for part in self.parts)


def plan_distribution(event_id: uuid.UUID, settings: Settings) -> Plan | None:
    """The deposit that this event needs, decided once; None when there is nothing to send (the job is finished).

    An event of a master without a contract looks again later; a correction, or income that only makes good an
    earlier correction, is carried forward and needs no deposit.
    """
    with transaction() as session:
        event = queries.event(session, event_id, lock=True)
        if event is not None and event.status is Status.VERIFIED:
            kept = note(event, "plan")
            plan = _from_json(event.id, kept) if kept else _decide(session, event, settings)
            if plan is not None:
                return plan
        outbox.finish(session)
        return None


def note_deposit(plan: Plan, tx_hash: str, at: dt.datetime | None = None) -> None:
    """The chain took the deposit: verified -> deposited, with its transaction, its block's time (`at`; unknown: now)
    and an audit row."""
    with transaction() as session:
        event = queries.event(session, plan.event_id, lock=True)
        if event is not None and event.status is Status.VERIFIED:
            _deposited(session, event, plan, tx_hash, at or utcnow())
            news.recorded(session, event)
        outbox.finish(session)


def note_failure(plan: Plan, reason: str) -> None:
    """The chain refused the deposit: verified -> failed, the posting taken back; `retry_revenue` starts anew."""
    with transaction() as session:
        event = queries.event(session, plan.event_id, lock=True)
        if event is not None and event.status is Status.VERIFIED and note(event, "plan"):
            ledger.reverse(session, uuid.UUID(plan.posting))
            notes = {"plan": None, "attempt": plan.attempt, "failure": reason}
            move(session, event, {Status.VERIFIED}, Status.FAILED, notes)
            audit(session, "fail_revenue", event, after={"status": event.status.value, "reason": reason})
            news.recorded(session, event)
        outbox.finish(session)


def settle_revenue(event_id: uuid.UUID) -> None:
    """The deposit is final: status distributed, the parties paid on the ledger, the contract's carry mirrored.

    Raises Unavailable while the indexer has not written the distribution.
    """
    with transaction() as session:
        event = queries.event(session, event_id, lock=True)
        if event is None:
            raise NotFound
        if event.status is not Status.DISTRIBUTED:
            _settle(session, event)
        outbox.finish(session)


# --- deciding ---------------------------------------------------------------------------------------------


def _decide(session: Session, event: RevenueEvent, settings: Settings) -> Plan | None:
    conversion = note(event, "conversion")
    currency, units = conversion["currency"], int(conversion["units"])
    owed_back = ledger.of_master("forward", event.master_id, currency)
    if units <= 0:
        _carry_forward(session, event, Line(owed_back, -units))
        return None
    contract = masters.dividend_contract_of(session, event.master_id, str(settings.chain_id))
    if contract is None or event.master.ipo is None:
        _look_again(session, event)
        return None
    now, used = rules.forward(units, ledger.hold(session, owed_back))
    if now == 0:
        _carry_forward(session, event, Line(owed_back, -used))
        return None
    return _planned(session, event, contract, event.master.ipo, currency, now, Line(owed_back, -used))


def _planned(
    session: Session,
    event: RevenueEvent,
    contract: DividendContract,
    ipo: MasterIpo,
    currency: str,
    units: int,
    made_good: Line,
) -> Plan | None:
    """Split, post and keep the plan; None where no part of it goes to the chain."""
    split, partners = _split(session, event, ipo, units, contract.chain_id)
    on_chain, on_ledger, paid_now = _by_wallet(session, event, partners, currency)
    plan = Plan(
        event_id=event.id,
        attempt=int(note(event, "attempt") or 0) + 1,
        contract_id=contract.id,
        address=contract.contract_address,
        currency=currency,
        holders=split.holders,
        parts=on_chain,
        credited=(*on_ledger, Part("platform", split.platform)),
    )
    lines = [
        Line(ledger.of_master("revenue", event.master_id, currency), units - made_good.amount),
        made_good,
        Line(ledger.of_master("holders", event.master_id, currency), -plan.holders),
        Line(ledger.of_master("parts", event.master_id, currency), plan.holders - plan.total),
        *(Line(_account(plan, event, part.party), before) for part, before in zip(on_chain, paid_now, strict=True)),
        *(Line(_account(plan, event, part.party), -part.amount) for part in plan.credited),
        *ledger.send(session, event.master_id, currency, plan.total),
    ]
    posting = ledger.post(session, lines, revenue_event_id=event.id)
    event.metadata_ = {**(event.metadata_ or {}), "plan": _to_json(plan, posting)}
    audit(session, "plan_distribution", event, after={"deposit": str(plan.total), "currency": currency})
    if plan.total == 0:
        _finished_without_deposit(session, event)
        return None
    return _from_json(event.id, event.metadata_["plan"])


def _split(
    session: Session, event: RevenueEvent, ipo: MasterIpo, units: int, chain_id: str
) -> tuple[rules.Split, list[Part]]:
    artist = queries.artist_partner(session, event.master.artist, chain_id)
    others = queries.collaborators(session, event.master_id, chain_id)
    split = rules.split(
        units,
        ipo.revenue_share_nft_holders_bps,
        ipo.retained_artist_bps,
        ipo.retained_platform_bps,
        [partner.bps for partner in others],
    )
    amounts = zip((artist, *others), (split.artist, *split.collaborators), strict=True)
    return split, [Part(partner.party, amount, partner.wallet) for partner, amount in amounts]


def _by_wallet(
    session: Session, event: RevenueEvent, parts: list[Part], currency: str
) -> tuple[tuple[Part, ...], tuple[Part, ...], tuple[int, ...]]:
    """(parts of the deposit, parts that wait on the ledger, of the former what was waiting there until now).

    A party that linked a wallet since gets with this deposit what earlier ones credited to it; the largest go first
    where there are too many.
    """
    ready = []
    for part in parts:
        if part.wallet:
            before = -ledger.hold(session, ledger.of_party(part.party, event.master_id, currency))
            ready.append((replace(part, amount=part.amount + before), part, before))
    ready = sorted((each for each in ready if each[0].amount), key=lambda each: -each[0].amount)[:MOST_PARTS]
    on_chain = {old.party for _, old, _ in ready}
    rest = tuple(part for part in parts if part.party not in on_chain)
    return tuple(whole for whole, _, _ in ready), rest, tuple(before for _, _, before in ready)


def _carry_forward(session: Session, event: RevenueEvent, line: Line) -> None:
    """A correction waits for the next income of this master; income may be used up by one."""
    revenue = ledger.of_master("revenue", event.master_id, line.account.currency)
    ledger.post(session, [line, Line(revenue, -line.amount)], revenue_event_id=event.id)
    audit(session, "carry_revenue_forward", event, after={"owedBack": str(line.amount)})
    _finished_without_deposit(session, event)


def _finished_without_deposit(session: Session, event: RevenueEvent) -> None:
    move(session, event, {Status.VERIFIED}, Status.DEPOSITED)
    move(session, event, {Status.DEPOSITED}, Status.DISTRIBUTED)
    news.recorded(session, event)


def _look_again(session: Session, event: RevenueEvent) -> None:
    """No contract yet: the same job again a little later, under the name of that time."""
    at = utcnow() + LOOK_AGAIN
    name = f"distribute_revenue:{event.id}:at:{int(at.timestamp())}"
    outbox.add(session, "distribute_revenue", {"revenue_event_id": str(event.id)}, dedupe=name, not_before=at)


# --- after the chain --------------------------------------------------------------------------------------


def _deposited(session: Session, event: RevenueEvent, plan: Plan, tx_hash: str, at: dt.datetime) -> None:
    columns: dict[str, Any] = {
        "deposit_tx_hash": tx_hash,
        "deposited_at": at,
        "deposited_to_contract_id": plan.contract_id,
    }
    move(session, event, {Status.VERIFIED}, Status.DEPOSITED, **columns)
    faults.point("distribute-deposited")
    audit(session, "deposit_revenue", event, after={"status": event.status.value, "transaction": tx_hash})


def _settle(session: Session, event: RevenueEvent) -> None:
    kept, seen = note(event, "plan"), income.distribution_of(session, event.id)
    if kept is None or seen is None:
        raise Unavailable("The deposit of this event is not indexed yet.")
    plan = _from_json(event.id, kept)
    if event.status is Status.VERIFIED:
        _deposited(session, event, plan, seen.tx_hash, seen.block_timestamp)
    supply = event.master.ipo.total_supply if event.master.ipo else 0
    carried = plan.holders - int(seen.per_token_amount or 0) * supply
    ledger.post(session, _paid(event, plan, carried), revenue_event_id=event.id)
    faults.point("settle-posted")
    move(session, event, {Status.DEPOSITED}, Status.DISTRIBUTED)
    audit(session, "distribute_revenue", event, after={"status": event.status.value, "transaction": seen.tx_hash})
    news.recorded(session, event, publicly=True)


def _paid(event: RevenueEvent, plan: Plan, carried: int) -> list[Line]:
    """The deposit clears what was owed; `carried` is by how much the contract's carry moved."""
    return [
        Line(ledger.of_master("transit", event.master_id, plan.currency), -plan.total),
        Line(ledger.of_master("holders", event.master_id, plan.currency), plan.holders - carried),
        Line(ledger.of_master("carry", event.master_id, plan.currency), carried),
        Line(ledger.of_master("parts", event.master_id, plan.currency), plan.total - plan.holders),
    ]


def _account(plan: Plan, event: RevenueEvent, party: str) -> ledger.Account:
    return ledger.of_party(party, event.master_id, plan.currency)


# --- the plan in the event's metadata ---------------------------------------------------------------------


def _to_json(plan: Plan, posting: uuid.UUID) -> dict[str, Any]:
    return {
        "attempt": plan.attempt,
        "contract": str(plan.contract_id),
        "address": plan.address,
        "currency": plan.currency,
        "holders": str(plan.holders),
        "parts": [[part.party, str(part.amount), part.wallet] for part in plan.parts],
        "credited": [[part.party, str(part.amount), part.wallet] for part in plan.credited],
        "posting": str(posting),
    }


def _from_json(event_id: uuid.UUID, kept: dict[str, Any]) -> Plan:
    def parts(name: str) -> tuple[Part, ...]:
        return tuple(Part(party, int(amount), wallet) for party, amount, wallet in kept[name])

    return Plan(
        event_id,
        kept["attempt"],
        uuid.UUID(kept["contract"]),
        kept["address"],
        kept["currency"],
        int(kept["holders"]),
        parts("parts"),
        parts("credited"),
        kept["posting"],
    )
