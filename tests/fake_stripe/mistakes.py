"""Mistakes that the SDK's types do not know: each well-typed, each refused by Stripe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import raw
from .raw import Api


@dataclass(frozen=True)
class Try:
    """A request that must be refused."""

    path: str
    params: dict[str, Any] = field(default_factory=dict)
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Mistake:
    """How it is made, and what the refusal must name."""

    make: Callable[[Api], Try]
    param: str | None = None
    code: str | None = None
    status: int = 400


def adding(*lines: dict[str, Any], **invoice: Any) -> Callable[[Api], Try]:
    """Adding these lines to a new draft."""
    return lambda api: Try(f"/v1/invoices/{raw.draft(api, **invoice)['id']}/add_lines", {"lines": list(lines)})


def creating(path: str, **params: Any) -> Callable[[Api], Try]:
    """A POST that needs nothing made before."""
    return lambda api: Try(path, params)


def invoicing(**params: Any) -> Callable[[Api], Try]:
    """Making an invoice for a new customer."""
    return lambda api: Try("/v1/invoices", {"customer": raw.customer(api)["id"], "currency": "eur"} | params)


def doing(action: str, *before: str, **params: Any) -> Callable[[Api], Try]:
    """An action on an invoice after these others."""

    def make(api: Api) -> Try:
        invoice = raw.draft(api, raw.line())["id"]
        for each in before:
            api.post(f"/v1/invoices/{invoice}/{each}", {"paid_out_of_band": True} if each == "pay" else {})
        return Try(f"/v1/invoices/{invoice}/{action}".rstrip("/"), params)

    return make


def in_currency(currency: str, **line: Any) -> Callable[[Api], Try]:
    """A line on an invoice in this currency."""
    return adding(line, currency=currency)


def priced(currency: str, **price: Any) -> dict[str, Any]:
    """``price_data`` with an inline product."""
    return {"currency": currency, "product_data": {"name": "x"}, **price}


def new_product(api: Api, **more: Any) -> str:
    """The id of a new product."""
    return str(api.post("/v1/products", {"name": "Audit", **more})["id"])


def new_price(api: Api, **more: Any) -> str:
    """The id of a new price, in EUR unless said otherwise."""
    wanted = {"currency": "eur", "unit_amount": 500} | more
    return str(api.post("/v1/prices", {"product": new_product(api), **wanted})["id"])


def line_of_price(api: Api, price: str) -> Try:
    """A line with a stored price."""
    return Try(f"/v1/invoices/{raw.draft(api)['id']}/add_lines", {"lines": [{"pricing": {"price": price}}]})


def archived_price(api: Api) -> Try:
    """An archived price on a line."""
    price = new_price(api)
    api.post(f"/v1/prices/{price}", {"active": False})
    return line_of_price(api, price)


def archived_product(api: Api) -> Try:
    """An archived product on a line."""
    price = {"currency": "eur", "unit_amount": 5, "product": new_product(api, active=False)}
    return Try(f"/v1/invoices/{raw.draft(api)['id']}/add_lines", {"lines": [{"price_data": price}]})


def taken_product_id(api: Api) -> Try:
    """A product id that is taken."""
    return Try("/v1/products", {"name": "Again", "id": new_product(api, id="crm_service_7")})


def taken_coupon_id(api: Api) -> Try:
    """A coupon id that is taken."""
    api.post("/v1/coupons", {"id": "crm_pct_10", "percent_off": 10})
    return Try("/v1/coupons", {"id": "crm_pct_10", "percent_off": 10})


def taken_lookup_key(api: Api) -> Try:
    """A lookup key that is taken."""
    new_price(api, lookup_key="hour")
    return Try("/v1/prices", {"product": new_product(api), "currency": "eur", "unit_amount": 1, "lookup_key": "hour"})


def taken_number(api: Api) -> Try:
    """An invoice number that is taken."""
    raw.draft(api, number="2026-001")
    return Try("/v1/invoices", {"customer": raw.customer(api)["id"], "currency": "eur", "number": "2026-001"})


def default_price_archived(api: Api) -> Try:
    """Archiving a default price."""
    made = {"currency": "eur", "unit_amount": 5}
    price = api.post("/v1/products", {"name": "x", "default_price_data": made})["default_price"]
    return Try(f"/v1/prices/{price}", {"active": False})


def foreign_default_price(api: Api) -> Try:
    """The default price of another product."""
    return Try(f"/v1/products/{new_product(api)}", {"default_price": new_price(api)})


def priced_product_deleted(api: Api) -> Try:
    """Deleting a product with prices."""
    price = api.get(f"/v1/prices/{new_price(api)}")
    return Try(f"/v1/products/{price['product']}", method="DELETE")


def behaviour_changed(api: Api) -> Try:
    """Another tax behaviour."""
    return Try(f"/v1/prices/{new_price(api, tax_behavior='exclusive')}", {"tax_behavior": "inclusive"})


def deleted_customer(api: Api) -> Try:
    """A deleted customer."""
    gone = raw.customer(api)["id"]
    api.ok("DELETE", f"/v1/customers/{gone}")
    return Try("/v1/invoices", {"customer": gone, "currency": "eur"})


def customer_without_mail(api: Api) -> Try:
    """Sending to a customer without mail."""
    nobody = api.post("/v1/customers", {"name": "No mail"})["id"]
    return Try(f"/v1/invoices/{raw.opened(api, customer=nobody)['id']}/send")


def sending_automatic(api: Api) -> Try:
    """Sending what is charged automatically."""
    made = api.post("/v1/invoices", {"customer": raw.customer(api)["id"], "currency": "eur"})["id"]
    api.post(f"/v1/invoices/{made}/add_lines", {"lines": [raw.line()]})
    api.post(f"/v1/invoices/{made}/finalize")
    return Try(f"/v1/invoices/{made}/send")


def coupon_in_dollars(api: Api) -> Try:
    """A coupon in another currency."""
    coupon = api.post("/v1/coupons", {"amount_off": 100, "currency": "usd"})["id"]
    return invoicing(discounts=[{"coupon": coupon}])(api)


def expired_coupon(api: Api) -> Try:
    """An expired coupon."""
    soon = api.fake.clock.now() + 60
    coupon = api.post("/v1/coupons", {"percent_off": 10, "redeem_by": soon})["id"]
    api.fake.clock.advance(120)
    return invoicing(discounts=[{"coupon": coupon}])(api)


def archived_rate(api: Api) -> Try:
    """An archived tax rate."""
    rate = {"display_name": "VAT", "inclusive": False, "percentage": 21, "active": False}
    return invoicing(default_tax_rates=[api.post("/v1/tax_rates", rate)["id"]])(api)


def new_rate(api: Api) -> str:
    """The id of a new tax rate."""
    return str(api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": 21})["id"])


def rates_and_amounts(api: Api) -> Try:
    """Tax rates and tax amounts on a line."""
    both = raw.line(tax_rates=[new_rate(api)], tax_amounts=[raw.vat(210, 1000)])
    return adding(both)(api)


def amounts_under_default_rates(api: Api) -> Try:
    """Tax amounts under default tax rates."""
    return adding(raw.line(tax_amounts=[raw.vat(210, 1000)]), default_tax_rates=[new_rate(api)])(api)


def amounts_beside_rates(api: Api) -> Try:
    """Tax amounts beside another line's tax rates."""
    return adding(raw.line(tax_rates=[new_rate(api)]), raw.line(tax_amounts=[raw.vat(210, 1000)]))(api)


def default_rates_over_amounts(api: Api) -> Try:
    """Default tax rates over tax amounts."""
    made = raw.draft(api, raw.line(tax_amounts=[raw.vat(210, 1000)]))["id"]
    return Try(f"/v1/invoices/{made}", {"default_tax_rates": [new_rate(api)]})


def taken_item(api: Api) -> Try:
    """An item that is on an invoice already."""
    line = raw.draft(api, raw.line())["lines"]["data"][0]
    item = line["parent"]["invoice_item_details"]["invoice_item"]
    return adding({"invoice_item": item})(api)


def item_of_another(api: Api) -> Try:
    """An item of another customer."""
    item = api.post("/v1/invoiceitems", {"customer": raw.customer(api)["id"], "amount": 5, "currency": "eur"})["id"]
    return adding({"invoice_item": item})(api)


def item_on_open(api: Api) -> Try:
    """An item for a finalised invoice."""
    invoice = raw.opened(api)
    return Try("/v1/invoiceitems", {"customer": invoice["customer"], "invoice": invoice["id"], "amount": 5})


def too_many_lines(api: Api) -> Try:
    """More than 250 lines."""
    invoice = raw.draft(api, *[{"amount": 1}] * 250)["id"]
    return Try(f"/v1/invoices/{invoice}/add_lines", {"lines": [{"amount": 1}]})


def foreign_line(api: Api) -> Try:
    """A line of another invoice."""
    line = raw.draft(api, raw.line())["lines"]["data"][0]["id"]
    return Try(f"/v1/invoices/{raw.draft(api)['id']}/update_lines", {"lines": [{"id": line, "quantity": 2}]})


def quantity_on_amount(api: Api) -> Try:
    """A quantity given to a line of an amount."""
    invoice = raw.draft(api, {"amount": 10})
    lines = [{"id": invoice["lines"]["data"][0]["id"], "quantity": 2}]
    return Try(f"/v1/invoices/{invoice['id']}/update_lines", {"lines": lines})


def over_maximum(api: Api) -> Try:
    """A total above the maximum."""
    made = raw.draft(api, *[{"amount": 999_999_999_999}] * 2)["id"]
    return Try(f"/v1/invoices/{made}/finalize")


def sixth_tax_id(api: Api) -> Try:
    """A sixth tax id."""
    path = f"/v1/customers/{raw.customer(api)['id']}/tax_ids"
    for number in range(5):
        api.post(path, {"type": "gb_vat", "value": f"GB12345678{number}"})
    return Try(path, {"type": "gb_vat", "value": "GB123456789"})


def reading(path: str, **params: Any) -> Callable[[Api], Try]:
    """A GET."""
    return lambda api: Try(path, params, method="GET")


def tax_id_of_deleted(api: Api) -> Try:
    """A tax id for a deleted customer."""
    gone = raw.customer(api)["id"]
    api.ok("DELETE", f"/v1/customers/{gone}")
    return Try(f"/v1/customers/{gone}/tax_ids", {"type": "gb_vat", "value": "GB123456789"})


def due_date_passed(api: Api) -> Try:
    """Finalising after the due date."""
    due = api.fake.clock.now() + 3600
    customer = raw.customer(api)["id"]
    wanted = {"customer": customer, "currency": "eur", "collection_method": "send_invoice", "due_date": due}
    made = api.post("/v1/invoices", wanted)["id"]
    api.fake.clock.advance(7200)
    return Try(f"/v1/invoices/{made}/finalize")


def customer_gone(api: Api) -> Try:
    """Finalising for a customer that was deleted since."""
    invoice = raw.draft(api, raw.line())
    api.ok("DELETE", f"/v1/customers/{invoice['customer']}")
    return Try(f"/v1/invoices/{invoice['id']}/finalize")


def item_in_other_currency(api: Api) -> Try:
    """An item in another currency than its invoice."""
    invoice = raw.draft(api)
    wanted = {"customer": invoice["customer"], "invoice": invoice["id"], "amount": 5, "currency": "usd"}
    return Try("/v1/invoiceitems", wanted)


def item_for_other_customer(api: Api) -> Try:
    """An item for another customer than its invoice's."""
    wanted = {"customer": raw.customer(api)["id"], "invoice": raw.draft(api)["id"], "amount": 5, "currency": "eur"}
    return Try("/v1/invoiceitems", wanted)


def inactive_default_price(api: Api) -> Try:
    """An archived price as default."""
    price = api.get(f"/v1/prices/{new_price(api, active=False)}")
    return Try(f"/v1/products/{price['product']}", {"default_price": price["id"]})


def price_of_archived_product(api: Api) -> Try:
    """A new price for an archived product."""
    return Try("/v1/prices", {"product": new_product(api, active=False), "currency": "eur", "unit_amount": 1})


def six_rates(api: Api) -> Try:
    """Six tax rates on a line."""
    return adding(raw.line(tax_rates=[new_rate(api) for _ in range(6)]))(api)
