"""One probe for each switch of FakeStripe that Stripe's test mode can settle by its API: it finds out what Stripe does.

A probe is named after its switch, and needs nothing but an account of test mode. docs/fake-stripe.md says what each
switch is about.
"""

from __future__ import annotations

import stripe
from stripe.params import InvoiceAddLinesParamsLine

from tests.live import probes_money
from tests.live.account import Live
from tests.live.probing import Finding, NotTold, Probe, Refusal, SomethingElse, allowed, attempt, said
from tests.live.samples import line, taxed


def send_finalizes_draft(live: Live) -> Finding:
    """A draft is sent."""
    draft = live.draft(line())
    sent = attempt(lambda: live.client.v1.invoices.send_invoice(draft.id))
    if isinstance(sent, Refusal):
        return Finding(False, sent.words)
    if sent.status != "open":
        raise SomethingElse(f"a draft that was sent is {sent.status}")
    return Finding(True)


def tax_rounding(live: Live) -> Finding:
    """Twice 10 % on 10.05: 1.01 each, or 2.01 together."""
    rate = live.client.v1.tax_rates.create(
        {"display_name": "VAT", "inclusive": False, "percentage": 10, "metadata": live.marks}
    )
    live.keep("tax_rate", rate.id)
    lines: list[InvoiceAddLinesParamsLine] = [{**line(1_005), "tax_rates": [rate.id]} for _ in range(2)]
    tax = sum(each.amount for each in live.draft(*lines).total_taxes or ())
    if tax not in (202, 201):
        raise SomethingElse(f"twice 10 % on 1005 is {tax}")
    return Finding("line" if tax == 202 else "invoice")


def lines_in_response(live: Live) -> Finding:
    """An invoice of 101 lines, as answered and as read."""
    made = live.draft(*(line(100) for _ in range(101)))
    read = live.client.v1.invoices.retrieve(made.id)
    counts = {len(each.lines.data) for each in (made, read)}
    if len(counts) != 1:
        raise SomethingElse(f"add_lines answers {len(made.lines.data)} lines of 101, a look {len(read.lines.data)}")
    return Finding(counts.pop())


def archived_product_on_line(live: Live) -> Finding:
    """A line of a product that was archived."""
    product, draft = live.product(), live.draft()
    live.client.v1.products.update(product, {"active": False})
    sold: InvoiceAddLinesParamsLine = {"price_data": {"currency": "eur", "product": product, "unit_amount": 1_000}}
    return allowed(lambda: live.client.v1.invoices.add_lines(draft.id, {"lines": [sold]}))


def archive_default_price(live: Live) -> Finding:
    """The price that is its product's default is archived."""
    product = live.product()
    price = live.client.v1.prices.create(
        {"product": product, "currency": "eur", "unit_amount": 1_000, "metadata": live.marks}
    )
    live.client.v1.products.update(product, {"default_price": price.id})
    return allowed(lambda: live.client.v1.prices.update(price.id, {"active": False}))


def bad_tax_id(live: Live) -> Finding:
    """A new customer with a malformed number."""
    number = "NOT-A-NUMBER"
    made = attempt(
        lambda: live.client.v1.customers.create(
            {"name": "Test", "metadata": live.marks, "tax_id_data": [{"type": "eu_vat", "value": number}]}
        )
    )
    if isinstance(made, Refusal):
        return Finding("fails_create", made.words)
    customer = live.keep("customer", made.id)
    found = [each.value for each in live.client.v1.customers.tax_ids.list(customer).data]
    if found != [number]:
        raise SomethingElse(f"the customer is made with these numbers: {found}")
    return Finding("accepted")


def tax_amounts_with_discounts(live: Live) -> Finding:
    """Imposed tax amounts on an invoice with a coupon."""
    coupon = live.client.v1.coupons.create({"percent_off": 10, "duration": "once", "metadata": live.marks})
    live.keep("coupon", coupon.id)
    draft = live.draft(discounts=[{"coupon": coupon.id}])
    return allowed(lambda: live.client.v1.invoices.add_lines(draft.id, {"lines": [taxed(1_000, 189, 900)]}))


def negative_tax_amounts(live: Live) -> Finding:
    """A line that takes something off, and its VAT with it."""
    draft = live.draft()
    lines = [taxed(1_000, 210), taxed(-500, -105)]
    made = attempt(lambda: live.client.v1.invoices.add_lines(draft.id, {"lines": lines}))
    if isinstance(made, Refusal):
        return Finding("refuse", made.words)
    if made.total != 605:
        raise SomethingElse(f"1000 and -500 with 210 and -105 of tax are {made.total}")
    return Finding("accept")


def below_minimum(live: Live) -> Finding:
    """An invoice of 0.10."""
    customer = live.customer()
    made, balance = live.opened(line(10), customer=customer), live.balance(customer)
    found = {("paid", 10): "paid_to_balance", ("open", 0): "open"}.get((str(made.status), balance))
    if found is None:
        raise SomethingElse(f"an invoice of 10 is {made.status}, the customer's balance {balance}")
    return Finding(found)


def negative_total(live: Live) -> Finding:
    """A draft below zero is finalised."""
    customer = live.customer()
    draft = live.draft(line(1_000), line(-1_500), customer=customer)
    made = attempt(lambda: live.client.v1.invoices.finalize_invoice(draft.id))
    if isinstance(made, Refusal):
        return Finding("refuse", made.words)
    balance = live.balance(customer)
    if (made.status, balance) != ("paid", -500):
        raise SomethingElse(f"an invoice of -500 is {made.status}, the customer's balance {balance}")
    return Finding("credit_to_balance")


def voided_balance(live: Live) -> Finding:
    """An invoice that took 3.00 of the customer's credit is voided."""
    customer = live.customer()
    live.client.v1.customers.balance_transactions.create(customer, {"amount": -300, "currency": "eur"})
    made = live.opened(line(), customer=customer)
    if made.amount_due != 700:
        raise SomethingElse(f"of 1000 with 300 in credit {made.amount_due} are due")
    live.client.v1.invoices.void_invoice(made.id)
    balance = live.balance(customer)
    if balance not in (-300, 0):
        raise SomethingElse(f"of a credit of 300 there is {-balance} after the invoice was voided")
    return Finding("returned" if balance else "kept")


def idempotency_scope(live: Live) -> Finding:
    """One key on the platform's own account, and on the connected one."""
    if not live.account or live.platform.v1.accounts.retrieve_current().id == live.account:
        raise NotTold("set STRIPE_TEST_ACCOUNT to an account that is connected to the key's own")
    key = f"{live.run}-scope"
    first = live.platform.v1.customers.create({"metadata": live.marks}, {"idempotency_key": key})
    live.keep("customer", first.id, live.platform)
    try:
        second = live.client.v1.customers.create({"metadata": live.marks}, {"idempotency_key": key})
    except stripe.IdempotencyError as error:
        return Finding("platform", said(error))
    if second.id == first.id:
        return Finding("platform")
    live.keep("customer", second.id)
    return Finding("account")


def finalize_without_lines(live: Live) -> Finding:
    """A draft with nothing on it is finalised."""
    draft = live.draft()
    return allowed(lambda: live.client.v1.invoices.finalize_invoice(draft.id))


def maximum_amount(live: Live) -> Finding:
    """The largest totals that can be, and those above them."""
    totals = ((99_999_999,), (100_000_000,), (999_999_999_999,), (999_999_999_999, 1))
    taken = [allowed(lambda lines=each: live.opened(*map(line, lines))) for each in totals]  # type: ignore[misc]
    found = {(True, False, False, False): 99_999_999, (True, True, True, False): 999_999_999_999}
    place = found.get(tuple(each.position == "accept" for each in taken))
    if place is None:
        told = ", ".join(f"{sum(each)}: {one.position}" for each, one in zip(totals, taken, strict=True))
        raise SomethingElse(f"of these totals: {told}")
    return Finding(place, next(each.words for each in taken if each.words))


OF_INVOICES: tuple[Probe, ...] = (
    send_finalizes_draft,
    tax_rounding,
    lines_in_response,
    archived_product_on_line,
    archive_default_price,
    bad_tax_id,
    tax_amounts_with_discounts,
    negative_tax_amounts,
    below_minimum,
    negative_total,
    voided_balance,
    idempotency_scope,
    finalize_without_lines,
    maximum_amount,
)
PROBES: dict[str, Probe] = {each.__name__: each for each in (*OF_INVOICES, *probes_money.OF_MONEY)}
"""Every probe, by its switch."""

NOT_PROBED = {
    "token_fields": "a code for /oauth/token comes from a person's consent on Stripe's own page",
    "error_for_revoked": "it takes an account that was connected and that its owner disconnected again",
}
"""Switches that no request of test mode can settle, and why."""
