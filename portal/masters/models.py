"""Masters, collaborators, IPOs and the contracts that carry them. Parts of a whole are in basis points."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from portal.artists.models import Artist, Producer
from portal.db import (
    S20,
    S50,
    S100,
    S150,
    S255,
    Amount,
    Block,
    Count,
    Created,
    Identified,
    Model,
    ServerIdentified,
    Stamped,
    Total,
    Versioned,
    Yes,
    addresses,
    bps,
    counts,
    not_negative,
    text_enum,
)
from portal.masters.enums import DividendDistributionModel, IpoStatus, MasterStatus, MasterType

SHORT_ID_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_short_id() -> str:
    """Eight characters (40 bits) for a master's readable address, without i, l, o and u."""
    return "".join(secrets.choice(SHORT_ID_ALPHABET) for _ in range(8))


class Master(Identified, Stamped, Versioned, Model):
    """A recording whose revenue is shared (T10 masters); `duration` in seconds."""

    __tablename__ = "masters"
    __table_args__ = (
        sa.Index(None, "created_at"),
        sa.CheckConstraint("isrc ~ '^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$'", name="isrc"),
        sa.CheckConstraint("jsonb_array_length(mood_tags) <= 5", name="mood_tags"),
        sa.CheckConstraint("bpm > 0 AND duration > 0", name="measures"),
        sa.CheckConstraint("(rights_confirmed_at IS NULL) = (rights_confirmed_by IS NULL)", name="rights"),
    )

    artist_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("artists.id"), index=True)
    title: Mapped[S255]
    description: Mapped[str | None]
    master_type: Mapped[MasterType] = mapped_column(
        text_enum(MasterType), default=MasterType.TRACK, server_default="track"
    )
    status: Mapped[MasterStatus] = mapped_column(
        text_enum(MasterStatus), default=MasterStatus.DRAFT, server_default="draft", index=True
    )
    genre: Mapped[S100 | None] = mapped_column(index=True)
    bpm: Mapped[int | None]
    duration: Mapped[int | None]
    release_date: Mapped[dt.datetime | None] = mapped_column(index=True)
    isrc: Mapped[str | None] = mapped_column(sa.String(12))
    mood_tags: Mapped[list[str] | None] = mapped_column(default=list, server_default=sa.text("'[]'::jsonb"))
    audio_file_name: Mapped[S255 | None]
    audio_ipfs_hash: Mapped[S100 | None]
    cover_image_url: Mapped[str | None]
    cover_image_ipfs_hash: Mapped[S100 | None]
    metadata_ipfs_hash: Mapped[S100 | None]
    metadata_: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    published_at: Mapped[dt.datetime | None]
    rights_confirmed_at: Mapped[dt.datetime | None]
    rights_confirmed_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("users.id"))
    short_id: Mapped[str] = mapped_column(sa.String(12), unique=True, default=new_short_id)

    artist: Mapped[Artist] = relationship()
    collaborators: Mapped[list[MasterCollaborator]] = relationship(
        back_populates="master",
        cascade="all, delete-orphan",
        passive_deletes=True,
        order_by="MasterCollaborator.display_order",
    )
    ipo: Mapped[MasterIpo | None] = relationship(back_populates="master")
    contracts: Mapped[list[MasterContract]] = relationship(back_populates="master")
    dividend_contracts: Mapped[list[DividendContract]] = relationship(back_populates="master")


class MasterCollaborator(Identified, Stamped, Model):
    """Someone who shares in a master: a registered producer or a name (T11 master_collaborators)."""

    __tablename__ = "master_collaborators"
    __table_args__ = (
        sa.CheckConstraint("num_nonnulls(producer_id, collaborator_name) > 0", name="named"),
        *bps("split_basis_points"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id", ondelete="CASCADE"), index=True)
    producer_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("producers.id"), index=True)
    collaborator_name: Mapped[S150 | None]
    role: Mapped[S100]
    split_basis_points: Mapped[Count]
    display_order: Mapped[Count]

    master: Mapped[Master] = relationship(back_populates="collaborators")
    producer: Mapped[Producer | None] = relationship()


class MasterIpo(Identified, Stamped, Versioned, Model):
    """The primary sale of a master's shares, one per master (T12 master_ipos).

    `retained_platform_bps` is internal: it appears in no page, answer, event or export. `minted_supply` is
    written by the indexer only. Prices are in the currency's smallest unit. `sale_fee_bps` is fixed at the launch.
    """

    __tablename__ = "master_ipos"
    __table_args__ = (
        sa.CheckConstraint("total_supply BETWEEN 1 AND 1000000", name="total_supply"),
        sa.CheckConstraint("minted_supply BETWEEN 0 AND total_supply", name="minted_supply"),
        sa.CheckConstraint(
            "revenue_share_nft_holders_bps + retained_artist_bps + retained_platform_bps = 10000",
            name="revenue_shares",
        ),
        sa.CheckConstraint(
            "coalesce(first_minter_bonus_bps, 0) + coalesce(second_minter_bonus_bps, 0)"
            " + coalesce(third_minter_bonus_bps, 0) + secondary_royalty_bps <= 10000",
            name="resale_parts",
        ),
        sa.CheckConstraint("scheduled_end_at > scheduled_start_at", name="scheduled_window"),
        sa.CheckConstraint("actual_end_at >= actual_start_at", name="actual_window"),
        sa.CheckConstraint("person_cap > 0", name="person_cap"),
        *not_negative("mint_price_wei"),
        *bps("revenue_share_nft_holders_bps", "retained_artist_bps", "retained_platform_bps"),
        *bps("first_minter_bonus_bps", "second_minter_bonus_bps", "third_minter_bonus_bps"),
        *bps("secondary_royalty_bps", "sale_fee_bps"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), unique=True)
    total_supply: Mapped[int]
    minted_supply: Mapped[Count]
    mint_price_wei: Mapped[Amount | None]
    mint_price_currency: Mapped[S20 | None]
    revenue_share_nft_holders_bps: Mapped[int] = mapped_column(default=5000, server_default=sa.text("5000"))
    retained_artist_bps: Mapped[int] = mapped_column(default=4000, server_default=sa.text("4000"))
    retained_platform_bps: Mapped[int] = mapped_column(default=1000, server_default=sa.text("1000"))
    status: Mapped[IpoStatus] = mapped_column(
        text_enum(IpoStatus), default=IpoStatus.DRAFT, server_default="draft", index=True
    )
    scheduled_start_at: Mapped[dt.datetime | None] = mapped_column(index=True)
    scheduled_end_at: Mapped[dt.datetime | None]
    actual_start_at: Mapped[dt.datetime | None]
    actual_end_at: Mapped[dt.datetime | None]
    mover_advantage_enabled: Mapped[Yes]
    first_minter_bonus_bps: Mapped[int | None] = mapped_column(default=300, server_default=sa.text("300"))
    second_minter_bonus_bps: Mapped[int | None] = mapped_column(default=200, server_default=sa.text("200"))
    third_minter_bonus_bps: Mapped[int | None] = mapped_column(default=100, server_default=sa.text("100"))
    secondary_royalty_bps: Mapped[int] = mapped_column(default=1000, server_default=sa.text("1000"))
    allow_secondary_resale: Mapped[Yes]
    person_cap: Mapped[int | None]
    terms_version: Mapped[S50 | None]
    early_access_until: Mapped[dt.datetime | None]
    sale_fee_bps: Mapped[int | None]

    master: Mapped[Master] = relationship(back_populates="ipo")


class PolicyVersion(ServerIdentified, Created, Model):
    """The terms of an offer, word for word; `content_hash` is 0x and the SHA-256 of the UTF-8 text. Never changed."""

    __tablename__ = "policy_versions"
    __table_args__ = (
        sa.UniqueConstraint("ipo_id", "version"),
        sa.UniqueConstraint("ipo_id", "content_hash"),
        *addresses("content_hash"),
    )

    ipo_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("master_ipos.id"))
    version: Mapped[S50]
    content: Mapped[str]
    content_hash: Mapped[S100]


class PolicyConsent(ServerIdentified, Created, Model):
    """Who accepted which terms for which wallet; `place` is the purchase's name, or `intent` for a wallet that signs
    for itself."""

    __tablename__ = "policy_consents"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "policy_version_id", "wallet", "place"),
        *addresses("wallet"),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"))
    policy_version_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("policy_versions.id"), index=True)
    wallet: Mapped[S255]
    place: Mapped[S255]

    terms: Mapped[PolicyVersion] = relationship()


class MintPermit(Identified, Stamped, Model):
    """The latest permit of a wallet in an offer: `allowance` is all that it may have minted by then.

    `deadline` by the chain's clock; `terms_hash` is the content hash of the policy version that was accepted.
    """

    __tablename__ = "mint_permits"
    __table_args__ = (
        sa.UniqueConstraint("ipo_id", "wallet"),
        sa.CheckConstraint("allowance > 0", name="allowance"),
        *addresses("wallet", "terms_hash"),
    )

    ipo_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("master_ipos.id"))
    user_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("users.id"), index=True)
    wallet: Mapped[S255]
    allowance: Mapped[int]
    policy_version: Mapped[S50 | None]
    terms_hash: Mapped[S100 | None]
    deadline: Mapped[dt.datetime]


class MasterContract(Identified, Stamped, Model):
    """The share contract of a master on one chain, written by the launch job (T13 master_contracts)."""

    __tablename__ = "master_contracts"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "contract_address"),
        sa.UniqueConstraint("master_id", "chain_id"),
        *addresses("contract_address", "deployment_tx_hash"),
        *addresses("first_minter_wallet", "second_minter_wallet", "third_minter_wallet"),
        *not_negative("deployed_at_block", "last_indexed_block"),
        *counts("contract_total_supply"),
        *bps("contract_royalty_bps"),
    )

    master_id: Mapped[uuid.UUID] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    deployment_tx_hash: Mapped[S255 | None]
    deployed_at_block: Mapped[Block | None]
    deployed_at: Mapped[dt.datetime | None]
    contract_total_supply: Mapped[int | None]
    contract_royalty_bps: Mapped[int | None]
    first_minter_wallet: Mapped[S255 | None]
    second_minter_wallet: Mapped[S255 | None]
    third_minter_wallet: Mapped[S255 | None]
    abi_version: Mapped[S20 | None] = mapped_column(default="1.0", server_default="1.0")
    last_indexed_block: Mapped[Block | None]
    last_indexed_at: Mapped[dt.datetime | None]

    master: Mapped[Master] = relationship(back_populates="contracts")


class DividendContract(Identified, Stamped, Model):
    """The contract holders claim from; totals are derived, in smallest units (T14 dividend_contracts)."""

    __tablename__ = "dividend_contracts"
    __table_args__ = (
        sa.UniqueConstraint("chain_id", "contract_address"),
        sa.CheckConstraint(
            "CASE distribution_model WHEN 'per_master' THEN master_id IS NOT NULL AND artist_id IS NULL"
            " WHEN 'per_artist' THEN artist_id IS NOT NULL AND master_id IS NULL"
            " ELSE master_id IS NULL AND artist_id IS NULL END",
            name="belongs_to",
        ),
        *addresses("contract_address", "deployment_tx_hash", "linked_master_contract"),
        *not_negative("deployed_at_block", "last_indexed_block"),
        *not_negative("total_revenue_deposited", "total_dividends_distributed"),
    )

    master_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("masters.id"), index=True)
    artist_id: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("artists.id"), index=True)
    distribution_model: Mapped[DividendDistributionModel] = mapped_column(text_enum(DividendDistributionModel))
    chain_id: Mapped[S50]
    contract_address: Mapped[S255]
    deployment_tx_hash: Mapped[S255 | None]
    deployed_at_block: Mapped[Block | None]
    deployed_at: Mapped[dt.datetime | None]
    linked_master_contract: Mapped[S255 | None]
    total_revenue_deposited: Mapped[Total | None]
    total_dividends_distributed: Mapped[Total | None]
    last_indexed_block: Mapped[Block | None]
    last_indexed_at: Mapped[dt.datetime | None]

    master: Mapped[Master | None] = relationship(back_populates="dividend_contracts")
    artist: Mapped[Artist | None] = relationship()
