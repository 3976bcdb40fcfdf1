"""Declared dependencies are the imported ones, and the locks hold what pyproject.toml asks for."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# Flask is made of these, re-exports most of them, and asks for them itself.
WITH_FLASK = {"click", "itsdangerous", "jinja2", "markupsafe", "werkzeug", "wtforms"}
# Imported by name only: its static files and templates are served by us.
# Bootstrap-Flask: its files are served. Flask-SQLAlchemy: the database that hosts hand in, used without an import.
BY_FILES = {"bootstrap-flask", "flask-sqlalchemy"}


def imported_distributions(folder: Path) -> set[str]:
    """The distributions whose modules the code under the folder imports, anywhere in it."""
    owners = packages_distributions()
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names
            found |= {str(canonicalize_name(owner)) for top in tops for owner in owners.get(top, [top])}
    return found - {"flask-crm-stripe"}


def declared(lines: list[str]) -> set[str]:
    """The names in a list of requirements."""
    return {str(canonicalize_name(Requirement(line).name)) for line in lines}


def test_declared_is_imported_and_imported_is_declared() -> None:
    """No dependency that nobody imports, and no import that only works because something else brought it."""
    core = declared(PYPROJECT["project"]["dependencies"])
    extras = declared([line for lines in PYPROJECT["project"]["optional-dependencies"].values() for line in lines])
    imported = imported_distributions(ROOT / "flask_crm_stripe")
    optional = {"flask-login", "flask-migrate"}  # asked for only where the host has them
    assert core - imported - BY_FILES == set()
    assert imported - core - extras - WITH_FLASK - optional == set()


@pytest.mark.parametrize("name", ["demo", "dev"])
def test_locks_hold_what_is_declared_with_hashes(name: str) -> None:
    """Each direct requirement is in the lock at a version that satisfies it, and each line of the lock has a hash."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", text, re.MULTILINE))
    groups = PYPROJECT["dependency-groups"]
    lines = PYPROJECT["project"]["dependencies"] + groups["demo"]
    if name == "dev":
        lines = lines + [line for line in groups["dev"] if isinstance(line, str)]
    for line in lines:
        wanted = Requirement(line)
        assert wanted.specifier.contains(pinned[str(canonicalize_name(wanted.name))]), f"run `make lock`: {line}"
    for block in re.split(r"^(?=\S+==)", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in block


@pytest.mark.parametrize("name", ["demo", "dev", "uv"])
def test_locks_name_no_registry_and_no_machine(name: str) -> None:
    """A lock works with whatever registry the reader has."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text


def test_the_demo_lock_is_part_of_the_development_lock() -> None:
    """`make test` after `make demo` changes no version, and `make demo` after `make test` installs nothing."""
    lines = {name: (ROOT / "requirements" / f"{name}.txt").read_text().splitlines() for name in ("demo", "dev")}
    pins = {name: {line for line in text if re.match(r"\S+==", line)} for name, text in lines.items()}
    assert {line.split("==")[0] for line in pins["demo"]} <= {line.split("==")[0] for line in pins["dev"]}
    versions = {line.split(" ")[0] for line in pins["dev"]}
    assert {line.split(" ")[0] for line in pins["demo"]} <= versions
