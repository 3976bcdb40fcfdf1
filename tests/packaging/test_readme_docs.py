"""What README.md and docs/ say is so: code runs, names exist, nothing is left out, links lead somewhere."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from flask_crm_stripe import ALL_PERMISSIONS, CRMStripe, signals
from flask_crm_stripe.adapters.sqlalchemy import maps, tables
from flask_crm_stripe.config import CHECKS, NEEDED, PREFIX
from flask_crm_stripe.core.event_handlers import HANDLERS
from flask_crm_stripe.testing import MemoryCRM, Switches, fixtures
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.faults import KINDS
from flask_crm_stripe.testing.fake_stripe.switches import CHOICES
from tests.support import readme

ROOT = Path(__file__).resolve().parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS]
MARKED = [(page, name) for page in DOCS for name in readme.names(page.read_text())]
FENCED = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)")


def text(name: str) -> str:
    """A page of docs/, or a file of the root."""
    path = ROOT / "docs" / name
    return (path if path.exists() else ROOT / name).read_text()


def everything() -> str:
    """All pages."""
    return "\n".join(page.read_text() for page in PAGES)


def section(page: str, heading: str) -> str:
    """What stands under a heading, up to the next one."""
    found = re.search(rf"^#+ {re.escape(heading)}$(.*?)(?=^#+ |\Z)", text(page), re.DOTALL | re.MULTILINE)
    assert found, f"{page} has no heading “{heading}”"
    return found[1]


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings make, as forges write them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.replace(" ", "-") for heading in plain}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """Any CRM with billing."""
    app = Flask("documented")
    app.config.update(SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/crm.sqlite3")
    CRMStripe().init_app(app, crm=MemoryCRM(), db=SQLAlchemy(app))
    with app.app_context():
        yield app


@pytest.mark.parametrize(("page", "name"), MARKED, ids=[f"{page.stem}-{name}" for page, name in MARKED])
def test_marked_code_runs(page: Path, name: str, tmp_path: Path) -> None:
    """Each block that is marked runs as it stands, in a process and folder of its own; tests among them pass."""
    (tmp_path / "test_block.py").write_text(readme.block(name, page.read_text()))
    how = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if name.startswith("pytest-") else []
    command = [sys.executable, "-W", "error", *how, "test_block.py"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_all_code_is_python() -> None:
    """No block that calls itself Python has a mistake in its grammar; all of docs/ is marked and thereby run."""
    for page in PAGES:
        for code in FENCED.findall(page.read_text()):
            ast.parse(code)
    assert len(MARKED) == sum(len(FENCED.findall(page.read_text())) for page in DOCS)


def test_links_lead_somewhere() -> None:
    """Files, and headings in them."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for target, anchor in LINK.findall(page.read_text()):
            file = (page.parent / target).resolve() if target else page
            assert file.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in anchors(file), f"{page.name}: {target}#{anchor}"


def test_files_that_are_named_exist() -> None:
    """The paths of modules in the architecture's flows and in other pages."""
    package = ROOT / "flask_crm_stripe"
    flows = section("architecture.md", "Flows").replace("templates/", "web/templates/")
    for name in re.findall(r"`([\w/.-]+\.(?:py|html))`", flows):
        assert (package / name).exists(), name
    for name in re.findall(r"`((?:flask_crm_stripe|example_app|tests)/[\w/.-]+\.py)`", everything()):
        assert (ROOT / name).exists(), name


def test_keys_exist_and_all_are_told() -> None:
    """Every CRM_STRIPE_ key of the pages is one that is read; README's table and configuration.md have each."""
    known = {PREFIX + name for name in CHECKS}
    assert set(re.findall(r"CRM_STRIPE_[A-Z_]+", everything())) <= known
    rows = dict(re.findall(r"^\| `(CRM_STRIPE_\w+)` \|.*\| (.+?) \|$", text("README.md"), re.MULTILINE))
    assert set(rows) == known
    assert {key for key, without in rows.items() if without == "needed"} == {PREFIX + name for name in NEEDED}
    assert set(re.findall(r"^### (CRM_STRIPE_\w+)$", text("configuration.md"), re.MULTILINE)) == known


def test_commands_exist_and_all_are_told(app: Flask) -> None:
    """Every `crm-stripe` command of the pages is there with the options named, and operations.md has each."""
    group = app.cli.get_command(None, "crm-stripe")  # type: ignore[arg-type]
    commands = {name: {o for p in found.params for o in p.opts} for name, found in group.commands.items()}  # type: ignore[union-attr]
    for line in re.findall(r"crm-stripe ([^`\n]+)", everything()):
        name, *rest = line.split()
        if re.fullmatch(r"[a-z-]+", name):
            assert name in commands, line
            assert {word for word in rest if word.startswith("--")} <= commands[name], line
    assert set(re.findall(r"^\| `flask crm-stripe ([\w-]+)` \|", text("operations.md"), re.MULTILINE)) == set(commands)


def test_pages_and_operations_exist(app: Flask) -> None:
    """Every page of pages.md is a rule, and json.md has every JSON operation and no other."""
    rules = {re.sub(r"<\w+:(\w+)>", r"<\1>", rule.rule): rule for rule in app.url_map.iter_rules()}
    listed = re.findall(r"^\| (`/.*?) \|", text("pages.md"), re.MULTILINE)
    for path in re.findall(r"`(/[^`]*)`", "\n".join(listed)):
        shaped = path.replace("<kind>", "<source>").replace("/invoices/<id>", "/invoices/<invoice_id>")
        assert f"/stripe{shaped}" in rules, path
    root = "/stripe/api/v1"
    built = {
        f"{method} {path.removeprefix(root)}"
        for path, rule in ((rule.rule, rule) for rule in app.url_map.iter_rules() if rule.rule.startswith(root))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if not rule.endpoint.rpartition(".")[2].startswith(("api_no_method", "api_nothing"))
    }
    assert set(re.findall(r"^\| `((?:GET|POST) /[^`]*)` \|", text("json.md"), re.MULTILINE)) == built


def test_endpoints_in_pages_exist(app: Flask) -> None:
    """`url_for("crm_stripe. ...")` of the pages are endpoints."""
    for name in re.findall(r'url_for\("(crm_stripe\.\w+)"', everything()):
        assert name in app.view_functions


def test_every_permission_table_signal_and_event_is_told() -> None:
    """The lists of the pages are the lists of the code."""
    told = set(re.findall(r"`(\w+)`", section("crm.md", "Businesses, people, the finance module")))
    assert told >= ALL_PERMISSIONS
    ours = {name.removeprefix(tables.PREFIX) for name in (*tables.metadata.tables, tables.VERSION_TABLE)}
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section("architecture.md", "Tables"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "\n".join(rows))) == ours
    assert set(re.findall(r"^\| `(\w+)` \|", text("signals.md"), re.MULTILINE)) == set(signals.BY_NAME)
    listed = re.findall(r"^\| (`[a-z_]+\.[a-z_.` ]+`) \|", section("webhooks.md", "Setting it up"), re.MULTILINE)
    assert set(re.findall(r"`([\w.]+)`", "\n".join(listed))) == set(HANDLERS)


def test_the_mapping_is_told_whole() -> None:
    """Each role's needed and possible fields are those of `Maps`."""
    rows = re.findall(r"^\| (\w+) \| (`.+`) \| (`.+`) \|$", section("crm.md", "Declaring models"), re.MULTILINE)
    told = {role: tuple(set(re.findall(r"`(\w+)`", part)) for part in parts) for role, *parts in rows}
    roles = (maps.SERVICES, maps.CONTACTS, maps.SOURCES, maps.BILLABLES)
    assert told == {role.name: (set(role.required), set(role.optional)) for role in roles}


def test_fake_stripe_is_told_whole() -> None:
    """Every control, fault and switch with its positions, the default first."""
    rules = [rule for rule in FakeStripe().app.url_map.iter_rules() if rule.rule.startswith("/_fake")]
    controls = {f"{m} {rule.rule}" for rule in rules for m in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert set(re.findall(r"`((?:GET|POST|DELETE) /_fake/\w+)`", text("fake-stripe.md"))) == controls
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ", section("fake-stripe.md", "Controls"), re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "\n".join(rows))) == set(KINDS)
    heading = "What has not been compared with Stripe yet"
    switches = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section("fake-stripe.md", heading), re.MULTILINE))
    assert set(switches) == {field.name for field in fields(Switches)}
    for name, choices in CHOICES.items():
        assert re.findall(r"`(\w+)`", switches[name]) == [str(choice) for choice in choices]
        assert getattr(Switches(), name) == choices[0]


def test_fixtures_and_twins_are_told() -> None:
    """Every fixture and every export of `flask_crm_stripe.testing` is in testing.md."""
    defined = {name for name, found in vars(fixtures).items() if type(found).__name__ == "FixtureFunctionDefinition"}
    rows = re.findall(r"^\| `(\w+)(?:\([^`]*\))?` \|", section("testing.md", "Fixtures"), re.MULTILINE)
    assert defined
    assert set(rows) == defined
    for name in ("FakeStripe", "MemoryCRM", "MemoryProvider", "MemoryProviders", "MemorySharedLedger"):
        assert name in text("testing.md")


def test_the_picture_is_there_and_small() -> None:
    """README shows a picture that loads quickly."""
    (name,) = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text("README.md"))
    picture = ROOT / name
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size < 250_000
