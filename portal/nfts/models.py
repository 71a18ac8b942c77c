"""Mirrors of the chain, written by the indexer only; their ids are uuid5 of what they mirror."""

from __future__ import annotations

import datetime as dt
import uuid

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ExcludeConstraint
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
    bps,
    counts,
    not_negative,
    text_enum,
)
from portal.masters.models import Master, MasterContract
from portal.nfts.enums import NftListingStatus, OrderKind, OrderStatus, RoyaltyKind, TransferType


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


class NftOrder(Identified, Stamped, Model):
    """One listing or offer of the market, mirrored (nft_orders). Amounts in smallest units of `currency`.

    `order_key` is the market's number of an offer, "<transaction>:<log index>" of a listing. `moves`, of a listing,
    is the share's move counter that it names. `deadline` by the chain's clock: an order that lapsed stays open
    until somebody closes it, and no longer sells. What it sold for is told of sold ones alone.
    """

    __tablename__ = "nft_orders"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "market_address", "kind", "order_key"),
        ExcludeConstraint(
            ("master_nft_id", "="),
            name="ex_nft_orders_one_listing",
            using="btree",
            where=sa.text("kind = 'listing' AND status = 'open'"),
            deferrable=True,
        ),
        sa.CheckConstraint("price > 0", name="price"),
        sa.CheckConstraint("(kind = 'listing') = (moves IS NOT NULL)", name="moves"),
        sa.CheckConstraint(
            "num_nonnulls(closed_tx_hash, closed_block, closed_log_index, closed_at)"
            " = CASE status WHEN 'open' THEN 0 ELSE 4 END",
            name="closed",
        ),
        sa.CheckConstraint(
            "num_nonnulls(taker_wallet, fee, royalty, artist_part, first_part, second_part, third_part, seller_gets)"
            " = CASE status WHEN 'sold' THEN 8 ELSE 0 END",
            name="sold",
        ),
        sa.CheckConstraint("royalty = artist_part + first_part + second_part + third_part", name="royalty"),
        sa.CheckConstraint("price = royalty + fee + seller_gets", name="shares_out"),
        *addresses("market_address", "order_key", "contract_address", "maker_wallet", "taker_wallet"),
        *addresses("placed_tx_hash", "closed_tx_hash"),
        *not_negative("token_id", "price", "moves", "placed_block", "closed_block", "fee", "royalty"),
        *not_negative("artist_part", "first_part", "second_part", "third_part", "seller_gets"),
        *counts("placed_log_index", "closed_log_index"),
        *bps("fee_bps"),
        sa.Index("ix_nft_orders_share", "master_nft_id", "status"),
        sa.Index("ix_nft_orders_sales", "master_id", "closed_block", postgresql_where=sa.text("status = 'sold'")),
    )

    kind: Mapped[OrderKind] = mapped_column(text_enum(OrderKind))
    chain_id: Mapped[S50]
    market_address: Mapped[S255]
    order_key: Mapped[S100]
    contract_address: Mapped[S255]
    token_id: Mapped[Amount]
    master_nft_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("master_nfts.id"))
    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"))
    maker_wallet: Mapped[S255] = mapped_column(index=True)
    taker_wallet: Mapped[S255 | None]
    price: Mapped[Amount]
    currency: Mapped[S20]
    fee_bps: Mapped[int]
    moves: Mapped[Amount | None]
    deadline: Mapped[dt.datetime | None]
    status: Mapped[OrderStatus] = mapped_column(text_enum(OrderStatus), default=OrderStatus.OPEN, server_default="open")
    placed_tx_hash: Mapped[S255]
    placed_block: Mapped[Block] = mapped_column(index=True)
    placed_log_index: Mapped[int]
    placed_at: Mapped[dt.datetime]
    closed_tx_hash: Mapped[S255 | None]
    closed_block: Mapped[Block | None] = mapped_column(index=True)
    closed_log_index: Mapped[int | None]
    closed_at: Mapped[dt.datetime | None]
    fee: Mapped[Amount | None]
    royalty: Mapped[Amount | None]
    artist_part: Mapped[Amount | None]
    first_part: Mapped[Amount | None]
    second_part: Mapped[Amount | None]
    third_part: Mapped[Amount | None]
    seller_gets: Mapped[Amount | None]

    master_nft: Mapped[MasterNft] = relationship()
    master: Mapped[Master] = relationship()


class MarketCredit(Identified, Stamped, Model):
    """Money of a wallet that the market could not deliver and keeps for it (market_credits), in smallest units."""

    __tablename__ = "market_credits"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "market_address", "wallet", "currency"),
        sa.CheckConstraint("withdrawn <= held", name="withdrawn"),
        *addresses("market_address", "wallet"),
        *not_negative("held", "withdrawn"),
    )

    chain_id: Mapped[S50]
    market_address: Mapped[S255]
    wallet: Mapped[S255] = mapped_column(index=True)
    currency: Mapped[S20]
    held: Mapped[Total]
    withdrawn: Mapped[Total]


class RoyaltyCredit(Identified, Created, Model):
    """One log about a master's resale royalties, in smallest units (royalty_credits); undone by block on a reorg.

    `arrived` is not split yet and has no parts; `credited` and `withdrawn` say how much of it belongs to the artist
    and to the first three minters, whoever holds those roles. `wallet` is who sent it or took it.
    """

    __tablename__ = "royalty_credits"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        sa.CheckConstraint(
            "num_nonnulls(artist_part, first_part, second_part, third_part)"
            " = CASE kind WHEN 'arrived' THEN 0 ELSE 4 END",
            name="parts",
        ),
        sa.CheckConstraint("amount = artist_part + first_part + second_part + third_part", name="whole"),
        *addresses("contract_address", "wallet", "tx_hash"),
        *not_negative("amount", "artist_part", "first_part", "second_part", "third_part", "block_number"),
        *counts("log_index"),
        sa.Index("ix_royalty_credits_pot", "master_id", "currency", "block_number", "log_index"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"))
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    kind: Mapped[RoyaltyKind] = mapped_column(text_enum(RoyaltyKind))
    wallet: Mapped[S255 | None]
    currency: Mapped[S20]
    amount: Mapped[Amount]
    artist_part: Mapped[Amount | None]
    first_part: Mapped[Amount | None]
    second_part: Mapped[Amount | None]
    third_part: Mapped[Amount | None]
    tx_hash: Mapped[S255]
    block_number: Mapped[Block] = mapped_column(index=True)
    log_index: Mapped[int]
    block_timestamp: Mapped[dt.datetime]

    master: Mapped[Master] = relationship()
