"""What stands below the figures, word for word: the seller, why there is no VAT, what is missing, VAT numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Policy, Terms, make_plan
from flask_crm_stripe.core.legal import LONGEST_FOOTER, footer_of, lacking, policy_of, vat_type, wrong_seller
from flask_crm_stripe.model.business import Business
from flask_crm_stripe.model.crm import Contact, VatKind
from flask_crm_stripe.model.invoices import InvoicePlan, Seller, VatRounding
from tests.core.samples import ZONEN, work

SELLER = Seller("Harbour & Pine", "Havenkade 12\n2611 Delft\nNetherlands", "NL001234567B01")
ADDRESS = "Your own address is missing, and an invoice must show it. An admin adds it in the billing settings."
NUMBER = "Your own VAT number is missing, and an invoice with VAT must show it. An admin adds it in the settings."

# Directive 2006/112/EC, article 226 (11a), in the version of each language.
REVERSE_CHARGE = """
bg обратно начисляване
cs daň odvede zákazník
da omvendt betalingspligt
de Steuerschuldnerschaft des Leistungsempfängers
el Αντίστροφη επιβάρυνση
en Reverse charge
es Inversión del sujeto pasivo
et pöördmaksustamine
fi käännetty verovelvollisuus
fr Autoliquidation
hr Prijenos porezne obveze
hu fordított adózás
it Inversione contabile
lt Atvirkštinis apmokestinimas
lv nodokļa apgrieztā maksāšana
nl Btw verlegd
pl odwrotne obciążenie
pt Autoliquidação
ro taxare inversă
sk prenesenie daňovej povinnosti
sl Obrnjena davčna obveznost
sv Omvänd betalningsskyldighet
xx Reverse charge
"""
EXEMPT = """
da Momsfritaget
de Umsatzsteuerfrei
en Exempt from VAT
es Exento de IVA
fr Exonéré de TVA
it Esente IVA
nl Vrijgesteld van btw
pl Zwolnione z VAT
pt Isento de IVA
sv Undantaget från moms
fi Exempt from VAT
"""


def rows(text: str) -> list[tuple[str, str]]:
    """(language, words)."""
    found = (line.partition(" ") for line in text.strip().splitlines())
    return [(language, words) for language, _, words in found]


def plan(*kinds: VatKind, contact: Contact = ZONEN, seller: Seller = SELLER) -> InvoicePlan:
    """One line of each kind."""
    works = [
        replace(work(kind), vat_kind=kind, vat_rate=Decimal(21 if kind is VatKind.STANDARD else 0)) for kind in kinds
    ]
    return make_plan(contact, works, Terms(), "eur", Policy(seller=seller))


def test_reverse_charge_is_said_in_every_language_of_the_directive() -> None:
    """The customer's VAT number behind it; nothing else stands on that line."""
    for language, words in rows(REVERSE_CHARGE):
        for tag in (language, f"{language.upper()}-AT"):
            contact = replace(ZONEN, language=tag, vat_number="DE811234567")
            footer = footer_of(plan(VatKind.REVERSE_CHARGE, contact=contact))
            assert footer.splitlines()[1:] == [f"{words} (DE811234567)"]
        assert footer_of(plan(VatKind.REVERSE_CHARGE, contact=replace(ZONEN, language=language))).endswith(f"\n{words}")


def test_exempt_is_said_in_the_languages_that_we_have() -> None:
    """With the rule, where the business names one."""
    for language, words in rows(EXEMPT):
        of_kind = plan(VatKind.EXEMPT, contact=replace(ZONEN, language=language))
        assert footer_of(of_kind).splitlines()[1:] == [words]
        assert footer_of(of_kind, "art. 11").splitlines()[1:] == [f"{words}: art. 11"]
    assert footer_of(plan(VatKind.EXEMPT, contact=replace(ZONEN, language=None))).endswith("\nExempt from VAT")


def test_every_reason_has_its_line_and_a_rate_needs_none() -> None:
    """In this order, below the seller."""
    both = footer_of(plan(VatKind.EXEMPT, VatKind.STANDARD, VatKind.REVERSE_CHARGE), "art. 11")
    assert both == (
        "Harbour & Pine · Havenkade 12, 2611 Delft, Netherlands · VAT NL001234567B01\n"
        "Btw verlegd\n"
        "Vrijgesteld van btw: art. 11"
    )
    for kind in (VatKind.STANDARD, VatKind.ZERO, VatKind.OUT_OF_SCOPE):
        assert footer_of(plan(kind), "art. 11").count("\n") == 0


@pytest.mark.parametrize(
    ("seller", "words"),
    [
        (Seller("Harbour", "Kade 1 \n\n 2611 Delft", ""), "Harbour · Kade 1, 2611 Delft"),
        (Seller("", "Kade 1", "NL1"), "Kade 1 · VAT NL1"),
        (Seller("Harbour", "", "NL1"), "Harbour · VAT NL1"),
        (Seller("Harbour", "", ""), ""),
        (Seller("Harbour", "Kade", ""), "Harbour · Kade"),
    ],
)
def test_the_seller_is_one_line(seller: Seller, words: str) -> None:
    """Without an address and a number nothing: the account's own name stands on the invoice."""
    assert footer_of(plan(VatKind.STANDARD, seller=seller)) == words


def test_a_footer_is_cut_where_stripe_would_refuse_it() -> None:
    """5,000 characters and no more."""
    longest = footer_of(plan(VatKind.EXEMPT), "x" * 6000)
    assert len(longest) == LONGEST_FOOTER == 5000


def test_what_is_missing_is_said_word_for_word() -> None:
    """The first thing first: an address, then a number of one's own, then the customer's."""
    nobody = Seller("Harbour")
    for kind in VatKind:
        assert lacking(plan(kind, seller=nobody)) == ADDRESS
    unnumbered = replace(SELLER, vat_number="")
    for kind in (VatKind.STANDARD, VatKind.REDUCED, VatKind.ZERO, VatKind.REVERSE_CHARGE):
        assert lacking(plan(kind, seller=unnumbered)) == NUMBER
        assert lacking(plan(VatKind.EXEMPT, kind, seller=unnumbered)) == NUMBER
    for kind in (VatKind.EXEMPT, VatKind.OUT_OF_SCOPE):
        assert lacking(plan(kind, seller=unnumbered)) == ""
    assert lacking(plan(VatKind.REVERSE_CHARGE)) == (
        "Van den Berg & Zonen has no VAT number, and reverse charge is only for a customer who has one. "
        "Add it in the CRM."
    )
    assert lacking(plan(VatKind.REVERSE_CHARGE, contact=replace(ZONEN, vat_number="DE811234567"))) == ""
    assert lacking(plan(VatKind.STANDARD, VatKind.ZERO)) == ""


@pytest.mark.parametrize(
    ("field", "longest", "letter"),
    [
        ("seller_name", 200, "x"),
        ("seller_address", 400, "x"),
        ("seller_vat_number", 40, "1"),
        ("exempt_rule", 200, "x"),
    ],
)
def test_what_is_kept_has_a_length(field: str, longest: int, letter: str) -> None:
    """To the last character."""
    assert wrong_seller({field: letter * longest}) == {}
    assert wrong_seller({field: letter * (longest + 1)}) == {field: f"Write at most {longest} characters."}


def test_a_wrong_number_or_policy_is_said_word_for_word() -> None:
    """A VAT number has three digits in a row at least; a policy is one of two, or none."""
    number = "Write your VAT number as your tax office gave it, like NL001234567B01."
    for wrong in ("soon", "12", "1a2b3", "NL"):
        assert wrong_seller({"seller_vat_number": wrong}) == {"seller_vat_number": number}
    for right in ("", "123", "NL001234567B01", "CHE-123.456.789 MWST"):
        assert wrong_seller({"seller_vat_number": right}) == {}
    for right in ("", "rate", "line"):
        assert wrong_seller({"vat_rounding": right}) == {}
    assert wrong_seller({"vat_rounding": "both"}) == {"vat_rounding": "Choose where VAT is rounded."}
    assert wrong_seller({"vat_rounding": "x" * 11}) == {"vat_rounding": "Choose where VAT is rounded."}
    assert wrong_seller({}) == {}


def test_each_setting_wins_on_its_own() -> None:
    """What is not set, or set to nothing, is what the CRM says."""
    crm = Business("hp", "Harbour", address="Delft", vat_number="NL1")
    for name, seller in (
        ("seller_name", Seller("x", "Delft", "NL1")),
        ("seller_address", Seller("Harbour", "x", "NL1")),
        ("seller_vat_number", Seller("Harbour", "Delft", "x")),
    ):
        assert policy_of({name: "x"}, crm) == Policy(VatRounding.RATE, seller)
        assert policy_of({name: ""}, crm) == Policy(VatRounding.RATE, Seller("Harbour", "Delft", "NL1"))
    for rounding in VatRounding:
        assert policy_of({"vat_rounding": rounding.value}, crm).rounding is rounding


def test_every_state_of_the_union_has_vat_numbers() -> None:
    """Two letters and two to twelve signs; Greece is EL, Northern Ireland XI, and the one-stop shop EU."""
    states = "AT BE BG CY CZ DE DK EE EL ES FI FR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK XI EU"
    for state in states.split():
        assert vat_type(f"{state}12345678") == "eu_vat", state
    assert vat_type("IE1234567FA") == vat_type("ESX1234567X") == "eu_vat"
    assert (vat_type("NL12"), vat_type("NL123456789012")) == ("eu_vat", "eu_vat")
    assert (vat_type("NL1"), vat_type("NL1234567890123"), vat_type("GR123456789"), vat_type("CH123456789")) == ("",) * 4
    assert (vat_type("GB123456789012"), vat_type("GBHA123"), vat_type("GB12345678")) == ("gb_vat", "gb_vat", "")
    assert (vat_type("123456789MVA"), vat_type("12345678MVA"), vat_type("123456789")) == ("no_vat", "", "")
