"""Second factors, wallets and identity providers as ways in, proofs on the way, and changes that wait."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import TIME, created, lower_case, one_of
from migrations.grants import full

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = (
    "wallet_changes",
    "oauth_attempts",
    "identity_proofs",
    "siwe_nonces",
    "recovery_codes",
    "second_factors",
    "user_preferences",
)


def person(**options: bool) -> sa.Column:
    return sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False, **options)


def upgrade() -> None:
    op.add_column(
        "user_sessions",
        sa.Column("waits_for_code", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("magic_link_tokens", sa.Column("requested_agent", sa.String(500)))
    op.add_column("magic_link_tokens", sa.Column("user_id", sa.Uuid()))
    op.add_column("magic_link_tokens", sa.Column("proof_id", sa.Uuid()))
    op.create_table(
        "second_factors",
        person(primary_key=True),
        sa.Column("last_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("confirmed_at", TIME),
        created(),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        person(),
        sa.Column("code_hash", sa.String(64), nullable=False),
        sa.Column("used_at", TIME),
        created(),
        sa.UniqueConstraint("user_id", "code_hash"),
    )
    op.create_table(
        "siwe_nonces",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("nonce", sa.String(64), nullable=False, unique=True),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("wallet_address", sa.String(255), nullable=False),
        sa.Column("expires_at", TIME, nullable=False, index=True),
        sa.Column("used_at", TIME),
        created(),
        *lower_case("wallet_address"),
    )
    op.create_table(
        "identity_proofs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("provider", sa.String(40), nullable=False),
        sa.Column("provider_account_id", sa.String(255), nullable=False),
        sa.Column("email_hint", sa.String(255)),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("expires_at", TIME, nullable=False, index=True),
        sa.Column("used_at", TIME),
        created(),
        one_of("provider", "auth_provider", "magic_link", "google", "microsoft", "apple", "github", "wallet"),
    )
    op.create_table(
        "oauth_attempts",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column(
            "provider_id", sa.Uuid(), sa.ForeignKey("identity_providers.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("next_path", sa.Text()),
        sa.Column("expires_at", TIME, nullable=False, index=True),
        sa.Column("used_at", TIME),
        created(),
    )
    op.create_table(
        "wallet_changes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        person(),
        sa.Column("wallet_id", sa.Uuid(), sa.ForeignKey("user_wallets.id", ondelete="CASCADE"), nullable=False),
        sa.Column("effective_at", TIME, nullable=False),
        sa.Column("cancelled_at", TIME),
        sa.Column("applied_at", TIME),
        created(),
        sa.CheckConstraint("cancelled_at IS NULL OR applied_at IS NULL", name="one_end"),
    )
    op.create_index(
        "uq_wallet_changes_waiting",
        "wallet_changes",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("cancelled_at IS NULL AND applied_at IS NULL"),
    )
    op.create_table(
        "user_preferences",
        person(primary_key=True),
        sa.Column("mail_on_sign_in", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        created(),
    )
    full(*TABLES)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
    for column in ("proof_id", "user_id", "requested_agent"):
        op.drop_column("magic_link_tokens", column)
    op.drop_column("user_sessions", "waits_for_code")
