"""Worlds for page tests: an opportunity to bill, invoices in every state, names that nobody asked for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_crm_stripe.errors import GateStopped, ProviderError, Unreachable
from flask_crm_stripe.model.crm import Contact, ContactRef, Service, Source, SourceRef
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.testing.memory_provider import MemoryProvider
from tests.web.page_stage import SOUTH, Page, Stage, fill_north, line

REVIEW = "/stripe/billables/opportunity/2207/review"
FOUR = "billable=b1&billable=b2&billable=b3&billable=b4"
HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "شركة النخيل للتجارة والاستشارات",
    "x" * 200,
    "\u202egnp.exe {{ 7*7 }} %(actor)s %s",
    'O\'Brien & "Söhne" </title>',
)


@pytest.fixture
def stage() -> Stage:
    """Two businesses; the northern one is connected and has work to bill."""
    made = Stage()
    fill_north(made.crm)
    made.connect()
    made.connect(SOUTH, "acct_south")
    return made


@pytest.fixture
def client(stage: Stage) -> FlaskClient:
    """Ines's browser, until the stage says that somebody else looks."""
    return stage.client()


def page_of(response: TestResponse, status: int = 200) -> Page:
    """The page, after a look at its status."""
    assert response.status_code == status, response.text
    return Page(response.text)


def provider(stage: Stage) -> MemoryProvider:
    """Stripe for the northern business."""
    return stage.providers.accounts["acct_north"]


def fresh(stage: Stage, invoice: Invoice) -> Invoice:
    """The invoice as it is stored now."""
    return stage.billing().invoicing.get(invoice.id)


def stopped(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> str:
    """An invoice that the gate stopped: Stripe counted one cent more VAT."""
    stripe = provider(stage)
    honest = stripe.add_lines

    def one_cent_more(invoice_id: str, *rest: object) -> object:
        answer = honest(invoice_id, *rest)  # type: ignore[arg-type]
        lines = stripe.invoices[invoice_id].lines
        lines[-1] = replace(lines[-1], vat=lines[-1].vat + 1)
        return replace(answer, tax=answer.tax + 1, total=answer.total + 1)

    monkeypatch.setattr(stripe, "add_lines", one_cent_more)
    with pytest.raises(GateStopped) as error:
        stage.invoice("b1", "b2")
    return str(error.value.invoice_id)


def interrupted(stage: Stage, at: str = "finalise") -> str:
    """An invoice whose next step was never answered."""
    provider(stage).fail_next(at, Unreachable("Stripe did not answer in time."), after=True)
    with pytest.raises(ProviderError) as error:
        stage.invoice("b1", "b2")
    return str(error.value.invoice_id)


def hostile(stage: Stage, name: str) -> Invoice:
    """Everything that the CRM names is named like this; an invoice of it exists, and a service."""
    source, contact = SourceRef("opportunity", "666"), ContactRef("organization", "666")
    stage.crm.add(
        "north",
        Contact(contact, name, email="a@b.example", url="javascript:alert(3)"),
        Source(source, name, name, contact, "javascript:alert(4)"),
        Service("s666", name, name, prices=()),
        line("h1", name, "1", "100", source=source, unit=name, when=name, who=name),
        line("h2", name, "1", "100", source=source, vat=None),
        line("h3", name, "1", "100", source=source),
    )
    return stage.invoice("h1", source=source)
