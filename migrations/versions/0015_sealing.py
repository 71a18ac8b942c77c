"""Leaves of the seals over the audit log, forgetting a person's part of it, and the clock that seals.

`created_at` becomes the moment of the INSERT, not of the transaction's begin: a sealer that waits for the writers
in flight then knows that nothing older can still appear.
"""

import sqlalchemy as sa
from alembic import op

from migrations.grants import WORKER, append_only

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

FORGET = """
CREATE FUNCTION audit_forget(person uuid, targets uuid[], request varchar) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    about uuid[] := targets || person;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit_seals', 0));
    UPDATE audit_leaves SET actor_key = NULL WHERE audit_id IN (SELECT id FROM audit_logs WHERE user_id = person);
    UPDATE audit_leaves SET subject_key = NULL WHERE audit_id IN
        (SELECT id FROM audit_logs WHERE target_id = ANY (about) AND action <> 'anonymise_user');
    UPDATE audit_logs SET actor_identifier = NULL, ip_address = NULL, user_agent = NULL WHERE user_id = person;
    UPDATE audit_logs SET target_identifier = NULL, description = NULL, previous_state = NULL, new_state = NULL,
        error_message = NULL, metadata = NULL WHERE target_id = ANY (about) AND action <> 'anonymise_user';
    UPDATE security_events SET ip_address = NULL, user_agent = NULL, wallet_address = NULL, description = NULL,
        event_data = NULL WHERE user_id = person;
    INSERT INTO audit_logs
        (actor_type, actor_identifier, action_category, action, target_type, target_id, new_state, request_id)
        VALUES ('system', 'portal', 'admin', 'anonymise_user', 'user', person,
                jsonb_build_object('targets', to_jsonb(targets)), request);
END $$
"""
"""The one way in which a row of the audit log changes: personal fields go, their keys with them, and a row says so.
Under the sealer's lock, so that no row is sealed with fields that are just being emptied."""


def upgrade() -> None:
    op.alter_column("audit_logs", "created_at", server_default=sa.text("clock_timestamp()"))
    op.create_table(
        "audit_leaves",
        sa.Column("audit_id", sa.Uuid(), primary_key=True),
        sa.Column("seal_number", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("actor_key", sa.LargeBinary()),
        sa.Column("actor_commitment", sa.LargeBinary(), nullable=False),
        sa.Column("subject_key", sa.LargeBinary()),
        sa.Column("subject_commitment", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("seal_number", "position"),
    )
    columns = "audit_id seal_number position leaf actor_key actor_commitment subject_key subject_commitment"
    append_only("audit_leaves", *columns.split(), to=WORKER)
    for table in ("audit_leaves", "audit_seals"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(FORGET)
    op.execute("REVOKE ALL ON FUNCTION audit_forget(uuid, uuid[], varchar) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION audit_forget(uuid, uuid[], varchar) TO {WORKER}")
    op.execute(
        "INSERT INTO periodic (name, every_seconds, next_at)"
        " VALUES ('seal_audit_log', 60, now()), ('verify_audit_log', 86400, now()) ON CONFLICT (name) DO NOTHING"
    )


def downgrade() -> None:
    op.execute("DELETE FROM periodic WHERE name IN ('seal_audit_log', 'verify_audit_log')")
    op.execute("DROP FUNCTION audit_forget(uuid, uuid[], varchar)")
    op.execute("DROP TRIGGER audit_seals_append_only ON audit_seals")
    op.drop_table("audit_leaves")
    op.alter_column("audit_logs", "created_at", server_default=sa.text("now()"))
