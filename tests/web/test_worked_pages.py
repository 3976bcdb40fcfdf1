"""Worked invoices on our own pages: the review and the invoice show the table's figures, as the currency is written."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import pytest

from flask_crm_stripe.model.crm import VatKind
from tests.core.worked.ours import work_of
from tests.core.worked.rows import Case, Rate
from tests.core.worked.table import MADE
from tests.web.page_stage import VDB, YARD, Page, Stage, fill_north
from tests.web.page_worlds import REVIEW, page_of

DECIMALS = {"jpy": 0, "isk": 0, "ugx": 0, "kwd": 3}
UNITS = {"jpy": 1, "kwd": 1000}
NO_VAT = {"exempt": "Exempt", "reverse charge": "Reverse charge", "out of scope": "No VAT"}
CURRENCIES = ("eur", "usd", "gbp", "jpy", "kwd", "isk", "huf", "ugx")
BILLED = [case for case in MADE if not any(row.deducts for row in case.rows)]
SAMPLE = [case for code in CURRENCIES for case in [each for each in BILLED if each.currency == code][::4]]


def written(minor: int, currency: str) -> str:
    """An amount as British people read it: ``-1,234.50``, with a real minus; krónur and shillings are whole."""
    text = f"{abs(minor) / UNITS.get(currency, 100):,.{DECIMALS.get(currency, 2)}f}"
    return f"\N{MINUS SIGN}{text}" if minor < 0 else text


def vat_line(words: str, base: int, vat: int, currency: str) -> str:
    """The line of a rate: what its VAT is on, and its VAT."""
    rate = Rate.read(words)
    percent = f"{float(rate.percent):.6f}".rstrip("0").rstrip(".")
    name = NO_VAT.get(rate.kind) or f"{'Of that VAT' if rate.inside else 'VAT'} {percent} %"
    return f"{name} on {written(base, currency)} {written(vat, currency)}"


def phrases(case: Case) -> list[str]:
    """What both pages have to say of it."""
    expected, code = case.expected, case.currency
    found = [f"Lines {written(expected.subtotal, code)}"]
    if expected.discount:
        percent = f" {float(case.percent_off):g} %" if case.percent_off else ""
        found.append(f"Invoice discount{percent} {written(-expected.discount, code)}")
    found += [vat_line(words, base, vat, code) for words, (base, vat) in expected.rates.items()]
    return [*found, f"Total {written(expected.total, code)} {code.upper()}"]


def amounts(page: Page) -> str:
    """The words of the page with plain blanks."""
    return page.text.replace("\N{NO-BREAK SPACE}", " ")


def billed(case: Case) -> Stage:
    """A business whose opportunity is the case and nothing else."""
    stage = Stage()
    fill_north(stage.crm)
    stage.connect()
    rows = stage.crm.for_business("north")
    rows.kept_billables.clear()
    kind = VatKind(case.customer.replace(" ", "_")) if case.customer else None
    stage.crm.add("north", replace(rows.kept_contacts[VDB], currency=None, vat_kind=kind))
    for place in range(len(case.rows)):
        stage.crm.add("north", replace(work_of(case, place).billable, source=YARD, service=None))
    rounding = {"vat_rounding": case.rounding, "exempt_rule": "art. 11 Wet OB"}
    stage.shared.for_business("north").settings.save(rounding, "1", stage.clock.now())
    return stage


@pytest.mark.parametrize("case", SAMPLE, ids=str)
def test_our_pages_show_the_tables_figures(case: Case) -> None:
    """Before it is sent and after: the sums, the VAT of each rate with what it is on, each line's amount."""
    stage = billed(case)
    client = stage.client()
    off = {"discount_percent": case.percent_off or case.sum_off}
    unit = {"discount_unit": "percent" if case.percent_off else "amount"}
    choice = [("billable", f"b{place}") for place in range(len(case.rows))]
    review = page_of(client.get(f"{REVIEW}?{urlencode([*choice, *off.items(), *unit.items()])}"))
    form = review.form("/invoice")
    answer = client.post(form.action, data=form.data(send="yes", **unit))
    assert answer.status_code == 303
    pages = (review, page_of(client.get(answer.location)))
    for page in pages:
        for phrase in phrases(case):
            assert phrase in amounts(page)
        for amount, _, _ in case.expected.lines:
            assert f" {written(amount, case.currency)} " in amounts(page)
    total = f"{written(case.expected.total, case.currency)} {case.currency.upper()}"
    assert f"Send invoice, {total}" in amounts(review)
    [made] = stage.providers.accounts["acct_north"].invoices.values()
    assert (made.total, made.status) == (case.expected.total, "open" if case.expected.total else "paid")


def test_every_currency_is_written_its_own_way() -> None:
    """By hand, so that the words above are no echo of our own formats."""
    assert written(637395, "eur") == "6,373.95"
    assert written(-28024, "usd") == "−280.24"
    assert written(8158, "jpy") == "8,158"
    assert written(135210, "kwd") == "135.210"
    assert written(4166900, "isk") == "41,669"
    assert written(236000000, "ugx") == "2,360,000"
