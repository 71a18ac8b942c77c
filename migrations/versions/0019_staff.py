"""Masters that wait are for whoever holds `admin:masters`."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SHOWN = (
    "status IN ('approved', 'live')"
    " OR EXISTS (SELECT FROM master_contracts c WHERE c.master_id = masters.id)"
    " OR EXISTS (SELECT FROM vstudio_sessions s WHERE s.master_id = masters.id AND s.status <> 'draft')"
    " OR {staff} OR (SELECT person_may('finance:read') OR person_may('finance:verify'))"
)
BEFORE = "(SELECT person_may('admin:users'))"
NOW = "(SELECT person_may('admin:masters') OR person_may('admin:users'))"


def policies(staff: str) -> None:
    op.execute(f"ALTER POLICY masters_read ON masters USING ({SHOWN.format(staff=staff)})")
    for table in ("masters", "master_ipos"):
        op.execute(f"ALTER POLICY {table}_staff ON {table} USING ({staff})")


def upgrade() -> None:
    policies(NOW)


def downgrade() -> None:
    policies(BEFORE)
