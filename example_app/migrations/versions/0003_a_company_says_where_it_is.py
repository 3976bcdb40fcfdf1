"""A company's address and VAT number, which its invoices have to show."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COLUMNS = ("address", "vat_number")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("company", sa.Column(name, sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("company") as batch_op:
        for name in COLUMNS:
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("company") as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
