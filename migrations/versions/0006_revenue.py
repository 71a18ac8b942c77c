"""Revenue, dividends and the ledger."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import (
    BLOCK,
    FIAT,
    JSON,
    TIME,
    UNITS,
    counts,
    created,
    lower_case,
    not_nan,
    not_negative,
    one_of,
    stamps,
)

POSTING_BALANCES = """
CREATE FUNCTION ledger_posting_balances() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    posting uuid := coalesce(NEW.posting_id, OLD.posting_id);
BEGIN
    IF EXISTS (
        SELECT FROM ledger_entries WHERE posting_id = posting GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'posting % does not sum to zero', posting
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_balanced', TABLE = 'ledger_entries';
    END IF;
    RETURN NULL;
END $$
"""

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revenue_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column("source_type", sa.String(40), nullable=False, index=True),
        sa.Column("source_name", sa.String(200)),
        sa.Column("external_reference", sa.String(255)),
        sa.Column("amount", FIAT, nullable=False),
        sa.Column("currency", sa.String(10), nullable=False),
        sa.Column("amount_usd", FIAT),
        sa.Column("period_start", TIME, index=True),
        sa.Column("period_end", TIME),
        sa.Column("status", sa.String(40), server_default="pending", nullable=False, index=True),
        sa.Column("verified_at", TIME),
        sa.Column("verified_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("deposited_to_contract_id", sa.Uuid(), sa.ForeignKey("dividend_contracts.id")),
        sa.Column("deposit_tx_hash", sa.String(255)),
        sa.Column("deposited_at", TIME),
        sa.Column("document_url", sa.Text()),
        sa.Column("notes", sa.Text()),
        sa.Column("metadata", JSON),
        *stamps(),
        one_of(
            "source_type",
            "revenue_source_type",
            "manual",
            "distributor",
            "pro",
            "sync",
            "merchandise",
            "live",
            "direct",
            "secondary",
            "other",
        ),
        one_of(
            "status",
            "revenue_event_status",
            "pending",
            "verified",
            "deposited",
            "distributed",
            "failed",
            "disputed",
        ),
        sa.CheckConstraint("period_end >= period_start", name="period"),
        *lower_case("deposit_tx_hash"),
        *not_nan("amount", "amount_usd"),
    )
    op.create_index("ix_revenue_events_created_at", "revenue_events", ["created_at"])
    op.create_index(
        "uq_revenue_events_reference",
        "revenue_events",
        ["master_id", "source_type", sa.text("coalesce(source_name, '')"), "external_reference"],
        unique=True,
        postgresql_where=sa.text("external_reference IS NOT NULL"),
    )

    op.create_table(
        "dividend_events",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), index=True),
        sa.Column(
            "dividend_contract_id",
            sa.Uuid(),
            sa.ForeignKey("dividend_contracts.id"),
            nullable=False,
            index=True,
        ),
        sa.Column("event_type", sa.String(40), nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("contract_address", sa.String(255), nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False, index=True),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False, index=True),
        sa.Column("total_amount", UNITS, nullable=False),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("claimant_wallet", sa.String(255), index=True),
        sa.Column("claimant_token_id", UNITS),
        sa.Column("total_holders_at_distribution", sa.Integer()),
        sa.Column("per_token_amount", UNITS),
        sa.Column("revenue_event_id", sa.Uuid(), sa.ForeignKey("revenue_events.id")),
        sa.Column("unminted_amount", UNITS),
        sa.Column("carry_after", UNITS),
        created(),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        one_of("event_type", "dividend_event_type", "deposit", "distribution", "claim"),
        sa.CheckConstraint("event_type <> 'claim' OR claimant_wallet IS NOT NULL", name="claimant"),
        *lower_case("contract_address", "tx_hash", "claimant_wallet"),
        *not_negative(
            "block_number",
            "total_amount",
            "claimant_token_id",
            "per_token_amount",
            "unminted_amount",
            "carry_after",
        ),
        *counts("log_index", "total_holders_at_distribution"),
    )

    op.create_table(
        "wallet_dividend_balances",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("wallet_address", sa.String(255), nullable=False, index=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column(
            "dividend_contract_id",
            sa.Uuid(),
            sa.ForeignKey("dividend_contracts.id", name="fk_wallet_dividend_balances_dividend_contract"),
            nullable=False,
        ),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("total_earned", UNITS, server_default=sa.text("0"), nullable=False),
        sa.Column("total_claimed", UNITS, server_default=sa.text("0"), nullable=False),
        sa.Column("claimable_amount", UNITS, server_default=sa.text("0"), nullable=False, index=True),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("last_claimed_at", TIME),
        sa.Column("last_claim_tx_hash", sa.String(255)),
        sa.Column("tokens_held", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *stamps(),
        sa.UniqueConstraint(
            "wallet_address",
            "dividend_contract_id",
            "currency",
            name="uq_wallet_dividend_balances_wallet_contract_currency",
        ),
        sa.CheckConstraint("claimable_amount = total_earned - total_claimed", name="claimable"),
        *lower_case("wallet_address", "last_claim_tx_hash"),
        *not_negative("total_earned", "total_claimed", "claimable_amount"),
        *counts("tokens_held"),
    )

    op.create_table(
        "dividend_claims",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("wallet_address", sa.String(255), nullable=False, index=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, index=True),
        sa.Column("dividend_contract_id", sa.Uuid(), sa.ForeignKey("dividend_contracts.id"), nullable=False),
        sa.Column("master_nft_id", sa.Uuid(), sa.ForeignKey("master_nfts.id")),
        sa.Column("token_id", UNITS),
        sa.Column("amount_claimed", UNITS, nullable=False),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("tx_hash", sa.String(255), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("block_number", BLOCK, nullable=False),
        sa.Column("block_timestamp", TIME, nullable=False, index=True),
        sa.Column("chain_id", sa.String(50), nullable=False),
        sa.Column("gas_used", BLOCK),
        sa.Column("gas_price_wei", UNITS),
        created(),
        sa.UniqueConstraint("chain_id", "tx_hash", "log_index"),
        *lower_case("wallet_address", "tx_hash"),
        *not_negative("token_id", "amount_claimed", "block_number", "gas_used", "gas_price_wei"),
        *counts("log_index"),
    )

    op.create_table(
        "ledger_accounts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("key", sa.String(255), nullable=False, unique=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("owner_type", sa.String(50)),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("currency", sa.String(20), nullable=False),
        created(),
        sa.UniqueConstraint("id", "currency"),
        sa.CheckConstraint("num_nonnulls(owner_type, owner_id) <> 1", name="owner"),
    )
    op.create_index("ix_ledger_accounts_owner_type_owner_id", "ledger_accounts", ["owner_type", "owner_id"])

    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("posting_id", sa.Uuid(), nullable=False, index=True),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("amount", UNITS, nullable=False),
        sa.Column("currency", sa.String(20), nullable=False),
        sa.Column("revenue_event_id", sa.Uuid(), sa.ForeignKey("revenue_events.id"), index=True),
        sa.Column("dividend_event_id", sa.Uuid(), sa.ForeignKey("dividend_events.id"), index=True),
        created(),
        sa.ForeignKeyConstraint(
            ["account_id", "currency"],
            ["ledger_accounts.id", "ledger_accounts.currency"],
            name="fk_ledger_entries_account_ledger_accounts",
        ),
        *not_nan("amount"),
    )
    op.create_index("ix_ledger_entries_account_id_created_at", "ledger_entries", ["account_id", "created_at"])
    op.execute(
        "CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(POSTING_BALANCES)
    op.execute(
        "CREATE CONSTRAINT TRIGGER ledger_entries_balanced AFTER INSERT OR UPDATE OR DELETE ON ledger_entries"
        " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_posting_balances()"
    )


def downgrade() -> None:
    for table in (
        "ledger_entries",
        "ledger_accounts",
        "dividend_claims",
        "wallet_dividend_balances",
        "dividend_events",
        "revenue_events",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION ledger_posting_balances()")
