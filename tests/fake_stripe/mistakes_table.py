"""The named mistakes: how each is made, and what the refusal must say."""

from __future__ import annotations

from . import raw
from .mistakes import (
    Mistake,
    Try,
    adding,
    amounts_beside_rates,
    amounts_under_default_rates,
    archived_price,
    archived_product,
    archived_rate,
    behaviour_changed,
    coupon_in_dollars,
    creating,
    customer_gone,
    customer_without_mail,
    default_price_archived,
    default_rates_over_amounts,
    deleted_customer,
    doing,
    due_date_passed,
    expired_coupon,
    foreign_default_price,
    foreign_line,
    in_currency,
    inactive_default_price,
    invoicing,
    item_for_other_customer,
    item_in_other_currency,
    item_of_another,
    item_on_open,
    line_of_price,
    new_price,
    new_product,
    over_maximum,
    price_of_archived_product,
    priced,
    priced_product_deleted,
    quantity_on_amount,
    rates_and_amounts,
    reading,
    sending_automatic,
    six_rates,
    sixth_tax_id,
    taken_coupon_id,
    taken_item,
    taken_lookup_key,
    taken_number,
    taken_product_id,
    tax_id_of_deleted,
    too_many_lines,
)
from .mistakes_money import MONEY

EXCLUSIVE, MISSING, NO_SUCH = "parameters_exclusive", "parameter_missing", "resource_missing"
NOT_EDITABLE, NOT_OPEN, OFF_STEP = (
    "invoice_not_editable",
    "invoice_not_open",
    ("invalid_charge_amount_no_decimal_compatible"),
)
TAKEN, NOT_INTEGER = "resource_already_exists", "parameter_invalid_integer"

MISTAKES: dict[str, Mistake] = {
    # lines
    "a line with neither amount nor price": Mistake(adding({"description": "x"}), "lines[0][amount]", MISSING),
    "a line with an amount and a price": Mistake(adding(raw.line() | {"amount": 5}), "lines[0][price_data]", EXCLUSIVE),
    "an amount with a quantity": Mistake(adding({"amount": 5, "quantity": 2}), "lines[0][quantity]", EXCLUSIVE),
    "an amount with a decimal quantity": Mistake(
        adding({"amount": 5, "quantity_decimal": 2}), "lines[0][quantity_decimal]", EXCLUSIVE
    ),
    "both quantities": Mistake(
        adding(raw.line(quantity=1, quantity_decimal=1)), "lines[0][quantity_decimal]", EXCLUSIVE
    ),
    "a negative quantity": Mistake(adding(raw.line(quantity_decimal=-1)), "lines[0][quantity_decimal]", NOT_INTEGER),
    "13 decimals in a quantity": Mistake(
        adding(raw.line(quantity_decimal="0.1234567890123")), "lines[0][quantity_decimal]"
    ),
    "a decimal with an exponent": Mistake(adding(raw.line(quantity_decimal="1E+3")), "lines[0][quantity_decimal]"),
    "a quantity given to a line of an amount": Mistake(quantity_on_amount, "lines[0][quantity]"),
    "product and product_data": Mistake(
        adding({"price_data": priced("eur", unit_amount=1, product="p")}),
        "lines[0][price_data][product_data]",
        EXCLUSIVE,
    ),
    "neither product nor product_data": Mistake(
        adding({"price_data": {"currency": "eur", "unit_amount": 1}}), "lines[0][price_data][product]", MISSING
    ),
    "both unit amounts": Mistake(
        adding({"price_data": priced("eur", unit_amount=1, unit_amount_decimal="1")}),
        "lines[0][price_data][unit_amount_decimal]",
        EXCLUSIVE,
    ),
    "no unit amount": Mistake(adding({"price_data": priced("eur")}), "lines[0][price_data][unit_amount]", MISSING),
    "a negative unit amount": Mistake(
        adding({"price_data": priced("eur", unit_amount=-1)}), "lines[0][price_data][unit_amount]", NOT_INTEGER
    ),
    "13 decimals in a unit amount": Mistake(
        adding({"price_data": priced("eur", unit_amount_decimal="1.0000000000001")}),
        "lines[0][price_data][unit_amount_decimal]",
    ),
    "a line in another currency": Mistake(
        adding({"price_data": priced("usd", unit_amount=1)}), "lines[0][price_data][currency]"
    ),
    "a recurring price on a line": Mistake(
        lambda api: line_of_price(api, new_price(api, recurring={"interval": "month"})), "lines[0][pricing][price]"
    ),
    "an archived price on a line": Mistake(archived_price, "lines[0][pricing][price]"),
    "an archived product on a line": Mistake(archived_product, "lines[0][price_data][product]"),
    "a price in another currency": Mistake(
        lambda api: line_of_price(api, new_price(api, currency="usd")), "lines[0][pricing][price]"
    ),
    "an unknown product": Mistake(
        adding({"price_data": {"currency": "eur", "unit_amount": 1, "product": "prod_no"}}),
        "lines[0][price_data][product]",
        NO_SUCH,
    ),
    "a period that ends before it starts": Mistake(
        adding(raw.line(period={"start": 20, "end": 10})), "lines[0][period][end]"
    ),
    "more than 250 lines": Mistake(too_many_lines, "lines"),
    "a line of another invoice": Mistake(foreign_line, "lines[0][id]", NO_SUCH),
    "an item that is on an invoice already": Mistake(taken_item, "lines[0][invoice_item]"),
    "an item of another customer": Mistake(item_of_another, "lines[0][invoice_item]"),
    "an item for a finalised invoice": Mistake(item_on_open, None, NOT_EDITABLE),
    # taxes and discounts
    "tax rates and tax amounts on a line": Mistake(rates_and_amounts, "lines[0][tax_amounts]", EXCLUSIVE),
    "tax amounts under default tax rates": Mistake(amounts_under_default_rates, "lines[0][tax_amounts]"),
    "tax amounts beside another line's tax rates": Mistake(amounts_beside_rates, "lines[1][tax_amounts]"),
    "default tax rates over tax amounts": Mistake(default_rates_over_amounts, "default_tax_rates"),
    "more than 20 tax amounts": Mistake(adding(raw.line(tax_amounts=[raw.vat(1, 10)] * 21)), "lines[0][tax_amounts]"),
    "a negative tax amount": Mistake(
        adding(raw.line(tax_amounts=[raw.vat(-1, 10)])), "lines[0][tax_amounts][0][amount]", NOT_INTEGER
    ),
    "a tax amount with five decimals of percentage": Mistake(
        adding(raw.line(tax_amounts=[raw.vat(1, 10, "21.12345")])),
        "lines[0][tax_amounts][0][tax_rate_data][percentage]",
    ),
    "a tax rate over 100 percent": Mistake(
        creating("/v1/tax_rates", display_name="VAT", inclusive=False, percentage=101), "percentage"
    ),
    "an archived tax rate": Mistake(archived_rate, "default_tax_rates[0]"),
    "a coupon in another currency": Mistake(coupon_in_dollars, "discounts[0][coupon]"),
    "an expired coupon": Mistake(expired_coupon, "discounts[0][coupon]", "coupon_expired"),
    "a coupon of nothing": Mistake(creating("/v1/coupons", percent_off=0), "percent_off"),
    "a coupon of more than all": Mistake(creating("/v1/coupons", percent_off="100.5"), "percent_off"),
    "a coupon of percent and amount": Mistake(
        creating("/v1/coupons", percent_off=5, amount_off=5, currency="eur"), "amount_off", EXCLUSIVE
    ),
    "an amount off without currency": Mistake(creating("/v1/coupons", amount_off=5), "currency", MISSING),
    "repeating without months": Mistake(
        creating("/v1/coupons", percent_off=5, duration="repeating"), "duration_in_months"
    ),
    "a coupon id that is taken": Mistake(taken_coupon_id, "id", TAKEN),
    # money
    "a currency that Stripe does not know": Mistake(invoicing(currency="xxx"), "currency"),
    "ISK not ending in 00": Mistake(in_currency("isk", amount=550), "lines[0][amount]", OFF_STEP),
    "UGX not ending in 00": Mistake(
        in_currency("ugx", price_data=priced("ugx", unit_amount=150)), "lines[0][price_data][unit_amount]", OFF_STEP
    ),
    "KWD not ending in 0": Mistake(in_currency("kwd", amount=5125), "lines[0][amount]", OFF_STEP),
    "a tax amount off the step": Mistake(
        in_currency("kwd", amount=1000, tax_amounts=[raw.vat(205, 1000)]),
        "lines[0][tax_amounts][0][amount]",
        OFF_STEP,
    ),
    "an amount above the maximum": Mistake(adding({"amount": 10**12}), "lines[0][amount]", "amount_too_large"),
    "a total above the maximum": Mistake(over_maximum, None, "amount_too_large"),
    # invoices
    "an invoice without customer": Mistake(creating("/v1/invoices", currency="eur"), "customer", MISSING),
    "an unknown customer": Mistake(creating("/v1/invoices", customer="cus_no", currency="eur"), "customer", NO_SUCH),
    "a deleted customer": Mistake(deleted_customer, "customer", NO_SUCH),
    "a due date while charging automatically": Mistake(invoicing(days_until_due=5), "days_until_due"),
    "a due date and days until due": Mistake(
        invoicing(collection_method="send_invoice", days_until_due=5, due_date=9_000_000_000),
        "days_until_due",
        EXCLUSIVE,
    ),
    "to be sent without a due date": Mistake(invoicing(collection_method="send_invoice"), "days_until_due", MISSING),
    "a due date in the past": Mistake(invoicing(collection_method="send_invoice", due_date=1000), "due_date"),
    "five custom fields": Mistake(invoicing(custom_fields=[{"name": "a", "value": "b"}] * 5), "custom_fields"),
    "a custom field with a long name": Mistake(
        invoicing(custom_fields=[{"name": "a" * 41, "value": "b"}]), "custom_fields[0][name]"
    ),
    "an invoice number that is taken": Mistake(taken_number, "number"),
    "lines on an open invoice": Mistake(doing("add_lines", "finalize", lines=[raw.line()]), None, NOT_EDITABLE),
    "new discounts on an open invoice": Mistake(doing("", "finalize", discounts=""), "discounts", NOT_EDITABLE),
    "finalising twice": Mistake(doing("finalize", "finalize"), None, "invoice_already_finalized"),
    "sending a draft": Mistake(doing("send"), None, NOT_OPEN),
    "sending a paid invoice": Mistake(doing("send", "finalize", "pay"), None, NOT_OPEN),
    "sending a void invoice": Mistake(doing("send", "finalize", "void"), None, NOT_OPEN),
    "sending to a customer without mail": Mistake(customer_without_mail),
    "sending what is charged automatically": Mistake(sending_automatic),
    "voiding a draft": Mistake(doing("void"), None, NOT_OPEN),
    "voiding a paid invoice": Mistake(doing("void", "finalize", "pay"), None, NOT_OPEN),
    "paying twice": Mistake(doing("pay", "finalize", "pay", paid_out_of_band=True), None, "invoice_already_paid"),
    "paying a void invoice": Mistake(doing("pay", "finalize", "void", paid_out_of_band=True), None, NOT_OPEN),
    "paying with nothing": Mistake(doing("pay", "finalize"), None, NO_SUCH),
    "giving up on a draft": Mistake(doing("mark_uncollectible"), None, NOT_OPEN),
    "deleting an open invoice": Mistake(
        lambda api: Try(f"/v1/invoices/{raw.opened(api)['id']}", method="DELETE"), None, NOT_EDITABLE
    ),
    # customers, products, prices
    "51 metadata keys": Mistake(creating("/v1/customers", metadata={f"k{n}": "v" for n in range(51)}), "metadata"),
    "a metadata key of 41 characters": Mistake(creating("/v1/customers", metadata={"k" * 41: "v"}), "metadata"),
    "a metadata value of 501 characters": Mistake(creating("/v1/customers", metadata={"k": "v" * 501}), "metadata[k]"),
    "a mail address that is none": Mistake(creating("/v1/customers", email="ada(at)x"), "email", "email_invalid"),
    "a mail address of 513 characters": Mistake(creating("/v1/customers", email="a" * 508 + "@x.nl"), "email"),
    "a country that is none": Mistake(
        creating("/v1/customers", address={"country": "Holland"}), "address[country]", "country_code_invalid"
    ),
    "a malformed VAT number": Mistake(
        creating("/v1/customers", tax_id_data=[{"type": "eu_vat", "value": "123"}]),
        "tax_id_data[0][value]",
        "tax_id_invalid",
    ),
    "a sixth tax id": Mistake(sixth_tax_id),
    "a product id that is taken": Mistake(taken_product_id, "id", TAKEN),
    "deleting a product with prices": Mistake(priced_product_deleted),
    "the default price of another product": Mistake(foreign_default_price, "default_price"),
    "archiving a default price": Mistake(default_price_archived, "active"),
    "another tax behaviour": Mistake(behaviour_changed, "tax_behavior"),
    "changing a price's amount": Mistake(
        lambda api: Try(f"/v1/prices/{new_price(api)}", {"unit_amount": 7}), "unit_amount", "parameter_unknown"
    ),
    "a lookup key that is taken": Mistake(taken_lookup_key, "lookup_key", TAKEN),
    "a lookup key of 201 characters": Mistake(
        lambda api: Try(f"/v1/prices/{new_price(api)}", {"lookup_key": "k" * 201}), "lookup_key"
    ),
    "a price every four years": Mistake(
        lambda api: Try(
            "/v1/prices",
            {
                "currency": "eur",
                "unit_amount": 1,
                "product": new_product(api),
                "recurring": {"interval": "year", "interval_count": 4},
            },
        ),
        "recurring[interval_count]",
    ),
    "a tax id for a deleted customer": Mistake(tax_id_of_deleted, "id", NO_SUCH, 404),
    "an invoice prefix in small letters": Mistake(creating("/v1/customers", invoice_prefix="abc"), "invoice_prefix"),
    "a blank product name": Mistake(creating("/v1/products", name="  "), "name", "parameter_invalid_string_blank"),
    "nine images": Mistake(creating("/v1/products", name="x", images=["https://x.example/i.png"] * 9), "images"),
    "a unit label of 13 characters": Mistake(creating("/v1/products", name="x", unit_label="h" * 13), "unit_label"),
    "a product id with a space": Mistake(creating("/v1/products", name="x", id="a b"), "id"),
    "an archived default price": Mistake(inactive_default_price, "default_price"),
    "a price of an archived product": Mistake(price_of_archived_product, "product"),
    "a coupon of no amount": Mistake(creating("/v1/coupons", amount_off=0, currency="eur"), "amount_off", NOT_INTEGER),
    "21 discounts": Mistake(invoicing(discounts=[{"coupon": "c"}] * 21), "discounts"),
    "a discount of another object": Mistake(
        invoicing(discounts=[{"discount": "di_no"}]), "discounts[0][discount]", NO_SUCH
    ),
    "an unknown coupon": Mistake(invoicing(discounts=[{"coupon": "no"}]), "discounts[0][coupon]", NO_SUCH),
    "six tax rates on a line": Mistake(six_rates, "lines[0][tax_rates]"),
    "in effect from tomorrow": Mistake(invoicing(effective_at=9_000_000_000), "effective_at"),
    "finalising after the due date": Mistake(due_date_passed, "due_date"),
    "finalising for a deleted customer": Mistake(customer_gone),
    "an item in another currency than its invoice": Mistake(item_in_other_currency, "currency"),
    "an item for another customer than its invoice": Mistake(item_for_other_customer, "invoice"),
    # reading
    "a page of 101": Mistake(reading("/v1/invoices", limit=101), "limit", NOT_INTEGER),
    "a page of 0": Mistake(reading("/v1/invoices", limit=0), "limit", NOT_INTEGER),
    "both cursors": Mistake(
        reading("/v1/customers", starting_after="a", ending_before="b"), "starting_after", EXCLUSIVE
    ),
    "a cursor that is no object": Mistake(reading("/v1/customers", starting_after="cus_no"), "starting_after", NO_SUCH),
    "expanding what cannot be": Mistake(reading("/v1/invoices", expand=["data.status"]), "expand[0]"),
    "expanding what is not there": Mistake(reading("/v1/invoices", expand=["data.charge"]), "expand[0]"),
    "expanding without data": Mistake(reading("/v1/invoices", expand=["customer"]), "expand[0]"),
    "expanding beyond what is a leaf": Mistake(reading("/v1/invoices", expand=["data.customer.name.x"]), "expand[0]"),
    "expanding a list without data": Mistake(reading("/v1/invoices", expand=["data.lines.discounts"]), "expand[0]"),
    "expanding what the object has not": Mistake(
        reading("/v1/invoices", expand=["data.customer.refunds.x"]), "expand[0]"
    ),
    "expanding five levels": Mistake(
        reading("/v1/invoices", expand=["data.payments.data.payment.payment_intent"]), "expand[0]"
    ),
    "21 event types": Mistake(reading("/v1/events", types=["invoice.paid"] * 21), "types"),
    "a type and types": Mistake(reading("/v1/events", type="invoice.paid", types=["invoice.paid"]), "types", EXCLUSIVE),
    "101 ids": Mistake(reading("/v1/products", ids=[f"prod_{n}" for n in range(101)]), "ids"),
    "ids and a cursor": Mistake(
        reading("/v1/products", ids=["prod_1"], starting_after="prod_1"), "starting_after", EXCLUSIVE
    ),
    "ids and a cursor back": Mistake(
        reading("/v1/products", ids=["prod_1"], ending_before="prod_1"), "ending_before", EXCLUSIVE
    ),
    "a product that is not there": Mistake(reading("/v1/products/prod_no"), "id", NO_SUCH, 404),
    "deleting a product that is not there": Mistake(
        lambda api: Try("/v1/products/prod_no", method="DELETE"), "id", NO_SUCH, 404
    ),
    "a subscription that is not there": Mistake(reading("/v1/subscriptions/sub_no"), "id", NO_SUCH, 404),
    "subscriptions of nobody": Mistake(reading("/v1/subscriptions", customer="cus_no"), "customer", NO_SUCH),
    "subscriptions to no price": Mistake(reading("/v1/subscriptions", price="price_no"), "price", NO_SUCH),
    "subscriptions in no status": Mistake(reading("/v1/subscriptions", status="asleep"), "status"),
    "a page of 101 subscriptions": Mistake(reading("/v1/subscriptions", limit=101), "limit", NOT_INTEGER),
    "a cursor that is no subscription": Mistake(
        reading("/v1/subscriptions", starting_after="sub_no"), "starting_after", NO_SUCH
    ),
    "both cursors among subscriptions": Mistake(
        reading("/v1/subscriptions", starting_after="a", ending_before="b"), "starting_after", EXCLUSIVE
    ),
    "expanding the items of a subscription": Mistake(reading("/v1/subscriptions", expand=["data.items"]), "expand[0]"),
    "a product behind five levels": Mistake(
        reading("/v1/subscriptions", expand=["data.items.data.price.product"]), "expand[0]"
    ),
    "a country that Stripe does not serve": Mistake(reading("/v1/country_specs/XX"), "country", NO_SUCH, 404),
    "tax settings of a kind": Mistake(reading("/v1/tax/settings", kind="x"), "kind", "parameter_unknown"),
    "11 lookup keys": Mistake(reading("/v1/prices", lookup_keys=[str(n) for n in range(11)]), "lookup_keys"),
    "all events and one": Mistake(
        creating("/v1/webhook_endpoints", url="https://x.example", enabled_events=["*", "invoice.paid"]),
        "enabled_events",
    ),
    "a webhook to no address": Mistake(
        creating("/v1/webhook_endpoints", url="ftp://x", enabled_events=["*"]), "url", "url_invalid"
    ),
    # the request itself
    "an API version that never was": Mistake(
        lambda api: Try("/v1/customers", {}, headers={"Stripe_Version": "2031-01-01.nonsense"})
    ),
    "an idempotency key of 256 characters": Mistake(
        lambda api: Try("/v1/customers", {}, headers={"Idempotency_Key": "k" * 256})
    ),
    "a fake live key in test mode": Mistake(
        lambda api: Try("/v1/customers", {}, headers={"Authorization": "Bearer sk_live_fake_1"}), status=401
    ),
    "a live key": Mistake(
        lambda api: Try("/v1/customers", {}, headers={"Authorization": "Bearer sk_live_abc"}), status=401
    ),
}
MISTAKES |= MONEY
