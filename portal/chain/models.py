"""Transactions that the portal signs: committed before they are broadcast, so a crash sends nothing twice."""

from __future__ import annotations

import uuid

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from portal.chain.enums import ChainTransactionStatus
from portal.db import (
    S50,
    S255,
    Amount,
    Block,
    Identified,
    Model,
    Stamped,
    Total,
    addresses,
    counts,
    not_negative,
    text_enum,
)


class ChainTransaction(Identified, Stamped, Model):
    """One signed transaction. `purpose` names the effect: it is sent once. Amounts and fees in wei."""

    __tablename__ = "chain_transactions"
    __table_args__ = (
        sa.Index(
            "uq_chain_transactions_nonce",
            "chain_id",
            "sender",
            "nonce",
            unique=True,
            postgresql_where=sa.text("status <> 'replaced'"),
        ),
        *addresses("sender", "to_address", "tx_hash"),
        *not_negative("value", "max_fee_per_gas", "max_priority_fee_per_gas", "block_number"),
        *counts("nonce", "gas"),
    )

    chain_id: Mapped[S50]
    sender: Mapped[S255]
    nonce: Mapped[int] = mapped_column(sa.BigInteger)
    purpose: Mapped[S255] = mapped_column(unique=True)
    to_address: Mapped[S255 | None]
    data: Mapped[str]
    value: Mapped[Total]
    gas: Mapped[int]
    max_fee_per_gas: Mapped[Amount]
    max_priority_fee_per_gas: Mapped[Amount]
    raw: Mapped[str]
    tx_hash: Mapped[S255] = mapped_column(unique=True)
    status: Mapped[ChainTransactionStatus] = mapped_column(
        text_enum(ChainTransactionStatus, 20),
        default=ChainTransactionStatus.SIGNED,
        server_default="signed",
        index=True,
    )
    block_number: Mapped[Block | None]
    error: Mapped[str | None]
    replaced_by: Mapped[uuid.UUID | None] = mapped_column(sa.ForeignKey("chain_transactions.id"))
