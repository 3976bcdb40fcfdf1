"""Each import contract in setup.cfg refuses a planted violation, and the real tree keeps them all."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RINGS = "Rings"
ADAPTERS = "Only the extension knows the adapters"
PURE = "Rules and use cases know no library"
ORACLE = "FakeStripe is an independent oracle"
WEB = "Only web imports marshmallow, authlib and flask_wtf"
SQL = "Only adapters.sqlalchemy imports sqlalchemy and alembic"
STRIPE = "Only adapters.stripe and testing import stripe"
HOST = "The example CRM uses what any host may use"

# The module that is written, what it imports, and the contract that must say no.
PLANTED = [
    ("flask_crm_stripe/utils.py", "", RINGS),
    ("flask_crm_stripe/helpers/__init__.py", "", RINGS),
    ("flask_crm_stripe/model/planted.py", "import flask_crm_stripe.ports", RINGS),
    ("flask_crm_stripe/ports/planted.py", "import flask_crm_stripe.core", RINGS),
    ("flask_crm_stripe/core/planted.py", "import flask_crm_stripe.adapters", RINGS),
    ("flask_crm_stripe/core/planted.py", "import flask_crm_stripe.web", RINGS),
    ("flask_crm_stripe/core/planted.py", "def late(): import flask_crm_stripe.extension", RINGS),
    ("flask_crm_stripe/adapters/planted.py", "import flask_crm_stripe.core", RINGS),
    ("flask_crm_stripe/web/planted.py", "import flask_crm_stripe.cli", RINGS),
    ("flask_crm_stripe/web/planted.py", "import flask_crm_stripe.testing", RINGS),
    ("flask_crm_stripe/web/planted.py", "from flask_crm_stripe.adapters import stripe", ADAPTERS),
    ("flask_crm_stripe/testing/planted.py", "import flask_crm_stripe.adapters.sqlalchemy", ADAPTERS),
    ("flask_crm_stripe/core/planted.py", "from flask import current_app", PURE),
    ("flask_crm_stripe/ports/planted.py", "import requests", PURE),
    ("flask_crm_stripe/model/planted.py", "import sqlalchemy.orm", PURE),
    ("flask_crm_stripe/core/planted.py", "import flask_crm_stripe.signals", PURE),
    ("flask_crm_stripe/testing/fake_stripe/planted.py", "import flask_crm_stripe.model", ORACLE),
    ("flask_crm_stripe/testing/fake_stripe/planted.py", "import flask_crm_stripe.testing.planted_twin", ORACLE),
    ("flask_crm_stripe/web/planted.py", "import stripe", STRIPE),
    ("flask_crm_stripe/adapters/planted.py", "import stripe", STRIPE),
    ("flask_crm_stripe/web/planted.py", "from sqlalchemy import select", SQL),
    ("flask_crm_stripe/adapters/stripe/planted.py", "import alembic", SQL),
    ("flask_crm_stripe/web/planted.py", "import celery", "Only the queue adapter imports celery"),
    ("flask_crm_stripe/adapters/planted.py", "import marshmallow", WEB),
    ("flask_crm_stripe/adapters/stripe/planted.py", "import authlib.integrations", WEB),
    ("flask_crm_stripe/adapters/planted.py", "import blinker", "Only signals imports blinker"),
    ("flask_crm_stripe/web/planted.py", "import cryptography.fernet", "Only the vault imports cryptography"),
    ("example_app/planted.py", "from flask_crm_stripe import web", HOST),
    ("example_app/planted.py", "import flask_crm_stripe.adapters.sqlalchemy", HOST),
    ("flask_crm_stripe/web/planted.py", "import example_app", "The extension knows no host"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code, in which violations can be planted."""
    copy = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / "setup.cfg", copy)
    for package in ("flask_crm_stripe", "example_app"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    (copy / "flask_crm_stripe/testing/planted_twin.py").touch()  # a sibling of FakeStripe that is surely there
    return copy


@contextmanager
def planted(tree: Path, module: str, code: str) -> Iterator[None]:
    """The module is in the tree for the length of the block."""
    path = tree / module
    new_folder = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{code}\n")
    yield
    path.unlink()
    if new_folder:
        path.parent.rmdir()


def broken_contracts(tree: Path) -> set[str]:
    """The names of the contracts that lint-imports finds broken."""
    lint = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    options = ["--config", "setup.cfg", "--no-cache", "--no-logo"]
    run = subprocess.run([*lint, *options], cwd=tree, capture_output=True, text=True, check=False)
    assert "Contracts:" in run.stdout, run.stdout + run.stderr
    broken = set(re.findall(r"^(.+) BROKEN", run.stdout, re.MULTILINE))
    assert run.returncode == bool(broken)
    return broken


def test_the_tree_keeps_every_contract(tree: Path) -> None:
    """Without a planted violation all contracts are kept, so that what breaks below is broken by the plant."""
    assert broken_contracts(tree) == set()


@pytest.mark.parametrize(("module", "code", "contract"), PLANTED)
def test_a_planted_violation_is_refused(tree: Path, module: str, code: str, contract: str) -> None:
    """The build fails and names the contract."""
    with planted(tree, module, code):
        assert contract in broken_contracts(tree)


def test_each_contract_has_a_planted_violation() -> None:
    """A contract in setup.cfg without a plant here would be one that nobody has seen refuse anything."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    names = {section["name"] for title, section in settings.items() if title.startswith("importlinter:contract")}
    assert names == {contract for _, _, contract in PLANTED}
