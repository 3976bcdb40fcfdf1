"""How an invoice goes out, as a form: read what people typed, say what is wrong with it, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.invoices import Delivery
from flask_crm_stripe.web.formats import Formats

FIELDS = (
    *("days_until_due", "discount_percent", "discount_unit", "order_number", "note", "delivery"),
    *("deposit_percent", "deduct"),
)
DEFAULTS = {
    "days_until_due": "14",
    "discount_percent": "",
    "discount_unit": "percent",
    "order_number": "",
    "note": "",
    "delivery": "mail",
    "deposit_percent": "",
    "deduct": "yes",
}
AS_A_SUM = "amount"
LONGEST_DUE = 365


def form_of_settings(saved: Mapping[str, str]) -> dict[str, str]:
    """What a new invoice's form starts with: the business's defaults, else ours."""
    return {name: saved.get(name) or default for name, default in DEFAULTS.items()}


def form_of(given: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """The form as a person left it; what the request does not have stays as it starts."""
    return {name: given[name].strip() if name in given else defaults[name] for name in FIELDS}


def read_terms(form: Mapping[str, str], f: Formats) -> tuple[Terms, dict[str, str]]:
    """The terms, and what is wrong by field. A wrong field has its default in the terms."""
    wrong: dict[str, str] = {}
    days = _checked(form["days_until_due"], "days_until_due", f, wrong, "14")
    discount, nothing = _checked(form["discount_percent"] or "0", "discount_percent", f, wrong, "0"), Decimal(0)
    percent, amount = (nothing, discount) if form["discount_unit"] == AS_A_SUM else (discount, nothing)
    if "days_until_due" not in wrong and (days != days.to_integral_value() or not 0 <= days <= LONGEST_DUE):
        wrong["days_until_due"] = f"Choose between 0 and {LONGEST_DUE} whole days."
        days = Decimal(DEFAULTS["days_until_due"])
    delivery = Delivery.LINK if form["delivery"] == Delivery.LINK else Delivery.MAIL
    part = _checked(form["deposit_percent"] or "0", "deposit_percent", f, wrong, "0")
    deduct = form["deduct"] != "no"
    return Terms(int(days), percent, form["order_number"], form["note"], delivery, amount, part, deduct), wrong


def _checked(text: str, field: str, f: Formats, wrong: dict[str, str], default: str) -> Decimal:
    try:
        return f.read_number(text, field, "14" if field == "days_until_due" else f.number(Decimal("2.5")))
    except InvalidInput as error:
        wrong[field] = error.message
        return Decimal(default)
