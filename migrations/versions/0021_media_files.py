"""Uploaded pictures, each in the one place it fills, under the address of its content."""

import sqlalchemy as sa
from alembic import op

from migrations.ddl import created, one_of
from migrations.grants import BOTH

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

WEBP = "substr(content, 1, 4) = '\\x52494646'::bytea AND substr(content, 9, 4) = '\\x57454250'::bytea"

FUNCTIONS = r"""
CREATE FUNCTION cid_of(content bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT 'b' || string_agg(
        substr('abcdefghijklmnopqrstuvwxyz234567', substring(bits FROM 1 + 5 * n FOR 5)::bit(5)::int + 1, 1), '' ORDER BY n)
    FROM (SELECT ('x' || encode('\x01551220'::bytea || sha256(content), 'hex'))::bit(288) || B'00' AS bits) AS header,
        generate_series(0, 57) AS n
$$;
CREATE FUNCTION media_files_hold() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.cid = cid_of(NEW.content) THEN
        RETURN NEW;
    ELSIF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'this is not the CID of this content' USING ERRCODE = 'check_violation';
    ELSIF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'a file never changes: another one takes its place' USING ERRCODE = 'check_violation';
    ELSIF EXISTS (SELECT FROM master_contracts WHERE master_id = OLD.master_id) THEN
        RAISE EXCEPTION 'the chain leads to this cover: it stays' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER media_files_hold BEFORE INSERT OR UPDATE OR DELETE ON media_files
    FOR EACH ROW EXECUTE FUNCTION media_files_hold()
"""


def upgrade() -> None:
    op.create_table(
        "media_files",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("owner_id", sa.Uuid(), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("place", sa.String(20), nullable=False),
        sa.Column("master_id", sa.Uuid(), sa.ForeignKey("masters.id"), unique=True),
        sa.Column("vstudio_session_id", sa.Uuid(), sa.ForeignKey("vstudio_sessions.id"), unique=True),
        sa.Column("cid", sa.String(100), nullable=False, index=True),
        sa.Column("media_type", sa.String(50), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        created(),
        one_of("place", "place", "avatar", "portrait", "banner", "cover", "room"),
        sa.CheckConstraint("(place = 'cover') = (master_id IS NOT NULL)", name="cover"),
        sa.CheckConstraint("(place = 'room') = (vstudio_session_id IS NOT NULL)", name="room"),
        sa.CheckConstraint("size = octet_length(content) AND size BETWEEN 1 AND 262144", name="size"),
        sa.CheckConstraint("width BETWEEN 1 AND 10000 AND height BETWEEN 1 AND 10000", name="pixels"),
        sa.CheckConstraint(f"media_type = 'image/webp' AND {WEBP}", name="media_type"),
    )
    op.create_index(
        "uq_media_files_own",
        "media_files",
        ["owner_id", "place"],
        unique=True,
        postgresql_where=sa.text("master_id IS NULL AND vstudio_session_id IS NULL"),
    )
    for statement in FUNCTIONS.split(";\nCREATE"):
        op.execute(statement if statement.lstrip().startswith("CREATE") else f"CREATE{statement}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON media_files TO {BOTH}")


def downgrade() -> None:
    op.drop_table("media_files")
    op.execute("DROP FUNCTION media_files_hold(), cid_of(bytea)")
