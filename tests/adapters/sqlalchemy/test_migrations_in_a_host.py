"""A host's own Flask-Migrate project beside the extension: its autogenerate never speaks of our tables."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# What `flask db init`, `migrate`, `upgrade` and `downgrade` do, and `flask crm-stripe upgrade` in between.
# A process of its own: Flask-Migrate's env.py sets up logging for the whole process.
PROJECT = """
import json
import sys
from pathlib import Path

import flask_migrate
import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from flask_crm_stripe import CRMStripe, Maps, SQLAlchemyCRM

first, bind, url, other_url = sys.argv[1:]


class Base(DeclarativeBase):
    pass


db = SQLAlchemy(model_class=Base)


class Thing(db.Model):
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str] = mapped_column(index=True)
    amount: Mapped[int]


class Log(db.Model):
    __bind_key__ = "other"
    id: Mapped[int] = mapped_column(primary_key=True)
    said: Mapped[str]


def make_app():
    app = Flask("host")
    app.config.update(SQLALCHEMY_DATABASE_URI=url, SQLALCHEMY_BINDS={"other": other_url})
    if bind:
        app.config["CRM_STRIPE_BIND"] = bind
    db.init_app(app)
    crm = SQLAlchemyCRM(
        services=Maps(Thing, ref="id", name="name"),
        contacts=[Maps(Thing, ref="id", kind="organization", name="name")],
        sources=[Maps(Thing, ref="id", kind="order", title="name")],
        billables=Maps(Thing, ref="id", source=("kind", "name"), description="name", quantity="amount",
                       unit_price="amount", currency="name"),
    )
    if first == "migrate":
        Migrate(app, db)
    CRMStripe().init_app(app, crm=crm, db=db)
    if first == "billing":
        Migrate(app, db)
    return app


def ours(app):
    done = app.test_cli_runner().invoke(args=["crm-stripe", "upgrade"])
    assert done.exit_code == 0, done.output


app = make_app()
ours(app)
with app.app_context():
    flask_migrate.init("migrations", multidb=True)
    flask_migrate.migrate("migrations", message="first")
    flask_migrate.upgrade("migrations")
    flask_migrate.migrate("migrations", message="second")
ours(app)
app = make_app()  # the next process of the same project
with app.app_context():
    flask_migrate.migrate("migrations", message="third")
    flask_migrate.downgrade("migrations", revision="base")
    left = {key or "": sa.inspect(engine).get_table_names() for key, engine in db.engines.items()}
Path("left.json").write_text(json.dumps(left))
"""


CASES = [
    ("sqlite_url", "migrate", ""),
    ("sqlite_url", "billing", "other"),
    ("sqlite_url", "migrate", "other"),
    ("pg_url", "billing", ""),
]


@pytest.mark.parametrize(("database", "first", "bind"), CASES)
def test_the_hosts_autogenerate_proposes_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, database: str, first: str, bind: str
) -> None:
    """With two databases, ours in the default one or in the other, Flask-Migrate before or after us: the host's one
    migration holds its own tables, two more `flask db migrate` find nothing, and its downgrade leaves ours alone."""
    arguments = [first, bind, request.getfixturevalue(database), f"sqlite:///{tmp_path / 'other.sqlite'}"]
    done = subprocess.run(
        [sys.executable, "-c", PROJECT, *arguments], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    [written] = (tmp_path / "migrations" / "versions").glob("*.py")
    text = written.read_text()
    assert written.name.endswith("_first.py")
    assert "'thing'" in text
    assert "'log'" in text
    assert "crm_stripe" not in text
    left = (tmp_path / "left.json").read_text()
    assert "crm_stripe_invoice" in left
    assert '"thing"' not in left
