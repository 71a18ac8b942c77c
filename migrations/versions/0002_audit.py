"""The audit log with its seals, security and system events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import JSON, TIME, counts, created, one_of

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$
"""
"""The second lock beside the rights: it also holds where somebody grants too much. The owner may pass."""

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), index=True),
        sa.Column("actor_type", sa.String(50), nullable=False),
        sa.Column("actor_identifier", sa.String(255)),
        sa.Column("action_category", sa.String(40), nullable=False, index=True),
        sa.Column("action", sa.String(100), nullable=False, index=True),
        sa.Column("description", sa.Text()),
        sa.Column("target_type", sa.String(50), index=True),
        sa.Column("target_id", sa.Uuid(), index=True),
        sa.Column("target_identifier", sa.String(255)),
        sa.Column("previous_state", JSON),
        sa.Column("new_state", JSON),
        sa.Column("changed_fields", JSON),
        sa.Column("ip_address", postgresql.INET()),
        sa.Column("user_agent", sa.String(500)),
        sa.Column("request_id", sa.String(100), index=True),
        sa.Column("success", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("error_message", sa.Text()),
        sa.Column("metadata", JSON),
        created(),
        one_of(
            "action_category",
            "audit_action_category",
            "authentication",
            "authorization",
            "master",
            "ipo",
            "revenue",
            "subscription",
            "vstudio",
            "admin",
            "system",
        ),
    )
    op.create_index("ix_audit_logs_created_at", "audit_logs", ["created_at"])

    op.create_table(
        "security_events",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("event_type", sa.String(40), nullable=False, index=True),
        sa.Column("severity", sa.String(40), nullable=False, index=True),
        sa.Column("user_id", sa.Uuid(), sa.ForeignKey("users.id"), index=True),
        sa.Column("wallet_address", sa.String(255)),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("ip_address", postgresql.INET(), index=True),
        sa.Column("user_agent", sa.String(500)),
        sa.Column("request_path", sa.String(500)),
        sa.Column("request_method", sa.String(10)),
        sa.Column("event_data", JSON),
        sa.Column("is_investigated", sa.Boolean(), server_default=sa.text("false"), nullable=False, index=True),
        sa.Column("investigated_by", sa.Uuid(), sa.ForeignKey("users.id")),
        sa.Column("investigated_at", TIME),
        sa.Column("investigation_notes", sa.Text()),
        sa.Column("is_resolved", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("resolution", sa.String(100)),
        sa.Column("resolved_at", TIME),
        created(),
        one_of(
            "event_type",
            "security_event_type",
            "failed_login",
            "suspicious_activity",
            "rate_limit_exceeded",
            "invalid_token",
            "unauthorized_access",
            "data_export",
            "admin_action",
            "configuration_change",
            "vulnerability_detected",
            "unusual_pattern",
        ),
        one_of("severity", "security_severity", "info", "low", "medium", "high", "critical"),
    )
    op.create_index("ix_security_events_created_at", "security_events", ["created_at"])

    op.create_table(
        "system_events",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("event_type", sa.String(100), nullable=False, index=True),
        sa.Column("source", sa.String(100), nullable=False, index=True),
        sa.Column("message", sa.Text()),
        sa.Column("job_id", sa.String(100), index=True),
        sa.Column("entity_type", sa.String(50)),
        sa.Column("entity_id", sa.Uuid()),
        sa.Column("duration_ms", sa.Integer()),
        sa.Column("records_processed", sa.Integer()),
        sa.Column("success", sa.Boolean(), server_default=sa.text("true"), nullable=False, index=True),
        sa.Column("error_message", sa.Text()),
        sa.Column("error_stack", sa.Text()),
        sa.Column("metadata", JSON),
        created(),
        *counts("duration_ms", "records_processed"),
    )
    op.create_index("ix_system_events_created_at", "system_events", ["created_at"])

    op.create_table(
        "audit_seals",
        sa.Column("id", sa.Uuid(), primary_key=True, server_default=sa.text("gen_random_uuid()")),
        sa.Column("number", sa.BigInteger(), nullable=False, unique=True),
        sa.Column("range_start", TIME, nullable=False, unique=True),
        sa.Column("range_end", TIME, nullable=False, unique=True),
        sa.Column("row_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("merkle_root", sa.String(64), nullable=False),
        sa.Column("previous_hash", sa.String(64), unique=True),
        sa.Column("seal_hash", sa.String(64), nullable=False, unique=True),
        sa.Column("key_id", sa.String(50), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        created(),
        sa.CheckConstraint("range_end > range_start", name="range"),
        sa.CheckConstraint("(number = 1) = (previous_hash IS NULL)", name="chained"),
        *counts("row_count"),
    )
    op.execute(REFUSE_CHANGE)
    op.execute(
        "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("audit_seals", "system_events", "security_events", "audit_logs"):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
