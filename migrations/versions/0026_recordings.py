"""Recordings of masters: what was sent, what it became, and who may change that."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.ddl import created
from migrations.grants import BOTH

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

HOLD = """
CREATE FUNCTION media_recordings_hold() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a file never changes: another one takes its place' USING ERRCODE = 'check_violation';
    ELSIF EXISTS (SELECT FROM master_contracts WHERE master_id = OLD.master_id) THEN
        RAISE EXCEPTION 'the chain leads to this recording: it stays' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$
"""
TRIGGER = """
CREATE TRIGGER media_recordings_hold BEFORE UPDATE OR DELETE ON media_recordings
    FOR EACH ROW EXECUTE FUNCTION media_recordings_hold()
"""


def upgrade() -> None:
    op.create_table(
        "media_uploads",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, unique=True),
        sa.Column("file_name", sa.String(255), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("percent", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failure", sa.Text()),
        created(),
        sa.CheckConstraint("size > 0", name="size"),
        sa.CheckConstraint("percent BETWEEN 0 AND 100", name="percent"),
    )
    op.create_table("media_upload_parts", *_part("upload_id", "media_uploads.id"))
    op.create_table(
        "media_recordings",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), nullable=False, unique=True),
        sa.Column("cid", sa.String(100), nullable=False, index=True),
        sa.Column("media_type", sa.String(50), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("peaks", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        created(),
        sa.CheckConstraint("media_type = 'audio/mpeg' AND size > 0 AND milliseconds > 0", name="measures"),
    )
    op.create_table(
        "media_recording_blocks",
        *_part("recording_id", "media_recordings.id"),
        sa.CheckConstraint("octet_length(content) BETWEEN 1 AND 262144", name="size"),
    )
    op.execute(HOLD)
    op.execute(TRIGGER)
    op.execute(f"GRANT SELECT, INSERT, DELETE ON media_uploads, media_recordings TO {BOTH}")
    op.execute(f"GRANT UPDATE (percent, failure) ON media_uploads TO {BOTH}")
    op.execute(f"GRANT SELECT, INSERT ON media_recording_blocks TO {BOTH}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON media_upload_parts TO {BOTH}")


def _part(column: str, target: str) -> tuple[sa.Column, sa.Column, sa.Column]:
    return (
        sa.Column(column, sa.Uuid(), sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )


def downgrade() -> None:
    for table in ("media_recording_blocks", "media_recordings", "media_upload_parts", "media_uploads"):
        op.drop_table(table)
    op.execute("DROP FUNCTION media_recordings_hold()")
