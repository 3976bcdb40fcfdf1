"""One valid request for every endpoint that FakeStripe has built, and the objects that they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import raw

ADDRESS = {"line1": "Kade 1", "city": "Utrecht", "postal_code": "3511", "country": "NL"}


@dataclass
class Stage:
    """A business with one of everything, and a fresh object where a request uses one up."""

    api: raw.Api
    ids: dict[str, str] = field(default_factory=dict)

    def fresh(self, kind: str) -> str:
        """The id of a new object that nothing else uses."""
        made: dict[str, Callable[[], dict[str, Any]]] = {
            "customer": lambda: raw.customer(self.api),
            "product": lambda: self.api.post("/v1/products", {"name": "Spare"}),
            "coupon": lambda: self.api.post("/v1/coupons", {"percent_off": "5"}),
            "draft": lambda: raw.draft(self.api, raw.line()),
            "open": lambda: raw.opened(self.api),
            "item": lambda: self.api.post(
                "/v1/invoiceitems", {"customer": self.ids["customer"], "amount": 300, "currency": "eur"}
            ),
            "refund": lambda: self.api.post("/v1/refunds", {"charge": self.ids["charge"], "amount": 10}),
            "payment_record": lambda: raw.reported(self.api, 400),
            "note": lambda: self.api.post("/v1/credit_notes", {"invoice": self.fresh("open"), "amount": 100}),
            "endpoint": lambda: self.api.post(
                "/v1/webhook_endpoints", {"url": "https://crm.example/hook", "enabled_events": ["invoice.paid"]}
            ),
        }
        return str(made[kind]()["id"])


def stage(*, livemode: bool = False) -> Stage:
    """A new FakeStripe with one of everything in its first business."""
    api, _ = raw.connected(livemode=livemode)
    here = Stage(api)
    made = here.ids
    made["customer"] = raw.customer(api)["id"]
    tax_id = api.post(f"/v1/customers/{made['customer']}/tax_ids", {"type": "eu_vat", "value": "NL123456789B01"})
    made |= {"tax_id": tax_id["id"], "product": here.fresh("product"), "coupon": here.fresh("coupon")}
    made["price"] = api.post("/v1/prices", {"currency": "eur", "unit_amount": 900, "product": made["product"]})["id"]
    made["rate"] = api.post("/v1/tax_rates", {"display_name": "VAT", "inclusive": False, "percentage": "9"})["id"]
    made |= {"draft": here.fresh("draft"), "item": here.fresh("item"), "endpoint": here.fresh("endpoint")}
    made["line"] = api.get(f"/v1/invoices/{made['draft']}")["lines"]["data"][0]["id"]
    paid = raw.opened(api, raw.line(20_000))
    api.fake.pay(paid["hosted_invoice_url"])
    store = api.fake.world.store(api.account or "")
    made |= {"paid": paid["id"], "paid_line": paid["lines"]["data"][0]["id"]}
    made["subscription"] = raw.subscription(api, made["customer"])["id"]
    made["monthly"] = list(store["price"])[-1]
    for name in ("payment_intent", "charge", "invoice_payment", "balance_transaction", "event"):
        made[name] = next(iter(store[name]))
    made |= {"refund": here.fresh("refund"), "payment_record": here.fresh("payment_record")}
    adjusting = {"amount": -100, "currency": "eur"}
    path = f"/v1/customers/{made['customer']}/balance_transactions"
    made["balance"] = api.post(path, adjusting)["id"]
    made["note"] = here.fresh("note")
    return here


def _lines(here: Stage) -> list[dict[str, Any]]:
    """One line with nearly everything that a line can say, and one of each other spelling."""
    full = raw.line(1250, quantity_decimal="2.5", description="Work", discountable=True, metadata={"crm": "1"})
    full |= {"period": {"start": 1_700_000_000, "end": 1_700_086_400}}
    full["tax_amounts"] = [raw.vat(656, 3125, taxability_reason="standard_rated")]
    stored = {"pricing": {"price": here.ids["price"]}, "quantity": 2}
    return [full, stored, {"amount": -50, "description": "Rounded"}]


def _invoice(here: Stage) -> dict[str, Any]:
    return {
        "customer": here.ids["customer"],
        "currency": "eur",
        "collection_method": "send_invoice",
        "days_until_due": 30,
        "auto_advance": False,
        "custom_fields": [{"name": "PO", "value": "77"}],
        "default_tax_rates": [here.ids["rate"]],
        "description": "March",
        "discounts": "",
        "footer": "Thank you",
        "metadata": {"crm": "9"},
        "payment_settings": {"payment_method_types": ["card"]},
        "pending_invoice_items_behavior": "exclude",
        "rendering": {"amount_tax_display": "exclude_tax", "pdf": {"page_size": "a4"}},
        "shipping_details": {"name": "Ada", "address": ADDRESS},
    }


def _note(here: Stage) -> dict[str, Any]:
    """A credit note with nearly everything that one can say."""
    credited = {"type": "invoice_line_item", "invoice_line_item": here.ids["paid_line"], "amount": 2_000}
    own = {"type": "custom_line_item", "description": "Goodwill", "quantity": 2, "unit_amount": 100}
    return {
        "invoice": here.ids["paid"],
        "lines": [credited | {"metadata": {"crm": "1"}}, own | {"tax_rates": [here.ids["rate"]]}],
        "refund_amount": 100,
        "refunds": [{"refund": here.ids["refund"], "amount_refunded": 1, "type": "refund"}],
        "credit_amount": 2_000,
        "out_of_band_amount": 117,
        "reason": "order_change",
        "memo": "As agreed",
        "metadata": {"crm": "4"},
        "email_type": "none",
        "effective_at": 1_700_000_000,
    }


def _customer() -> dict[str, Any]:
    return {
        "name": "Bo",
        "email": "bo@example.com",
        "phone": "+31 6 1",
        "address": ADDRESS,
        "shipping": {"name": "Bo", "address": ADDRESS},
        "tax_exempt": "none",
        "preferred_locales": ["nl"],
        "metadata": {"a": "1"},
        "invoice_settings": {"footer": "Hi", "custom_fields": [{"name": "a", "value": "b"}]},
    }


def _price() -> dict[str, Any]:
    return {
        "currency": "eur",
        "unit_amount": 1200,
        "recurring": {"interval": "month", "interval_count": 3},
        "currency_options": {"usd": {"unit_amount": 1300}},
        "tax_behavior": "exclusive",
    }


PAGED = {"limit": 5, "created": {"gte": 1}, "expand": []}
Params = Callable[[Stage], dict[str, Any]]

VALID: dict[str, tuple[str, Params]] = {
    "GET /v1/account": ("/v1/account", lambda s: {}),
    "GET /v1/accounts/{id}": ("/v1/accounts/{account}", lambda s: {}),
    "POST /v1/customers": (
        "/v1/customers",
        lambda s: _customer() | {"tax_id_data": [{"type": "eu_vat", "value": "DE123456789"}]},
    ),
    "POST /v1/customers/{id}": ("/v1/customers/{customer}", lambda s: _customer() | {"shipping": ""}),
    "GET /v1/customers/{id}": ("/v1/customers/{customer}", lambda s: {}),
    "GET /v1/customers": ("/v1/customers", lambda s: {"email": "ada@example.com", "limit": 3, "created": {"gt": 1}}),
    "DELETE /v1/customers/{id}": ("/v1/customers/{fresh:customer}", lambda s: {}),
    "POST /v1/customers/{id}/tax_ids": (
        "/v1/customers/{fresh:customer}/tax_ids",
        lambda s: {"type": "gb_vat", "value": "GB123456789"},
    ),
    "GET /v1/customers/{id}/tax_ids": ("/v1/customers/{customer}/tax_ids", lambda s: {"limit": 2}),
    "GET /v1/customers/{id}/tax_ids/{tax_id}": ("/v1/customers/{customer}/tax_ids/{tax_id}", lambda s: {}),
    "DELETE /v1/customers/{id}/tax_ids/{tax_id}": ("/v1/customers/{customer}/tax_ids/{tax_id}", lambda s: {}),
    "POST /v1/customers/{id}/balance_transactions": (
        "/v1/customers/{customer}/balance_transactions",
        lambda s: {"amount": -250, "currency": "eur", "description": "Goodwill", "metadata": {"a": "1"}},
    ),
    "GET /v1/customers/{id}/balance_transactions": ("/v1/customers/{customer}/balance_transactions", lambda s: PAGED),
    "GET /v1/customers/{id}/balance_transactions/{transaction}": (
        "/v1/customers/{customer}/balance_transactions/{balance}",
        lambda s: {"expand": ["customer"]},
    ),
    "POST /v1/products": (
        "/v1/products",
        lambda s: {
            "name": "Audit",
            "description": "All of it",
            "active": True,
            "unit_label": "hour",
            "default_price_data": {"currency": "eur", "unit_amount_decimal": "12.5", "recurring": {"interval": "year"}},
        },
    ),
    "POST /v1/products/{id}": (
        "/v1/products/{product}",
        lambda s: {"default_price": s.ids["price"], "description": ""},
    ),
    "GET /v1/products/{id}": ("/v1/products/{product}", lambda s: {}),
    "GET /v1/products": ("/v1/products", lambda s: {"active": True, "ids": [s.ids["product"]], "limit": 1}),
    "DELETE /v1/products/{id}": ("/v1/products/{fresh:product}", lambda s: {}),
    "POST /v1/prices": ("/v1/prices", lambda s: _price() | {"product": s.ids["product"], "lookup_key": "k"}),
    "POST /v1/prices/{id}": ("/v1/prices/{price}", lambda s: {"nickname": "n", "active": True, "metadata": {"a": ""}}),
    "GET /v1/prices/{id}": ("/v1/prices/{price}", lambda s: {}),
    "GET /v1/prices": ("/v1/prices", lambda s: {"type": "one_time", "lookup_keys": ["k"], "currency": "eur"}),
    "POST /v1/coupons": (
        "/v1/coupons",
        lambda s: {"amount_off": 500, "currency": "eur", "duration": "once", "name": "Five off"},
    ),
    "POST /v1/coupons/{id}": ("/v1/coupons/{coupon}", lambda s: {"name": "Less", "metadata": {"a": "1"}}),
    "GET /v1/coupons/{id}": ("/v1/coupons/{coupon}", lambda s: {}),
    "GET /v1/coupons": ("/v1/coupons", lambda s: PAGED),
    "DELETE /v1/coupons/{id}": ("/v1/coupons/{fresh:coupon}", lambda s: {}),
    "POST /v1/tax_rates": (
        "/v1/tax_rates",
        lambda s: {"display_name": "BTW", "inclusive": True, "percentage": "21.5", "country": "NL", "tax_type": "vat"},
    ),
    "POST /v1/tax_rates/{id}": ("/v1/tax_rates/{rate}", lambda s: {"active": True, "description": "old"}),
    "GET /v1/tax_rates/{id}": ("/v1/tax_rates/{rate}", lambda s: {}),
    "GET /v1/tax_rates": ("/v1/tax_rates", lambda s: {"active": True, "inclusive": False, "limit": 9}),
    "POST /v1/invoices": ("/v1/invoices", _invoice),
    "POST /v1/invoices/{id}": (
        "/v1/invoices/{draft}",
        lambda s: {"description": "x", "days_until_due": 10, "metadata": {"a": "b"}},
    ),
    "GET /v1/invoices/{id}": ("/v1/invoices/{draft}", lambda s: {"expand": ["customer.tax_ids", "payments"]}),
    "GET /v1/invoices": ("/v1/invoices", lambda s: {"status": "open", "due_date": {"gt": 5}, "limit": 100}),
    "DELETE /v1/invoices/{id}": ("/v1/invoices/{fresh:draft}", lambda s: {}),
    "POST /v1/invoices/{id}/add_lines": (
        "/v1/invoices/{fresh:draft}/add_lines",
        lambda s: {"lines": _lines(s), "invoice_metadata": {"x": "1"}, "expand": ["lines.data.discounts"]},
    ),
    "POST /v1/invoices/{id}/update_lines": (
        "/v1/invoices/{draft}/update_lines",
        lambda s: {"lines": [{"id": s.ids["line"], "quantity": 3, "tax_rates": [s.ids["rate"]]}]},
    ),
    "POST /v1/invoices/{id}/remove_lines": (
        "/v1/invoices/{draft}/remove_lines",
        lambda s: {"lines": [{"id": s.ids["line"], "behavior": "unassign"}]},
    ),
    "POST /v1/invoices/{id}/lines/{line}": ("/v1/invoices/{draft}/lines/{line}", lambda s: {"description": "Other"}),
    "GET /v1/invoices/{id}/lines": ("/v1/invoices/{draft}/lines", lambda s: {"limit": 100}),
    "POST /v1/invoices/{id}/finalize": ("/v1/invoices/{fresh:draft}/finalize", lambda s: {"auto_advance": True}),
    "POST /v1/invoices/{id}/send": ("/v1/invoices/{fresh:open}/send", lambda s: {"expand": ["customer"]}),
    "POST /v1/invoices/{id}/pay": ("/v1/invoices/{fresh:open}/pay", lambda s: {"paid_out_of_band": True}),
    "POST /v1/invoices/{id}/void": ("/v1/invoices/{fresh:open}/void", lambda s: {}),
    "POST /v1/invoices/{id}/mark_uncollectible": ("/v1/invoices/{fresh:open}/mark_uncollectible", lambda s: {}),
    "POST /v1/invoices/{id}/attach_payment": (
        "/v1/invoices/{fresh:open}/attach_payment",
        lambda s: {"payment_record": s.fresh("payment_record"), "expand": ["payments", "amount_paid_off_stripe"]},
    ),
    "POST /v1/payment_methods/{id}/attach": (
        "/v1/payment_methods/pm_card_visa/attach",
        lambda s: {"customer": s.ids["customer"], "expand": ["customer"]},
    ),
    "POST /v1/payment_records/report_payment": (
        "/v1/payment_records/report_payment",
        lambda s: (
            raw.payment(s.api, 5_000)
            | {"customer_details": {"customer": s.ids["customer"], "name": "Ada"}, "customer_presence": "off_session"}
            | {"shipping_details": {"name": "Ada", "address": ADDRESS}, "metadata": {"a": "1"}}
        ),
    ),
    "GET /v1/payment_records": ("/v1/payment_records", lambda s: {"created_after": 1, "limit": 3}),
    "GET /v1/payment_records/{id}": ("/v1/payment_records/{payment_record}", lambda s: {}),
    "POST /v1/invoiceitems": (
        "/v1/invoiceitems",
        lambda s: {"customer": s.ids["customer"], "currency": "eur", "unit_amount_decimal": "-10.5", "quantity": 2},
    ),
    "POST /v1/invoiceitems/{id}": ("/v1/invoiceitems/{item}", lambda s: {"amount": 400, "tax_rates": ""}),
    "GET /v1/invoiceitems/{id}": ("/v1/invoiceitems/{item}", lambda s: {}),
    "GET /v1/invoiceitems": ("/v1/invoiceitems", lambda s: {"pending": True, "customer": s.ids["customer"]}),
    "DELETE /v1/invoiceitems/{id}": ("/v1/invoiceitems/{fresh:item}", lambda s: {}),
    "GET /v1/payment_intents/{id}": (
        "/v1/payment_intents/{payment_intent}",
        lambda s: {"expand": ["latest_charge.balance_transaction"]},
    ),
    "GET /v1/payment_intents": ("/v1/payment_intents", lambda s: {"created": {"lte": 9_000_000_000}}),
    "GET /v1/charges/{id}": ("/v1/charges/{charge}", lambda s: {}),
    "GET /v1/charges": ("/v1/charges", lambda s: {"payment_intent": s.ids["payment_intent"]}),
    "GET /v1/invoice_payments/{id}": ("/v1/invoice_payments/{invoice_payment}", lambda s: {"expand": ["invoice"]}),
    "GET /v1/invoice_payments": (
        "/v1/invoice_payments",
        lambda s: {"payment": {"type": "payment_intent", "payment_intent": s.ids["payment_intent"]}, "status": "paid"},
    ),
    "GET /v1/balance_transactions/{id}": ("/v1/balance_transactions/{balance_transaction}", lambda s: {}),
    "GET /v1/balance_transactions": ("/v1/balance_transactions", lambda s: {"type": "charge", "currency": "eur"}),
    "POST /v1/refunds": (
        "/v1/refunds",
        lambda s: {
            "payment_intent": s.ids["payment_intent"],
            "amount": 250,
            "reason": "requested_by_customer",
            "metadata": {"crm": "1"},
            "expand": ["charge", "balance_transaction"],
        },
    ),
    "POST /v1/refunds/{id}": ("/v1/refunds/{refund}", lambda s: {"metadata": {"crm": "2"}}),
    "GET /v1/refunds/{id}": ("/v1/refunds/{refund}", lambda s: {"expand": ["charge.refunds"]}),
    "GET /v1/refunds": ("/v1/refunds", lambda s: PAGED | {"charge": s.ids["charge"]}),
    "POST /v1/credit_notes": (
        "/v1/credit_notes",
        lambda s: _note(s) | {"expand": ["refunds.refund", "customer_balance_transaction", "invoice"]},
    ),
    "GET /v1/credit_notes/preview": ("/v1/credit_notes/preview", _note),
    "GET /v1/credit_notes/preview/lines": ("/v1/credit_notes/preview/lines", lambda s: _note(s) | {"limit": 2}),
    "POST /v1/credit_notes/{id}": ("/v1/credit_notes/{note}", lambda s: {"memo": "Sorry", "metadata": {"a": "1"}}),
    "GET /v1/credit_notes/{id}": ("/v1/credit_notes/{note}", lambda s: {"expand": ["customer"]}),
    "GET /v1/credit_notes": ("/v1/credit_notes", lambda s: PAGED | {"invoice": s.ids["paid"]}),
    "GET /v1/credit_notes/{id}/lines": ("/v1/credit_notes/{note}/lines", lambda s: {"limit": 3}),
    "POST /v1/credit_notes/{id}/void": ("/v1/credit_notes/{fresh:note}/void", lambda s: {}),
    "GET /v1/subscriptions/{id}": (
        "/v1/subscriptions/{subscription}",
        lambda s: {"expand": ["customer", "items.data.price.product"]},
    ),
    "GET /v1/subscriptions": (
        "/v1/subscriptions",
        lambda s: (
            PAGED
            | {"customer": s.ids["customer"], "price": s.ids["monthly"], "status": "all"}
            | {"collection_method": "charge_automatically", "expand": ["data.customer", "data.latest_invoice"]}
        ),
    ),
    "GET /v1/tax/settings": ("/v1/tax/settings", lambda s: {}),
    "GET /v1/country_specs/{country}": ("/v1/country_specs/NL", lambda s: {}),
    "POST /v1/webhook_endpoints": (
        "/v1/webhook_endpoints",
        lambda s: {"url": "https://a.example/h", "enabled_events": ["invoice.paid", "charge.updated"], "connect": True},
    ),
    "POST /v1/webhook_endpoints/{id}": ("/v1/webhook_endpoints/{endpoint}", lambda s: {"disabled": True}),
    "GET /v1/webhook_endpoints/{id}": ("/v1/webhook_endpoints/{endpoint}", lambda s: {}),
    "GET /v1/webhook_endpoints": ("/v1/webhook_endpoints", lambda s: {"limit": 2}),
    "DELETE /v1/webhook_endpoints/{id}": ("/v1/webhook_endpoints/{fresh:endpoint}", lambda s: {}),
    "GET /v1/events/{id}": ("/v1/events/{event}", lambda s: {}),
    "GET /v1/events": (
        "/v1/events",
        lambda s: {"types": ["invoice.paid", "invoice.updated"], "created": {"gte": 1}, "limit": 50},
    ),
}


def address(here: Stage, template: str) -> str:
    """The address with ids filled in."""
    parts = []
    for part in template.split("/"):
        if part.startswith("{fresh:"):
            parts.append(here.fresh(part[7:-1]))
        elif part.startswith("{"):
            parts.append((here.ids | {"account": here.api.account or ""})[part[1:-1]])
        else:
            parts.append(part)
    return "/".join(parts)
