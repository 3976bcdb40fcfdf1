"""What the law wants to stand on an invoice, in the customer's language. Pure functions.

Directive 2006/112/EC, article 226: the seller's full name and address (5), the VAT number under which the supply is
made (3), the words for reverse charge in (11a), in each language as its own version of the directive has them, and for
an exempt supply a reference to the rule that exempts it (11), which only the business knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from flask_crm_stripe.core.figures import Policy
from flask_crm_stripe.model.business import Business
from flask_crm_stripe.model.crm import VatKind
from flask_crm_stripe.model.invoices import InvoicePlan, Seller, VatRounding

REVERSE_CHARGE = {
    "bg": "обратно начисляване",
    "cs": "daň odvede zákazník",
    "da": "omvendt betalingspligt",
    "de": "Steuerschuldnerschaft des Leistungsempfängers",
    "el": "Αντίστροφη επιβάρυνση",
    "en": "Reverse charge",
    "es": "Inversión del sujeto pasivo",
    "et": "pöördmaksustamine",
    "fi": "käännetty verovelvollisuus",
    "fr": "Autoliquidation",
    "hr": "Prijenos porezne obveze",
    "hu": "fordított adózás",
    "it": "Inversione contabile",
    "lt": "Atvirkštinis apmokestinimas",
    "lv": "nodokļa apgrieztā maksāšana",
    "nl": "Btw verlegd",
    "pl": "odwrotne obciążenie",
    "pt": "Autoliquidação",
    "ro": "taxare inversă",
    "sk": "prenesenie daňovej povinnosti",
    "sl": "Obrnjena davčna obveznost",
    "sv": "Omvänd betalningsskyldighet",
}
EXEMPT = {
    "da": "Momsfritaget",
    "de": "Umsatzsteuerfrei",
    "en": "Exempt from VAT",
    "es": "Exento de IVA",
    "fr": "Exonéré de TVA",
    "it": "Esente IVA",
    "nl": "Vrijgesteld van btw",
    "pl": "Zwolnione z VAT",
    "pt": "Isento de IVA",
    "sv": "Undantaget från moms",
}
NAME, ADDRESS, VAT_NUMBER = "seller_name", "seller_address", "seller_vat_number"
EXEMPT_RULE, ROUNDING = "exempt_rule", "vat_rounding"
SELLER = (NAME, ADDRESS, VAT_NUMBER, EXEMPT_RULE, ROUNDING)
LONGEST = {NAME: 200, ADDRESS: 400, VAT_NUMBER: 40, EXEMPT_RULE: 200, ROUNDING: 10}
NEEDS_VAT_NUMBER = frozenset((VatKind.STANDARD, VatKind.REDUCED, VatKind.ZERO, VatKind.REVERSE_CHARGE))
LONGEST_FOOTER = 5000


def policy_of(settings: Mapping[str, str], business: Business) -> Policy:
    """What a business has decided for all its invoices; what the CRM says of it, where it has written nothing else."""
    chosen = settings.get(ROUNDING, "")
    rounding = VatRounding(chosen) if chosen in set(VatRounding) else VatRounding.RATE
    address = settings.get(ADDRESS, "") or business.address
    number = settings.get(VAT_NUMBER, "") or business.vat_number
    return Policy(rounding, Seller(settings.get(NAME, "") or business.name, address, number))


def wrong_seller(given: Mapping[str, str]) -> dict[str, str]:
    """What cannot be kept of these settings, by field."""
    wrong = {name: f"Write at most {LONGEST[name]} characters." for name in given if len(given[name]) > LONGEST[name]}
    number = given.get(VAT_NUMBER, "")
    if number and VAT_NUMBER not in wrong and not re.search(r"\d{3}", number):
        wrong[VAT_NUMBER] = "Write your VAT number as your tax office gave it, like NL001234567B01."
    if given.get(ROUNDING, "") not in ("", *VatRounding):
        wrong[ROUNDING] = "Choose where VAT is rounded."
    return wrong


def footer_of(plan: InvoicePlan, exempt_rule: str = "") -> str:
    """A line about the seller, and one for each reason why there is no VAT."""
    language = (plan.contact.language or "en").partition("-")[0].lower()
    kinds = {total.kind for total in plan.vat_totals}
    found = [_seller(plan.seller)]
    if VatKind.REVERSE_CHARGE in kinds:
        words = REVERSE_CHARGE.get(language, REVERSE_CHARGE["en"])
        theirs = plan.contact.vat_number or ""
        found.append(f"{words} ({theirs})" if theirs else words)
    if VatKind.EXEMPT in kinds:
        words = EXEMPT.get(language, EXEMPT["en"])
        found.append(f"{words}: {exempt_rule}" if exempt_rule else words)
    return "\n".join(line for line in found if line)[:LONGEST_FOOTER]


def lacking(plan: InvoicePlan) -> str:
    """What is missing before this invoice may be sent, with the remedy; empty where nothing is."""
    kinds = {total.kind for total in plan.vat_totals}
    if not plan.seller.address:
        return "Your own address is missing, and an invoice must show it. An admin adds it in the billing settings."
    if kinds & NEEDS_VAT_NUMBER and not plan.seller.vat_number:
        return "Your own VAT number is missing, and an invoice with VAT must show it. An admin adds it in the settings."
    if VatKind.REVERSE_CHARGE in kinds and not plan.contact.vat_number:
        return (
            f"{plan.contact.name} has no VAT number, and reverse charge is only for a customer who has one. "
            "Add it in the CRM."
        )
    return ""


def compact(number: str) -> str:
    """A VAT number without blanks, dots and dashes, in capital letters."""
    return re.sub(r"[^0-9A-Za-z+*]", "", number).upper()


EUROPEAN = re.compile(
    r"(AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK|XI|EU)[0-9A-Z+*]{2,12}"
)
OTHERS = (("gb_vat", re.compile(r"GB(\d{9}|\d{12}|GD\d{3}|HA\d{3})")), ("no_vat", re.compile(r"\d{9}MVA")))


def vat_type(number: str) -> str:
    """Stripe's name for the kind of this VAT number; empty where Stripe has none for it, so that it is printed only."""
    known = compact(number)
    if EUROPEAN.fullmatch(known):
        return "eu_vat"
    return next((name for name, form in OTHERS if form.fullmatch(known)), "")


def _seller(seller: Seller) -> str:
    lines = [part.strip() for part in seller.address.splitlines()]
    parts = [seller.name, ", ".join(part for part in lines if part)]
    if seller.vat_number:
        parts.append(f"VAT {seller.vat_number}")
    # Without an address it names nobody: the account's own name stands on the invoice.
    return " · ".join(part for part in parts if part) if seller.address or seller.vat_number else ""
