"""Run by Alembic for our own tables, on the connection that ``upgrade.configuration`` was given."""

from __future__ import annotations

from alembic import context

from flask_crm_stripe.adapters.sqlalchemy.autogenerate import only_ours
from flask_crm_stripe.adapters.sqlalchemy.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    include_name=only_ours,
    # SQLite's DDL is part of a transaction; Alembic's default is cautious about old drivers.
    transactional_ddl=True,
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()
