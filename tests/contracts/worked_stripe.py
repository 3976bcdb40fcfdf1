"""A worked invoice at a Stripe: our plan, the real adapter and the SDK. Which Stripe that is, its desk knows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any, Protocol

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
LINKED_AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)


class Desk(Protocol):
    """An account at some Stripe. ``product`` is that of all lines, ``marks`` go into the metadata of what is made."""

    provider: Provider
    product: str
    marks: dict[str, str]

    def key(self) -> str:
        """A new one, to make idempotency keys of."""

    def customer(self, case: Case, own: str) -> str:
        """The id of the case's customer. (``own`` tells customers apart.)"""

    def stored(self, invoice: str) -> dict[str, Any]:
        """An invoice as Stripe has it, with all its lines."""


@dataclass
class FakeDesk:
    """At a FakeStripe of its own: what is stored is read from its memory, past its API."""

    world: SDKWorld
    product: str = PRODUCT.id
    marks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.provider: Provider = provider_of(self.world, self.world.one)
        self.provider.create_product(PRODUCT, "product")
        self._keys, self._customers = count(), dict[tuple[str, str], str]()

    def key(self) -> str:
        return str(next(self._keys))

    def customer(self, case: Case, own: str) -> str:
        kind = case.customer, own
        if kind not in self._customers:
            self._customers[kind] = make_customer(self, SAME[case.customer])
        return self._customers[kind]

    def stored(self, invoice: str) -> dict[str, Any]:
        found: dict[str, Any] = self.world.fake.world.store(self.world.one)["invoice"][invoice]
        return found


def new_desk(position: dict[str, Any]) -> FakeDesk:
    """At a Stripe with these switches."""
    return FakeDesk(SDKWorld(FakeStripe(switches=Switches(**position))))


@cache
def desk_of(*position: tuple[str, Any]) -> FakeDesk:
    """One for all cases, at a Stripe with these switches."""
    return new_desk(dict(position))


def make_customer(desk: Desk, case: Case) -> str:
    """The customer, with their VAT number."""
    contact, key = contact_of(case), desk.key()
    link = LinkedCustomer(f"link-{key}", contact.ref, None, "", LINKED_AT)
    draft = customer_draft(contact, link, "i1", "b1")
    marked = replace(draft, metadata={**(draft.metadata or {}), **desk.marks})
    made = desk.provider.create_customer(marked, f"c{key}").id
    number = contact.vat_number or ""
    desk.provider.set_vat_number(made, vat_type(number), compact(number), f"n{key}")
    return made


class Stripe:
    """One worked invoice at one Stripe, step by step."""

    def __init__(self, desk: Desk, case: Case) -> None:
        self.desk, self.case, self.plan = desk, case, plan_of(case)
        self.key, self.provider = desk.key(), desk.provider
        self.id = self._draft()

    def _draft(self) -> str:
        customer = self.desk.customer(self.case, self.key if self.small else "")
        draft = invoice_draft(self.plan, customer, f"inv-{self.key}", "i1", "b1")
        marked = replace(draft, metadata={**draft.metadata, **self.desk.marks})
        return self.provider.create_invoice(marked, f"i{self.key}").id

    @property
    def small(self) -> bool:
        """Too small to be charged: it leaves something on the customer's balance, and so has one of its own."""
        return self.case.expected.total < MINIMUM.get(self.case.currency, 1)

    def fill(self) -> RemoteInvoice:
        """All lines, with their product."""
        return self.provider.add_lines(self.id, line_drafts(self.plan, {"s1": self.desk.product}), f"l{self.key}")

    def finalise(self) -> RemoteInvoice:
        """Draft to open, or to paid."""
        return self.provider.finalise(self.id, f"f{self.key}")

    def stored(self) -> dict[str, Any]:
        """What Stripe itself has."""
        return self.desk.stored(self.id)

    def wrong(self, remote: RemoteInvoice) -> list[object]:
        """All in which Stripe's answer, and what it has stored, is not the table."""
        expected, stored = self.case.expected, self.stored()
        taxes: dict[tuple[str, bool], tuple[int, int]] = {}
        for tax in stored["total_taxes"] or ():
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
            (stored["total_discount_amounts"] or [], []),
            (taxes, by_reason(self.case)),
            ([line["amount"] for line in stored["lines"]["data"]], nets),
        )
        return [pair for pair in pairs if pair[0] != pair[1]] + list(differences(self.plan, remote))
