"""The example CRM with its demo data, in a SQLite file of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from example_app import create_app
from example_app.extensions import db
from example_app.seed import seed
from tests.example_app.people import Person


def make_app(file: Path) -> Flask:
    """The CRM on a SQLite file."""
    return create_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{file}", "TESTING": True})


@pytest.fixture(scope="session")
def seeded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the demo's data, made once and copied for each test."""
    file = tmp_path_factory.mktemp("northlight") / "seeded.sqlite3"
    app = make_app(file)
    with app.app_context():
        db.create_all()
        seed()
        db.session.remove()
        db.engine.dispose()
    return file


@pytest.fixture
def app(seeded_file: Path, tmp_path: Path) -> Flask:
    """The CRM with data that this test alone changes."""
    return make_app(Path(shutil.copy(seeded_file, tmp_path / "northlight.sqlite3")))


@pytest.fixture
def person(app: Flask) -> Callable[..., Person]:
    """`person(INES)` is somebody who is logged in, in a browser of their own; `person()` a stranger."""
    return lambda *email: Person(app, *email)
