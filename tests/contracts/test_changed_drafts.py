"""Somebody changes a worked invoice's draft at Stripe, by the least there is: the gate names it, with both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flask_crm_stripe.core.gate import differences
from tests.contracts.provider_worlds import SDKWorld
from tests.contracts.worked_stripe import FakeDesk, Stripe, new_desk
from tests.core.worked.rows import Case
from tests.core.worked.table import MADE
from tests.fake_stripe.raw import Api

WHOLE = {"isk": 100, "ugx": 100, "kwd": 10}
CURRENCIES = ("eur", "usd", "gbp", "jpy", "kwd", "isk", "huf", "ugx")
CASES = [next(case for case in MADE if case.currency == code and case.expected.lines[0][2]) for code in CURRENCIES]


class Draft(Stripe):
    """A filled draft, and what its business can do with it in Stripe's dashboard."""

    def __init__(self, desk: FakeDesk, case: Case) -> None:
        super().__init__(desk, case)
        self.fill()
        self.api = Api(desk.world.fake, desk.world.one, SDKWorld.KEY)
        self.least = WHOLE.get(case.currency, 1)
        self.line = self.stored()["lines"]["data"][0]

    def invoice(self, **changed: Any) -> None:
        """Change the invoice."""
        self.api.post(f"/v1/invoices/{self.id}", changed)

    def first(self, **changed: Any) -> None:
        """Change its first line."""
        self.api.post(f"/v1/invoices/{self.id}/lines/{self.line['id']}", changed)

    def customer(self, **changed: Any) -> None:
        """Change its customer."""
        self.api.post(f"/v1/customers/{self.stored()['customer']}", changed)

    def tax(self, amount: int = 0, base: int = 0, **rate: Any) -> list[dict[str, Any]]:
        """The first line's VAT, changed."""
        tax = self.line["taxes"][0]
        data = {"display_name": "VAT", "percentage": 21, "inclusive": tax["tax_behavior"] == "inclusive"} | rate
        return [
            {
                "amount": tax["amount"] + amount,
                "taxable_amount": tax["taxable_amount"] + base,
                "taxability_reason": tax["taxability_reason"],
                "tax_rate_data": data,
            }
        ]

    def coupon(self) -> list[dict[str, str]]:
        """A discount of the least there is."""
        return [
            {"coupon": self.api.post("/v1/coupons", {"amount_off": self.least, "currency": self.case.currency})["id"]}
        ]

    def without_number(self) -> None:
        """Take the customer's VAT number away."""
        customer = self.stored()["customer"]
        for each in self.api.get(f"/v1/customers/{customer}/tax_ids")["data"]:
            self.api.ok("DELETE", f"/v1/customers/{customer}/tax_ids/{each['id']}")


Deed = Callable[[Draft], object]
DEEDS: dict[str, tuple[Deed, set[str]]] = {
    "a line's sum": (
        lambda draft: draft.first(amount=draft.line["amount"] + draft.least),
        {"Lines after discount", "Total"},
    ),
    "a line more, for nothing": (
        lambda draft: draft.api.post(f"/v1/invoices/{draft.id}/add_lines", {"lines": [{"amount": 0}]}),
        {"Number of lines"},
    ),
    "a line's VAT": (lambda draft: draft.first(tax_amounts=draft.tax(amount=draft.least)), {"VAT", "Total"}),
    "what its VAT is on": (lambda draft: draft.first(tax_amounts=draft.tax(base=draft.least)), {"VAT is on"}),
    "VAT inside": (lambda draft: draft.first(tax_amounts=draft.tax(inclusive=True)), {"Total"}),
    "a discount": (lambda draft: draft.invoice(discounts=draft.coupon()), {"Discount at Stripe", "Total"}),
    "the footer": (lambda draft: draft.invoice(footer="Another seller"), {"Footer"}),
    "the note": (lambda draft: draft.invoice(description="Thanks"), {"Note"}),
    "the order number": (lambda draft: draft.invoice(custom_fields=""), {"Order number"}),
    "the name": (lambda draft: draft.customer(name="Somebody else"), {"Customer"}),
    "the address": (lambda draft: draft.customer(address={"line1": "Kade 2"}), {"Address"}),
    "the exemption": (lambda draft: draft.customer(tax_exempt="reverse"), {"Exemption"}),
    "the VAT number": (lambda draft: draft.without_number(), {"VAT number"}),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_a_change_at_stripe_is_named(deed: str) -> None:
    """In each currency; both sides in words, and they are not the same."""
    do, named = DEEDS[deed]
    for case in CASES:
        draft = Draft(new_desk({}), case)
        assert differences(draft.plan, draft.provider.invoice(draft.id)) == (), case
        do(draft)
        found = differences(draft.plan, draft.provider.invoice(draft.id))
        assert named <= {each.what.partition(",")[0] for each in found}, case
        assert all(each.ours != each.theirs for each in found)
