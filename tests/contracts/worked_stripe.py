"""A worked invoice at a Stripe of its own: the real adapter and the SDK, with FakeStripe in Stripe's place."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask_crm_stripe.core.customers import customer_draft
from flask_crm_stripe.core.gate import differences, invoice_draft, line_drafts
from flask_crm_stripe.core.legal import compact, vat_type
from flask_crm_stripe.model.invoices import LinkedCustomer, RemoteInvoice
from flask_crm_stripe.ports.provider import Provider
from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches
from tests.contracts.provider_drafts import PRODUCT
from tests.contracts.provider_worlds import SDKWorld, provider_of
from tests.core.worked.ours import contact_of, plan_of
from tests.core.worked.rows import Case
from tests.core.worked.stripes import by_reason
from tests.core.worked.table import CASES

SAME = {case.customer: case for case in CASES}
"""A case for each kind of customer."""

MINIMUM = {"usd": 50, "eur": 50, "gbp": 30, "jpy": 50, "huf": 17_500}


def new_world(position: dict[str, Any]) -> SDKWorld:
    """A Stripe with these switches, and the product of all lines."""
    world = SDKWorld(FakeStripe(switches=Switches(**position)))
    provider_of(world, world.one).create_product(PRODUCT, "product")
    return world


@cache
def world_of(*position: tuple[str, Any]) -> SDKWorld:
    """One for all cases, with these switches."""
    return new_world(dict(position))


@cache
def customer_of(world: SDKWorld, case: Case, own: str) -> str:
    """The customer, with their VAT number. (``own`` tells customers apart.)"""
    provider, contact = provider_of(world, world.one), contact_of(case)
    link = LinkedCustomer(f"link-{case.customer}{own}", contact.ref, None, "", world.now())
    made = provider.create_customer(customer_draft(contact, link, "i1", "b1"), f"c-{case.customer}{own}").id
    number = contact.vat_number or ""
    provider.set_vat_number(made, vat_type(number), compact(number), f"n-{case.customer}{own}")
    return made


class Stripe:
    """One worked invoice at one Stripe, step by step."""

    def __init__(self, world: SDKWorld, case: Case) -> None:
        self.world, self.case, self.plan = world, case, plan_of(case)
        self.key = f"{world.count(world.one, 'invoice')}"
        self.provider: Provider = provider_of(world, world.one)
        self.id = self._draft()

    def _draft(self) -> str:
        customer = customer_of(self.world, SAME[self.case.customer], self.key if self.small else "")
        return self.provider.create_invoice(invoice_draft(self.plan, customer, "inv", "i1", "b1"), f"i{self.key}").id

    @property
    def small(self) -> bool:
        """Too small to be charged: it leaves something on the customer's balance, and so has one of its own."""
        return self.case.expected.total < MINIMUM.get(self.case.currency, 1)

    def fill(self) -> RemoteInvoice:
        """All lines, with their product."""
        return self.provider.add_lines(self.id, line_drafts(self.plan, {"s1": PRODUCT.id}), f"l{self.key}")

    def finalise(self) -> RemoteInvoice:
        """Draft to open, or to paid."""
        return self.provider.finalise(self.id, f"f{self.key}")

    def stored(self) -> dict[str, Any]:
        """What Stripe itself has."""
        found: dict[str, Any] = self.world.fake.world.store(self.world.one)["invoice"][self.id]
        return found

    def wrong(self, remote: RemoteInvoice) -> list[object]:
        """All in which Stripe's answer, and what it has stored, is not the table."""
        expected, stored = self.case.expected, self.stored()
        taxes: dict[tuple[str, bool], tuple[int, int]] = {}
        for tax in stored["total_taxes"]:
            key = (tax["taxability_reason"], tax["tax_behavior"] == "inclusive")
            amount, base = taxes.get(key, (0, 0))
            taxes[key] = (amount + tax["amount"], base + tax["taxable_amount"])
        nets = [amount - share for amount, share, _ in expected.lines]
        inside = sum(vat for (_, included), (vat, _) in taxes.items() if included)
        pairs: tuple[tuple[object, object], ...] = (
            (remote.subtotal, expected.subtotal - expected.discount),
            (remote.total, expected.total),
            (stored["total"], expected.total),
            (stored["total_excluding_tax"], sum(nets) - inside),
            (stored["total_discount_amounts"], []),
            (taxes, by_reason(self.case)),
            ([line["amount"] for line in stored["lines"]["data"]], nets),
        )
        return [pair for pair in pairs if pair[0] != pair[1]] + list(differences(self.plan, remote))
