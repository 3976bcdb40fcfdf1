"""The CRM's own migrations, by Flask-Migrate."""

from __future__ import annotations

from pathlib import Path

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from sqlalchemy import inspect

from example_app import create_app
from example_app.extensions import Model, db
from example_app.models import Company
from example_app.seed import seed


@pytest.fixture
def app(database_url: str) -> Flask:
    """The CRM on an empty database."""
    return create_app({"SQLALCHEMY_DATABASE_URI": database_url, "TESTING": True})


def test_the_migrations_make_what_the_models_describe(app: Flask) -> None:
    """After the upgrade Alembic finds no difference in the CRM's tables, and the demo's data fits in."""
    with app.app_context():
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            options = {"include_name": lambda name, kind, _: kind != "table" or name in Model.metadata.tables}
            found = compare_metadata(MigrationContext.configure(connection, opts=options), Model.metadata)
        assert found == []
        seed()
        assert len(db.session.scalars(db.select(Company)).all()) == 2
        db.session.remove()
        db.engine.dispose()


def test_the_migrations_can_be_taken_back(app: Flask) -> None:
    """The downgrade leaves no table of the CRM's."""
    with app.app_context():
        flask_migrate.upgrade()
        flask_migrate.downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) & set(Model.metadata.tables) == set()
        db.engine.dispose()


def test_flask_migrate_proposes_nothing(app: Flask) -> None:
    """`flask db check` is content beside billing's tables, and complains about a table of the CRM's that is gone."""
    with app.app_context():
        flask_migrate.upgrade()
        db.create_all()
        flask_migrate.check()
        Model.metadata.tables["activity"].drop(db.engine)
        with pytest.raises(SystemExit):
            flask_migrate.check()
        db.engine.dispose()


def test_the_migrations_are_in_the_example(app: Flask) -> None:
    """The folder is the example's own, wherever the CRM is started from."""
    assert Path(app.extensions["migrate"].directory).parent.name == "example_app"
