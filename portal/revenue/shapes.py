"""Revenue and dividends for API clients. Wherever v2 says `master`, v1 says `track`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from portal.revenue.history import Entry
from portal.revenue.income import DividendTotal, RevenueTotal
from portal.revenue.models import DividendClaim, DividendEvent, RevenueEvent
from portal.versions import stamp

MASTER_ID = {1: "trackId", 2: "masterId"}


def plain(amount: Decimal) -> str:
    """1318.42000000 -> '1318.42', 1E+3 -> '1000'."""
    return f"{amount.normalize():f}"


def revenue_event(event: RevenueEvent, version: int) -> dict[str, Any]:
    """An event for its owner and for finance; amounts are decimals as text."""
    return {
        "id": str(event.id),
        MASTER_ID[version]: str(event.master_id),
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


def dividend_event(event: DividendEvent, version: int) -> dict[str, Any]:
    """A deposit, distribution or claim on chain; amounts in smallest units as text."""
    return {
        "id": str(event.id),
        MASTER_ID[version]: None if event.master_id is None else str(event.master_id),
        "eventType": event.event_type.value,
        "totalAmount": str(event.total_amount),
        "currency": event.currency,
        "perTokenAmount": None if event.per_token_amount is None else str(event.per_token_amount),
        "revenueEventId": None if event.revenue_event_id is None else str(event.revenue_event_id),
        "txHash": event.tx_hash,
        "blockNumber": event.block_number,
        "blockTimestamp": stamp(event.block_timestamp),
    }


def analytics(
    revenue: list[RevenueEvent],
    dividends: list[DividendEvent],
    recorded: list[RevenueTotal],
    shared: list[DividendTotal],
    version: int,
) -> dict[str, Any]:
    """GET /masters/{id}/analytics: the latest events and the totals of all of them, each currency for itself."""
    return {
        "revenueEvents": [revenue_event(event, version) for event in revenue],
        "dividendEvents": [dividend_event(event, version) for event in dividends],
        "totals": {
            "revenue": [{"currency": t.currency, "amount": plain(t.amount), "events": t.events} for t in recorded],
            "dividends": [
                {"currency": t.currency, "deposited": str(t.deposited), "claimed": str(t.claimed)} for t in shared
            ],
        },
    }


def entry(line: Entry) -> dict[str, Any]:
    """A line of GET /dividends; `amount` is negative for a claim, `balance` what waited after it."""
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


def claim(row: DividendClaim) -> dict[str, Any]:
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
