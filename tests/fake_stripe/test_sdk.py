"""The thin path through the real SDK: connect, bill, finalise, send, pay, read back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import stripe

from . import scenes


def line(product: str, number: int) -> dict[str, Any]:
    """A line as the product sends it: a decimal price and quantity, its own VAT, its own key in the metadata."""
    rate = {"display_name": "BTW", "percentage": 21.0, "inclusive": False, "country": "NL", "tax_type": "vat"}
    return {
        "price_data": {"currency": "eur", "product": product, "unit_amount_decimal": Decimal("1234.5")},
        "quantity_decimal": Decimal("2.5"),
        "description": f"Work {number}",
        "metadata": {"crm_line": str(number)},
        "tax_amounts": [
            {"amount": 648, "taxable_amount": 3086, "tax_rate_data": rate, "taxability_reason": "standard_rated"}
        ],
    }


def test_an_invoice_from_first_to_last_for_two_businesses() -> None:
    """Twelve lines each, totals to the cent, numbers, payment, fee, and no trace of one business in the other."""
    scene = scenes.play()
    v1 = scene.client.v1
    for account in (scene.one, scene.two):
        options: stripe.RequestOptions = {"stripe_account": account}
        assert v1.accounts.retrieve_current({}, options).id == account
        product = v1.products.create({"id": "crm_1", "name": "Audit"}, options)
        assert v1.prices.create({"currency": "eur", "product": product.id, "unit_amount": 5}, options).unit_amount == 5
        buyer = v1.customers.create({"name": "Ada", "email": "ada@example.com"}, options)
        wanted: Any = {
            "customer": buyer.id,
            "currency": "eur",
            "collection_method": "send_invoice",
            "days_until_due": 14,
        }
        wanted |= {"auto_advance": False, "discounts": ""}
        draft = v1.invoices.create(wanted, options)
        lines: Any = [line(product.id, number) for number in range(12)]
        added = v1.invoices.add_lines(draft.id, {"lines": lines}, options)
        assert (added.subtotal, added.total, len(added.lines.data)) == (12 * 3086, 12 * 3734, 10)
        first = added.lines.data[0]
        assert first.quantity_decimal == Decimal("2.5")
        assert first.pricing is not None
        assert first.pricing.unit_amount_decimal == Decimal("1234.5")
        v1.invoices.finalize_invoice(draft.id, {}, options)
        sent = v1.invoices.send_invoice(draft.id, {"expand": ["customer"]}, options)
        assert isinstance(sent.customer, stripe.Customer)
        assert sent.hosted_invoice_url is not None
        scene.fake.pay(sent.hosted_invoice_url)
        paid = v1.invoices.retrieve(draft.id, {"expand": ["payments.data.payment.payment_intent"]}, options)
        assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 12 * 3734, 0)
        assert [each.id for each in v1.invoices.list({"status": "paid"}, options).data] == [draft.id]
        listed = v1.invoices.line_items.list(draft.id, {"limit": 100}, options).data
        assert [each.metadata["crm_line"] for each in listed] == [str(number) for number in range(12)]
        payment = v1.invoice_payments.list({"invoice": draft.id}, options).data[0]
        assert (payment.status, payment.amount_paid) == ("paid", 12 * 3734)
        kinds = [each.type for each in v1.events.list({"types": ["invoice.paid", "invoice.sent"]}, options).data]
        assert kinds == ["invoice.paid", "invoice.sent"]


def test_money_after_the_invoice_through_the_sdk() -> None:
    """A part payment from elsewhere, a card for the rest, a refund, a credit note that links it, and the balance."""
    scene = scenes.play()
    v1 = scene.client.v1
    options: stripe.RequestOptions = {"stripe_account": scene.one}
    invoice = scene.open_invoice(scene.one, 10_000)
    now = scene.fake.clock.now()
    report: Any = {
        "amount_requested": {"currency": "eur", "value": 4_000},
        "initiated_at": now,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": now},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank transfer"}},
    }
    record = v1.payment_records.report_payment(report, options)
    wanted: Any = {"payment_record": record.id, "expand": ["amount_paid_off_stripe", "payments"]}
    part = v1.invoices.attach_payment(invoice.id, wanted, options)
    assert (part.amount_paid, part.amount_remaining, part.amount_paid_off_stripe) == (4_000, 6_000, 4_000)
    scene.fake.pay(str(invoice.hosted_invoice_url))
    charge = v1.charges.list({}, options).data[0]
    refund = v1.refunds.create({"charge": charge.id, "amount": 1_000}, options)
    note: Any = {"invoice": invoice.id, "credit_amount": 500, "refunds": [{"refund": refund.id}], "email_type": "none"}
    line: Any = {"type": "custom_line_item", "description": "Late", "quantity": 3}
    note["lines"] = [line | {"unit_amount_decimal": Decimal("500")}]
    shown = v1.credit_notes.preview(note, options)
    made = v1.credit_notes.create(note | {"expand": ["refunds.refund"]}, options)
    assert shown.total == made.total == 1_500
    assert made.lines.data[0].unit_amount_decimal == Decimal(500)
    assert isinstance(made.refunds[0].refund, stripe.Refund)
    customer = str(made.customer)
    (moved,) = v1.customers.balance_transactions.list(customer, {}, options).data
    assert (moved.amount, moved.credit_note) == (-500, made.id)
    assert [each.id for each in v1.credit_notes.line_items.list(made.id, {}, options).data] == [made.lines.data[0].id]


def test_the_sdk_raises_its_own_errors() -> None:
    """Each refusal arrives as the exception that the SDK makes of the real one."""
    scene = scenes.play()
    v1 = scene.client.v1
    options: stripe.RequestOptions = {"stripe_account": scene.one}
    with pytest.raises(stripe.InvalidRequestError) as missing:
        v1.customers.retrieve("cus_no", {}, options)
    assert (missing.value.code, missing.value.http_status) == ("resource_missing", 404)
    with pytest.raises(stripe.PermissionError) as foreign:
        v1.customers.list({}, {"stripe_account": "acct_no"})
    assert foreign.value.error is not None
    assert foreign.value.error.code == "account_invalid"
    with pytest.raises(stripe.AuthenticationError):
        v1.customers.list({}, {"api_key": "sk_live_123456"})
    v1.customers.create({"name": "Ada"}, {**options, "idempotency_key": "k"})
    with pytest.raises(stripe.IdempotencyError):
        v1.customers.create({"name": "Bo"}, {**options, "idempotency_key": "k"})
    with pytest.raises(stripe.InvalidRequestError) as exponent:
        v1.prices.create({"currency": "eur", "product": "x", "unit_amount_decimal": Decimal("1E+3")}, options)
    assert exponent.value.param == "unit_amount_decimal"
