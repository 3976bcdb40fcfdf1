"""What the law wants to stand on an invoice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Policy, Terms, make_plan
from flask_crm_stripe.core.legal import (
    EXEMPT,
    REVERSE_CHARGE,
    compact,
    footer_of,
    lacking,
    policy_of,
    vat_type,
    wrong_seller,
)
from flask_crm_stripe.model.business import Business
from flask_crm_stripe.model.crm import Contact, VatKind
from flask_crm_stripe.model.invoices import InvoicePlan, Seller, VatRounding
from tests.core.samples import ZONEN, work

SELLER = Seller("Harbour & Pine", "Kade 1\n2611 Delft,  Netherlands\n", "NL001234567B01")


def of_kind(kind: VatKind, contact: Contact = ZONEN, seller: Seller = SELLER) -> InvoicePlan:
    """A plan with one line of a kind."""
    rate = Decimal(21) if kind in (VatKind.STANDARD, VatKind.REDUCED) else Decimal(0)
    line = replace(work(), vat_kind=kind, vat_rate=rate)
    return make_plan(contact, [line], Terms(), "eur", Policy(seller=seller))


def test_the_seller_stands_on_every_invoice() -> None:
    """Name, address on one line, VAT number."""
    assert footer_of(of_kind(VatKind.STANDARD)) == (
        "Harbour & Pine · Kade 1, 2611 Delft,  Netherlands · VAT NL001234567B01"
    )
    assert footer_of(of_kind(VatKind.OUT_OF_SCOPE, seller=Seller("Harbour", "Delft"))) == "Harbour · Delft"
    assert footer_of(of_kind(VatKind.STANDARD, seller=Seller("Harbour"))) == ""


@pytest.mark.parametrize(
    ("language", "words"),
    [("nl", "Btw verlegd"), ("de-AT", "Steuerschuldnerschaft"), (None, "Reverse charge"), ("xx", "Reverse charge")],
)
def test_reverse_charge_is_said_in_the_customers_language(language: str | None, words: str) -> None:
    """With their VAT number, under which they owe the tax."""
    contact = replace(ZONEN, language=language, vat_number="DE811234567")
    last = footer_of(of_kind(VatKind.REVERSE_CHARGE, contact)).splitlines()[-1]
    assert last.startswith(words)
    assert last.endswith("(DE811234567)")
    assert not footer_of(of_kind(VatKind.REVERSE_CHARGE)).endswith(")")


def test_an_exempt_invoice_names_the_rule() -> None:
    """In the customer's language; the rule is the business's own words."""
    plan = of_kind(VatKind.EXEMPT)
    assert footer_of(plan, "art. 11 Wet OB").splitlines()[-1] == "Vrijgesteld van btw: art. 11 Wet OB"
    assert footer_of(plan).splitlines()[-1] == "Vrijgesteld van btw"
    assert footer_of(of_kind(VatKind.EXEMPT, replace(ZONEN, language="fi"))).endswith(EXEMPT["en"])


def test_every_language_of_the_union_but_two_has_its_own_words() -> None:
    """Irish and Maltese customers read English; no two languages share an empty text."""
    assert len(REVERSE_CHARGE) == 22
    assert all(words.strip() for words in (*REVERSE_CHARGE.values(), *EXEMPT.values()))


@pytest.mark.parametrize(
    ("kind", "seller", "contact", "words"),
    [
        (VatKind.STANDARD, SELLER, ZONEN, ""),
        (VatKind.STANDARD, replace(SELLER, address=""), ZONEN, "address is missing"),
        (VatKind.OUT_OF_SCOPE, replace(SELLER, address=""), ZONEN, "address is missing"),
        (VatKind.ZERO, replace(SELLER, vat_number=""), ZONEN, "VAT number is missing"),
        (VatKind.EXEMPT, replace(SELLER, vat_number=""), ZONEN, ""),
        (VatKind.REVERSE_CHARGE, SELLER, ZONEN, "has no VAT number"),
        (VatKind.REVERSE_CHARGE, SELLER, replace(ZONEN, vat_number="NL123456782B01"), ""),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(
    kind: VatKind, seller: Seller, contact: Contact, words: str
) -> None:
    """Who sells, under which number, and to whom where the customer owes the tax."""
    found = lacking(of_kind(kind, contact, seller))
    assert (words in found) if words else not found


def test_a_business_decides_once() -> None:
    """Its settings win over what the CRM says of it; what cannot be read is as if it was never set."""
    crm = Business("hp", "Harbour", address="Delft", vat_number="NL1")
    assert policy_of({}, crm) == Policy(VatRounding.RATE, Seller("Harbour", "Delft", "NL1"))
    settings = {"seller_name": "H & P", "seller_address": "Kade", "seller_vat_number": "NL2", "vat_rounding": "line"}
    assert policy_of(settings, crm) == Policy(VatRounding.LINE, Seller("H & P", "Kade", "NL2"))
    assert policy_of({"vat_rounding": "nowhere"}, crm).rounding is VatRounding.RATE


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seller_address", "x" * 401),
        ("seller_vat_number", "soon"),
        ("seller_vat_number", "1" * 41),
        ("vat_rounding", "up"),
    ],
)
def test_a_wrong_setting_is_named(field: str, value: str) -> None:
    """By its field; good ones pass."""
    assert list(wrong_seller({field: value})) == [field]
    assert (
        wrong_seller({"seller_address": "Kade 1", "seller_vat_number": "NL001234567B01", "vat_rounding": "line"}) == {}
    )
    assert wrong_seller({"seller_vat_number": ""}) == {}


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("NL 0012.34.567-B01", "eu_vat"),
        ("el123456789", "eu_vat"),
        ("XI123456789", "eu_vat"),
        ("GB123456789", "gb_vat"),
        ("GBGD123", "gb_vat"),
        ("987654321 MVA", "no_vat"),
        ("T1234567890123", ""),
        ("US12", ""),
        ("", ""),
    ],
)
def test_a_vat_number_has_stripes_name_for_its_kind(number: str, kind: str) -> None:
    """However it is written; one of a kind that Stripe does not check here is printed only."""
    assert vat_type(number) == kind
    assert compact("nl 0012.34.567-b01") == "NL001234567B01"
