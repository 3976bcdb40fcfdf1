"""The public API as types: a host's typed code passes, and its mistakes are found before it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(__file__).with_name("host_code.py")
START = """
from decimal import Decimal
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from flask_crm_stripe import Actor, Billable, Business, CRMStripe, Maps, Service, SourceRef, SQLAlchemyCRM
from flask_crm_stripe import current_billing, signals
extension = CRMStripe()
"""
MISTAKES = {
    'Service(1, "ADV", "Advice")': "arg-type",
    'Billable("1", SourceRef("order", "1"), "Advice", 1.5, Decimal(95), "eur")': "arg-type",
    'Business("1", "Harbour", time_zone="UTC")': "call-arg",
    'Actor("1", "Ines", permissions=None)': "arg-type",
    'extension.init_app(Flask("crm"), crm=object(), db=SQLAlchemy())': "arg-type",
    'extension.init_app(Flask("crm"), db=SQLAlchemy())': "call-arg",
    "extension.business_loader(lambda: 7)": "type-var",
    "extension.actor_loader(lambda: object())": "type-var",
    "extension.finance_module(lambda: True)": "type-var",
    'Maps("Service", ref="id")': "arg-type",
    'SQLAlchemyCRM(services=Maps(int, ref="id"))': "call-arg",
    'current_billing.invoicing.source("order:1")': "arg-type",
    "current_billing.nothing": "attr-defined",
    "signals.payment_lost": "attr-defined",
}


def mypy(*files: Path) -> tuple[str, int]:
    """What mypy says about these files under the project's own settings."""
    arguments = ["--config-file", str(ROOT / "pyproject.toml"), "--python-executable", sys.executable, *map(str, files)]
    said, trouble, status = api.run([*arguments, "--cache-dir", str(ROOT / ".mypy_cache"), "--no-error-summary"])
    assert not trouble, trouble
    return said, status


@pytest.fixture(autouse=True)
def _in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_typed_host_code_passes() -> None:
    """Registration, both kinds of CRM, loaders, signals, use cases and errors are typed as the documents say."""
    said, status = mypy(HOST)
    assert (said, status) == ("", 0)


def test_mistakes_are_found(tmp_path: Path) -> None:
    """Each wrong use is an error on its own line, so no part of the public API is silently ``Any``."""
    wrong = tmp_path / "wrong_use.py"
    wrong.write_text(START + "\n".join(MISTAKES) + "\n")
    said, _ = mypy(wrong)
    first = START.count("\n") + 1
    for number, (line, code) in enumerate(MISTAKES.items(), start=first):
        assert any(f"wrong_use.py:{number}: error:" in found and f"[{code}]" in found for found in said.splitlines()), (
            f"mypy finds nothing of the kind [{code}] in: {line}\n{said}"
        )
