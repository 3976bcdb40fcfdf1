"""Years of invoices and events: an index for each question that a page asks, and bodies that are not packed twice."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORDS = "array_to_tsvector(array_remove(string_to_array(search, ' '), ''))"
INDEXES = {
    "currency": ("", ("currency", "row")),
    "open": ("status = 'open'", ("currency", "due_date", "amount_remaining")),
    "paid": ("status = 'paid'", ("paid_at", "currency", "amount_paid")),
}
BOOKS = ["business", "account_id", "livemode"]


def upgrade() -> None:
    for name, (condition, columns) in INDEXES.items():
        where = sa.text(condition) if condition else None
        options: dict[str, Any] = {"postgresql_where": where, "sqlite_where": where} if condition else {}
        op.create_index(f"crm_stripe_invoice_{name}_ix", "crm_stripe_invoice", [*BOOKS, *columns], **options)
    # Lines have become words.
    invoice = sa.table("crm_stripe_invoice", sa.column("search", sa.Text))
    op.execute(sa.update(invoice).values(search=sa.func.replace(invoice.c.search, "\n", " ")))
    if op.get_context().dialect.name == "postgresql":
        op.create_index("crm_stripe_invoice_search_ix", "crm_stripe_invoice", [sa.text(WORDS)], postgresql_using="gin")
        # They are sealed: to try and pack them costs time and gains nothing.
        op.execute("ALTER TABLE crm_stripe_event ALTER COLUMN body SET STORAGE EXTERNAL")


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER TABLE crm_stripe_event ALTER COLUMN body SET STORAGE EXTENDED")
        op.drop_index("crm_stripe_invoice_search_ix", "crm_stripe_invoice")
    for name in INDEXES:
        op.drop_index(f"crm_stripe_invoice_{name}_ix", "crm_stripe_invoice")
