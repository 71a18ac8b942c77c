"""Mirrors of the chain, written by the indexer only; their ids are uuid5 of what they mirror."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.db import (
    S20,
    S50,
    S100,
    S255,
    Amount,
    Block,
    Created,
    Flag,
    Identified,
    Model,
    Stamped,
    Total,
    addresses,
    counts,
    not_negative,
    text_enum,
)
from portal.masters.models import Master, MasterContract
from portal.nfts.enums import NftListingStatus, TransferType


class MasterNft(Identified, Stamped, Model):
    """One share (T15 master_nfts); a handed-back share is owned by the zero address."""

    __tablename__ = "master_nfts"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "contract_address", "token_id"),
        sa.CheckConstraint(
            "listing_status <> 'listed' OR num_nulls(listing_price_wei, listing_currency) = 0", name="listing"
        ),
        *addresses("contract_address", "current_owner_wallet", "original_minter_wallet", "mint_tx_hash"),
        *not_negative("token_id", "minted_at_block", "mint_price_wei", "listing_price_wei"),
        *not_negative("total_dividends_received", "last_indexed_block"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    master_contract_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("master_contracts.id"), index=True)
    token_id: Mapped[Amount]
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    current_owner_wallet: Mapped[S255] = mapped_column(index=True)
    is_first_minter: Mapped[Flag]
    is_second_minter: Mapped[Flag]
    is_third_minter: Mapped[Flag]
    original_minter_wallet: Mapped[S255] = mapped_column(index=True)
    mint_tx_hash: Mapped[S255 | None]
    minted_at_block: Mapped[Block | None]
    minted_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    mint_price_wei: Mapped[Amount | None]
    listing_status: Mapped[NftListingStatus] = mapped_column(
        text_enum(NftListingStatus),
        default=NftListingStatus.NOT_LISTED,
        server_default="not_listed",
        index=True,
    )
    listing_price_wei: Mapped[Amount | None]
    listing_currency: Mapped[S20 | None]
    listed_at: Mapped[dt.datetime | None]
    token_uri: Mapped[str | None]
    total_dividends_received: Mapped[Total | None]
    last_dividend_claimed_at: Mapped[dt.datetime | None]
    last_indexed_block: Mapped[Block | None]
    last_indexed_at: Mapped[dt.datetime | None]

    master: Mapped[Master] = relationship()
    master_contract: Mapped[MasterContract] = relationship()


class NftTransfer(Identified, Created, Model):
    """One Transfer log, with the sale that it belongs to (T16 nft_transfers); undone by block on a reorg."""

    __tablename__ = "nft_transfers"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *addresses("contract_address", "from_wallet", "to_wallet", "tx_hash", "royalty_recipient"),
        *not_negative("token_id", "block_number", "sale_price_wei", "royalty_paid_wei"),
        *counts("log_index"),
    )

    master_nft_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("master_nfts.id"), index=True)
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    token_id: Mapped[Amount]
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    from_wallet: Mapped[S255] = mapped_column(index=True)
    to_wallet: Mapped[S255] = mapped_column(index=True)
    tx_hash: Mapped[S255]
    block_number: Mapped[Block] = mapped_column(index=True)
    log_index: Mapped[int]
    block_timestamp: Mapped[dt.datetime] = mapped_column(index=True)
    transfer_type: Mapped[TransferType] = mapped_column(text_enum(TransferType), index=True)
    sale_price_wei: Mapped[Amount | None]
    sale_currency: Mapped[S20 | None]
    marketplace: Mapped[S100 | None] = mapped_column(index=True)
    royalty_paid_wei: Mapped[Amount | None]
    royalty_recipient: Mapped[S255 | None]

    master_nft: Mapped[MasterNft] = relationship()
    master: Mapped[Master] = relationship()


class NftOwnershipSnapshot(Identified, Created, Model):
    """Who owned a share at a moment, and why it was noted (T17 nft_ownership_snapshots)."""

    __tablename__ = "nft_ownership_snapshots"
    __table_args__ = (
        sa.Index("ix_nft_ownership_snapshots_token", "master_id", "token_id", "snapshot_timestamp"),
        sa.UniqueConstraint(
            "master_id",
            "token_id",
            "chain_id",
            "snapshot_timestamp",
            "snapshot_reason",
            name="uq_nft_ownership_snapshots_token",
            postgresql_nulls_not_distinct=True,
        ),
        *addresses("contract_address", "owner_wallet"),
        *not_negative("token_id", "snapshot_block_number"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"))
    token_id: Mapped[Amount]
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    owner_wallet: Mapped[S255] = mapped_column(index=True)
    snapshot_timestamp: Mapped[dt.datetime] = mapped_column(index=True)
    snapshot_block_number: Mapped[Block | None]
    snapshot_reason: Mapped[S50 | None] = mapped_column(index=True)

    master: Mapped[Master] = relationship()
