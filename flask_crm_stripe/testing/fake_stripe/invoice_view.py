"""An invoice in words and figures, as the hosted page and the PDF show it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from . import money
from .state import Obj, World

STATES = {
    "open": ("To pay", ""),
    "paid": ("Paid", "good"),
    "void": ("Void", "bad"),
    "uncollectible": ("Marked as uncollectible", "bad"),
}


@dataclass(frozen=True)
class Line:
    """One line: all texts, ready to show."""

    description: str
    quantity: str
    unit: str
    amount: str
    tax: str


@dataclass(frozen=True)
class InvoiceView:
    """Everything that is shown, already formatted."""

    number: str
    state: str
    state_words: str
    state_class: str
    seller: str
    seller_country: str
    buyer: tuple[str, ...]
    currency: str
    amount_due: str
    total: str
    issued: str
    due: str
    paid_on: str
    lines: tuple[Line, ...]
    sums: tuple[tuple[str, str], ...]
    memo: str
    footer: str
    reverse_charge: bool
    custom: tuple[tuple[str, str], ...]


def view(world: World, account_id: str, invoice: Obj) -> InvoiceView:
    """The view of a finalised invoice."""
    words, css = STATES.get(invoice["status"], (invoice["status"], ""))
    times, currency = invoice["status_transitions"], invoice["currency"]
    return InvoiceView(
        number=invoice["number"] or invoice["id"],
        state=invoice["status"],
        state_words=words,
        state_class=css,
        seller=invoice["account_name"] or world.accounts[account_id]["business_profile"]["name"] or account_id,
        seller_country=invoice["account_country"] or "",
        buyer=tuple(_buyer(invoice)),
        currency=currency.upper(),
        amount_due=amount(invoice["amount_remaining"], currency),
        total=amount(invoice["total"], currency),
        issued=day(invoice["effective_at"] or times["finalized_at"] or invoice["created"]),
        due=day(invoice["due_date"]),
        paid_on=day(times["paid_at"]),
        lines=tuple(_line(world, account_id, line, currency) for line in invoice["lines"]["data"]),
        sums=tuple(_sums(world, account_id, invoice)),
        memo=invoice["description"] or "",
        footer=invoice["footer"] or "",
        reverse_charge=invoice["customer_tax_exempt"] == "reverse",
        custom=tuple((each["name"], each["value"]) for each in invoice["custom_fields"] or []),
    )


def amount(minor: int, currency: str) -> str:
    """A sum in minor units as people read it: `1,234.50 EUR`."""
    places = money.exponent(currency)
    value = Decimal(minor).scaleb(-places)
    return f"{value:,.{places}f} {currency.upper()}".replace("-", "\N{MINUS SIGN}")


def day(moment: int | None) -> str:
    """A Unix time as a day, in UTC; empty where there is none."""
    if moment is None:
        return ""
    found = datetime.fromtimestamp(moment, UTC)
    return f"{found.day} {found:%B %Y}"


def _buyer(invoice: Obj) -> list[str]:
    address = invoice["customer_address"] or {}
    town = " ".join(filter(None, (address.get("postal_code"), address.get("city"))))
    tax_ids = [each["value"] for each in invoice["customer_tax_ids"] or []]
    found = [
        invoice["customer_name"],
        invoice["customer_email"],
        address.get("line1"),
        address.get("line2"),
        town,
        address.get("state"),
        address.get("country"),
        *tax_ids,
    ]
    return [each for each in found if each]


def _line(world: World, account_id: str, line: Obj, currency: str) -> Line:
    quantity = Decimal(str(line.get("quantity_decimal") or line.get("quantity") or 1))
    pricing = line.get("pricing") or {}
    unit = pricing.get("unit_amount_decimal")
    rates = [_rate(world, account_id, tax) for tax in line.get("taxes") or []]
    return Line(
        description=line["description"] or "",
        quantity=f"{quantity.normalize():f}",
        unit=_unit(Decimal(str(unit)), currency) if unit is not None else "",
        amount=amount(line["amount"], currency),
        tax=", ".join(_percent(rate) for rate in rates if rate),
    )


def _unit(minor: Decimal, currency: str) -> str:
    places = money.exponent(currency)
    value = minor.scaleb(-places)
    # A unit price may have more decimals than the currency (0.0125 EUR a kWh): show them all.
    shown = max(places, -int(value.normalize().as_tuple().exponent))
    return f"{value:,.{shown}f}"


def _rate(world: World, account_id: str, tax: Obj) -> Obj | None:
    rate_id = (tax.get("tax_rate_details") or {}).get("tax_rate")
    return world.find(account_id, "tax_rate", rate_id) if rate_id else None


def _sums(world: World, account_id: str, invoice: Obj) -> list[tuple[str, str]]:
    currency = invoice["currency"]
    rows: list[tuple[str, int]] = [("Subtotal", invoice["subtotal"])]
    rows += [("Discount", -each["amount"]) for each in invoice["total_discount_amounts"] or [] if each["amount"]]
    rows += [(_tax_words(world, account_id, tax, currency), tax["amount"]) for tax in invoice["total_taxes"] or []]
    rows.append(("Total", invoice["total"]))
    credited = invoice["pre_payment_credit_notes_amount"]
    if invoice["amount_due"] + credited != invoice["total"]:
        rows.append(("Applied balance", invoice["amount_due"] + credited - invoice["total"]))
    rows += [("Credit notes", -credited)] if credited else []
    rows += [("Paid", -invoice["amount_paid"])] if invoice["amount_paid"] else []
    rows.append(("Amount due", invoice["amount_remaining"]))
    return [(words, amount(minor, currency)) for words, minor in rows]


def _tax_words(world: World, account_id: str, tax: Obj, currency: str) -> str:
    rate = _rate(world, account_id, tax)
    base = f" on {amount(tax['taxable_amount'], currency)}" if tax.get("taxable_amount") is not None else ""
    if rate is None:
        return f"Tax{base}"
    return f"{rate['display_name']} {_percent(rate)}{base}{' (included)' if rate['inclusive'] else ''}"


def _percent(rate: Obj) -> str:
    return f"{Decimal(str(rate['percentage'])).normalize():f}%"
