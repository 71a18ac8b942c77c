"""Revenue and dividends for API clients. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from typing_extensions import TypedDict

from portal.masters.shapes import UnsignedTransaction
from portal.revenue.claims import Intent
from portal.revenue.enums import DividendEventType, RevenueEventStatus, RevenueSourceType
from portal.revenue.history import Entry
from portal.revenue.income import DividendTotal, RevenueTotal
from portal.revenue.models import DividendClaim, DividendEvent, RevenueEvent
from portal.versions import stamp
from portal.web.schema import Address, DecimalText, Hash, Id, SignedUnits, Time, Units, one_of


class Recorded(TypedDict):
    """An event for its owner and for finance; amounts are decimals as text."""

    id: Id
    sourceType: Annotated[str, one_of(RevenueSourceType)]
    sourceName: str | None
    externalReference: str | None
    amount: DecimalText
    currency: str
    periodStart: Time | None
    periodEnd: Time | None
    status: Annotated[str, one_of(RevenueEventStatus)]
    verifiedAt: Time | None
    depositTxHash: Hash | None
    depositedAt: Time | None
    notes: str | None
    createdAt: Time


class RevenueEventV1(Recorded):
    trackId: Id


class RevenueEventV2(Recorded):
    masterId: Id


class Shared(TypedDict):
    """A deposit, distribution or claim on chain; amounts in smallest units as text."""

    id: Id
    eventType: Annotated[str, one_of(DividendEventType)]
    totalAmount: Units
    currency: str
    perTokenAmount: Units | None
    revenueEventId: Id | None
    txHash: Hash
    blockNumber: int
    blockTimestamp: Time


class DividendEventV1(Shared):
    trackId: Id | None


class DividendEventV2(Shared):
    masterId: Id | None


class RevenueSum(TypedDict):
    currency: str
    amount: DecimalText
    events: int


class DividendSum(TypedDict):
    currency: str
    deposited: Units
    claimed: Units


class Totals(TypedDict):
    """Each currency for itself."""

    revenue: list[RevenueSum]
    dividends: list[DividendSum]


class AnalyticsV1(TypedDict):
    revenueEvents: list[RevenueEventV1]
    dividendEvents: list[DividendEventV1]
    totals: Totals


class AnalyticsV2(TypedDict):
    revenueEvents: list[RevenueEventV2]
    dividendEvents: list[DividendEventV2]
    totals: Totals


EVENT_ANSWERS: dict[int, Any] = {1: RevenueEventV1, 2: RevenueEventV2}
ANALYTICS_ANSWERS: dict[int, Any] = {1: AnalyticsV1, 2: AnalyticsV2}


class BookEntry(TypedDict):
    """A line of a person's book; `amount` is negative for a claim, `balance` what waited after it."""

    id: Id
    kind: str
    masterId: Id
    currency: str
    shares: int | None
    perShare: Units | None
    amount: SignedUnits
    balance: Units
    periodStart: Time | None
    paidAt: Time
    txHash: Hash


class Claimed(TypedDict):
    id: Id
    masterId: Id | None
    wallet: Address
    amount: Units
    currency: str
    txHash: Hash
    blockNumber: int
    claimedAt: Time


class ClaimLine(TypedDict):
    masterId: Id
    currency: str
    amount: Units


class ClaimIntent(UnsignedTransaction):
    """The transaction to sign, what it fetches, and how many masters are left for another one."""

    wallet: Address
    lines: list[ClaimLine]
    leftOut: int


def plain(amount: Decimal) -> str:
    """1318.42000000 -> '1318.42', 1E+3 -> '1000'."""
    return f"{amount.normalize():f}"


def revenue_event(event: RevenueEvent, version: int) -> RevenueEventV1 | RevenueEventV2:
    return revenue_event_v1(event) if version == 1 else revenue_event_v2(event)


def revenue_event_v1(event: RevenueEvent) -> RevenueEventV1:
    return {**_recorded(event), "trackId": str(event.master_id)}


def revenue_event_v2(event: RevenueEvent) -> RevenueEventV2:
    return {**_recorded(event), "masterId": str(event.master_id)}


def _recorded(event: RevenueEvent) -> Recorded:
    return {
        "id": str(event.id),
        "sourceType": event.source_type.value,
        "sourceName": event.source_name,
        "externalReference": event.external_reference,
        "amount": plain(event.amount),
        "currency": event.currency,
        "periodStart": stamp(event.period_start),
        "periodEnd": stamp(event.period_end),
        "status": event.status.value,
        "verifiedAt": stamp(event.verified_at),
        "depositTxHash": event.deposit_tx_hash,
        "depositedAt": stamp(event.deposited_at),
        "notes": event.notes,
        "createdAt": stamp(event.created_at),
    }


def dividend_event_v1(event: DividendEvent) -> DividendEventV1:
    return {**_shared(event), "trackId": None if event.master_id is None else str(event.master_id)}


def dividend_event_v2(event: DividendEvent) -> DividendEventV2:
    return {**_shared(event), "masterId": None if event.master_id is None else str(event.master_id)}


def _shared(event: DividendEvent) -> Shared:
    return {
        "id": str(event.id),
        "eventType": event.event_type.value,
        "totalAmount": str(event.total_amount),
        "currency": event.currency,
        "perTokenAmount": None if event.per_token_amount is None else str(event.per_token_amount),
        "revenueEventId": None if event.revenue_event_id is None else str(event.revenue_event_id),
        "txHash": event.tx_hash,
        "blockNumber": event.block_number,
        "blockTimestamp": stamp(event.block_timestamp),
    }


@dataclass(frozen=True)
class Analytics:
    """The latest events of a master and the totals of all of them."""

    revenue: list[RevenueEvent]
    dividends: list[DividendEvent]
    recorded: list[RevenueTotal]
    shared: list[DividendTotal]


def analytics_v1(read: Analytics) -> AnalyticsV1:
    return {
        "revenueEvents": [revenue_event_v1(event) for event in read.revenue],
        "dividendEvents": [dividend_event_v1(event) for event in read.dividends],
        "totals": _totals(read),
    }


def analytics_v2(read: Analytics) -> AnalyticsV2:
    return {
        "revenueEvents": [revenue_event_v2(event) for event in read.revenue],
        "dividendEvents": [dividend_event_v2(event) for event in read.dividends],
        "totals": _totals(read),
    }


def _totals(read: Analytics) -> Totals:
    return {
        "revenue": [{"currency": t.currency, "amount": plain(t.amount), "events": t.events} for t in read.recorded],
        "dividends": [
            {"currency": t.currency, "deposited": str(t.deposited), "claimed": str(t.claimed)} for t in read.shared
        ],
    }


def entry(line: Entry) -> BookEntry:
    return {
        "id": str(line.id),
        "kind": line.kind,
        "masterId": str(line.master_id),
        "currency": line.currency,
        "shares": line.shares,
        "perShare": None if line.per_share is None else str(line.per_share),
        "amount": str(line.amount),
        "balance": str(line.balance),
        "periodStart": stamp(line.period_start),
        "paidAt": stamp(line.at),
        "txHash": line.tx_hash,
    }


def claim(row: DividendClaim) -> Claimed:
    return {
        "id": str(row.id),
        "masterId": str(row.master_id),
        "wallet": row.wallet_address,
        "amount": str(row.amount_claimed),
        "currency": row.currency,
        "txHash": row.tx_hash,
        "blockNumber": row.block_number,
        "claimedAt": stamp(row.block_timestamp),
    }


def claim_intent(intent: Intent) -> ClaimIntent:
    return {
        "to": intent.to,
        "data": intent.data,
        "value": "0",
        "chainId": intent.chain_id,
        "wallet": intent.wallet,
        "lines": [
            {"masterId": str(line.master_id), "currency": line.currency, "amount": str(line.amount)}
            for line in intent.lines
        ],
        "leftOut": intent.left_out,
    }
