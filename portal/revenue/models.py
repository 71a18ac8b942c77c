"""Revenue events, what the chain distributed and paid of them, and the double-entry ledger.

Fiat amounts are decimals with their currency beside them; chain and ledger amounts are in smallest units.
Currencies never mix in a sum.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import (
    S20,
    S50,
    S200,
    S255,
    Amount,
    Block,
    Count,
    Created,
    Fiat,
    Identified,
    Model,
    ServerIdentified,
    Stamped,
    Total,
    addresses,
    counts,
    not_nan,
    not_negative,
    text_enum,
)
from portal.masters.models import DividendContract, Master
from portal.nfts.models import MasterNft
from portal.revenue.enums import DividendEventType, RevenueEventStatus, RevenueSourceType


class RevenueEvent(Identified, Stamped, Model):
    """Money a master earned somewhere; a correction is a new, negative event (T18 revenue_events)."""

    __tablename__ = "revenue_events"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.Index(
            "uq_revenue_events_reference",
            "master_id",
            "source_type",
            sa.text("coalesce(source_name, '')"),
            "external_reference",
            unique=True,
            postgresql_where=sa.text("external_reference IS NOT NULL"),
        ),
        sa.CheckConstraint("period_end >= period_start", name="period"),
        *addresses("deposit_tx_hash"),
        *not_nan("amount", "amount_usd"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    source_type: Mapped[RevenueSourceType] = mapped_column(text_enum(RevenueSourceType), index=True)
    source_name: Mapped[S200 | None]
    external_reference: Mapped[S255 | None]
    amount: Mapped[Fiat]
    currency: Mapped[str] = mapped_column(sa.String(10))
    amount_usd: Mapped[Fiat | None]
    period_start: Mapped[dt.datetime | None] = mapped_column(index=True)
    period_end: Mapped[dt.datetime | None]
    status: Mapped[RevenueEventStatus] = mapped_column(
        text_enum(RevenueEventStatus),
        default=RevenueEventStatus.PENDING,
        server_default="pending",
        index=True,
    )
    verified_at: Mapped[dt.datetime | None]
    verified_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    deposited_to_contract_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("dividend_contracts.id"))
    deposit_tx_hash: Mapped[S255 | None]
    deposited_at: Mapped[dt.datetime | None]
    document_url: Mapped[str | None]
    notes: Mapped[str | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")

    master: Mapped[Master] = relationship()
    deposited_to_contract: Mapped[DividendContract | None] = relationship()


class DividendEvent(Identified, Created, Model):
    """A deposit, distribution or claim seen on chain (T19 dividend_events); undone by block on a reorg.

    `unminted_amount` went to the artist for shares not outstanding; `carry_after` waits for the next deposit.
    """

    __tablename__ = "dividend_events"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        sa.CheckConstraint("event_type <> 'claim' OR claimant_wallet IS NOT NULL", name="claimant"),
        *addresses("contract_address", "tx_hash", "claimant_wallet"),
        *not_negative("block_number", "total_amount", "claimant_token_id", "per_token_amount"),
        *not_negative("unminted_amount", "carry_after"),
        *counts("log_index", "total_holders_at_distribution"),
    )

    master_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    dividend_contract_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("dividend_contracts.id"), index=True)
    event_type: Mapped[DividendEventType] = mapped_column(text_enum(DividendEventType), index=True)
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    tx_hash: Mapped[S255]
    block_number: Mapped[Block] = mapped_column(index=True)
    log_index: Mapped[int]
    block_timestamp: Mapped[dt.datetime] = mapped_column(index=True)
    total_amount: Mapped[Amount]
    currency: Mapped[S20]
    claimant_wallet: Mapped[S255 | None] = mapped_column(index=True)
    claimant_token_id: Mapped[Amount | None]
    total_holders_at_distribution: Mapped[int | None]
    per_token_amount: Mapped[Amount | None]
    revenue_event_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("revenue_events.id"))
    unminted_amount: Mapped[Amount | None]
    carry_after: Mapped[Amount | None]

    master: Mapped[Master | None] = relationship()
    dividend_contract: Mapped[DividendContract] = relationship()
    revenue_event: Mapped[RevenueEvent | None] = relationship()


class WalletDividendBalance(Identified, Stamped, Model):
    """What a wallet earned and claimed from one contract in one currency (T20 wallet_dividend_balances)."""

    __tablename__ = "wallet_dividend_balances"
    __table_args__ = (
        sa.UniqueConstraint(
            "wallet_address",
            "dividend_contract_id",
            "currency",
            name="uq_wallet_dividend_balances_wallet_contract_currency",
        ),
        sa.CheckConstraint("claimable_amount = total_earned - total_claimed", name="claimable"),
        *addresses("wallet_address", "last_claim_tx_hash"),
        *not_negative("total_earned", "total_claimed", "claimable_amount"),
        *counts("tokens_held"),
    )

    wallet_address: Mapped[S255] = mapped_column(index=True)
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    dividend_contract_id: Mapped[uuid.UUID] = mapped_column(
        sa.ForeignKey("dividend_contracts.id", name="fk_wallet_dividend_balances_dividend_contract")
    )
    chain_id: Mapped[S50]
    total_earned: Mapped[Total]
    total_claimed: Mapped[Total]
    claimable_amount: Mapped[Total] = mapped_column(index=True)
    currency: Mapped[S20]
    last_claimed_at: Mapped[dt.datetime | None]
    last_claim_tx_hash: Mapped[S255 | None]
    tokens_held: Mapped[Count]

    master: Mapped[Master] = relationship()
    dividend_contract: Mapped[DividendContract] = relationship()


class DividendClaim(Identified, Created, Model):
    """A payment to a holder (T21 dividend_claims); one transaction may pay many masters."""

    __tablename__ = "dividend_claims"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *addresses("wallet_address", "tx_hash"),
        *not_negative("token_id", "amount_claimed", "block_number", "gas_used", "gas_price_wei"),
        *counts("log_index"),
    )

    wallet_address: Mapped[S255] = mapped_column(index=True)
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    dividend_contract_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("dividend_contracts.id"))
    master_nft_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("master_nfts.id"))
    token_id: Mapped[Amount | None]
    amount_claimed: Mapped[Amount]
    currency: Mapped[S20]
    tx_hash: Mapped[S255]
    log_index: Mapped[int]
    block_number: Mapped[Block]
    block_timestamp: Mapped[dt.datetime] = mapped_column(index=True)
    chain_id: Mapped[S50]
    gas_used: Mapped[Block | None]
    gas_price_wei: Mapped[Amount | None]

    master: Mapped[Master] = relationship()
    dividend_contract: Mapped[DividendContract] = relationship()
    master_nft: Mapped[MasterNft | None] = relationship()


class LedgerAccount(Identified, Created, Model):
    """An account of the double-entry ledger in one currency; `key` names it, e.g. "carry:<master>:USDC"."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (
        sa.UniqueConstraint("id", "currency"),
        sa.Index(None, "owner_type", "owner_id"),
        sa.CheckConstraint("num_nonnulls(owner_type, owner_id) <> 1", name="owner"),
    )

    key: Mapped[S255] = mapped_column(unique=True)
    kind: Mapped[str] = mapped_column(sa.String(40))
    owner_type: Mapped[S50 | None]
    owner_id: Mapped[uuid.UUID | None]
    currency: Mapped[S20]


class LedgerEntry(ServerIdentified, Created, Model):
    """One side of a posting, append-only: the entries of a posting sum to zero per currency at commit."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name="fk_ledger_entries_account_ledger_accounts",
        ),
        sa.Index(None, "account_id", "created_at"),
        *not_nan("amount"),
    )

    posting_id: Mapped[uuid.UUID] = mapped_column(index=True)
    account_id: Mapped[uuid.UUID]
    amount: Mapped[Amount]
    currency: Mapped[S20]
    revenue_event_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("revenue_events.id"), index=True)
    dividend_event_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("dividend_events.id"), index=True)

    account: Mapped[LedgerAccount] = relationship()
    revenue_event: Mapped[RevenueEvent | None] = relationship()
    dividend_event: Mapped[DividendEvent | None] = relationship()
