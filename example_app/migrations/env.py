"""How Alembic reaches the CRM's database: the engine, the tables and the options come from the running app."""

from __future__ import annotations

from typing import Any

from alembic import context
from flask import current_app

migrate = current_app.extensions["migrate"]


def drop_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """`flask db migrate` writes no file where nothing changed."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives.clear()


def options() -> dict[str, Any]:
    """What `Migrate` and the extensions of the app want; flask_crm_stripe leaves its own tables out here."""
    return {"process_revision_directives": drop_empty, "target_metadata": migrate.db.metadata, **migrate.configure_args}


def run_offline() -> None:
    """Print the SQL."""
    url = migrate.db.engine.url.render_as_string(hide_password=False)
    context.configure(url=url, literal_binds=True, **options())
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Change the database."""
    with migrate.db.engine.connect() as connection:
        context.configure(connection=connection, **options())
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
