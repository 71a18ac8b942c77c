"""The fee of a sale as it was fixed at its launch: the setting may be another one by now, the contract's terms stay."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE master_ipos ADD COLUMN sale_fee_bps integer
    CONSTRAINT ck_master_ipos_sale_fee_bps_bps CHECK (sale_fee_bps BETWEEN 0 AND 10000)
"""
FILL = """
UPDATE master_ipos SET sale_fee_bps = ('x' || substr(t.data, 771, 8))::bit(32)::integer
FROM chain_transactions t
WHERE t.purpose = 'deploy:' || master_ipos.id AND t.status <> 'failed' AND length(t.data) >= 778
"""
"""In createMaster's calldata the fee is the eleventh word of the terms: after 0x, the selector, the key and ten words."""


def upgrade() -> None:
    op.execute(COLUMN)
    op.execute("ALTER TABLE master_ipos NO FORCE ROW LEVEL SECURITY")
    op.execute(FILL)
    op.execute("ALTER TABLE master_ipos FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    op.drop_column("master_ipos", "sale_fee_bps")
