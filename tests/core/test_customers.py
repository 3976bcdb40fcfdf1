"""Contacts as Stripe customers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import InvalidInput, Refused, Unreachable
from flask_crm_stripe.model.crm import VatKind
from tests.core.samples import ZONEN
from tests.core.world import World


def test_a_customer_is_made_once_and_kept_up_to_date(connected: World) -> None:
    """The second use costs no call, a new address costs one."""
    customers, shop = connected.billing().customers, connected.shops["hp"]
    first = customers.ensure(ZONEN)
    assert customers.ensure(ZONEN) == first
    assert [call.method for call in shop.calls if "customer" in call.method] == ["create_customer"]
    assert customers.ensure(replace(ZONEN, email="new@vdbz.example")) == first
    assert shop.customers[first].draft.email == "new@vdbz.example"


def test_two_businesses_have_two_customers_for_one_contact(connected: World) -> None:
    """Each on its own account."""
    for business in ("hp", "kestrel"):
        connected.billing(business).customers.ensure(ZONEN)
        assert len(connected.shops[business].customers) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_lost_answer_makes_no_second_customer(connected: World, after: bool) -> None:
    """Also a day later, when Stripe has forgotten the key."""
    shop = connected.shops["hp"]
    shop.fail_next("create_customer", Unreachable("No answer."), after=after)
    with pytest.raises(Unreachable):
        connected.billing().customers.ensure(ZONEN)
    connected.clock.advance(hours=25)
    connected.billing().customers.ensure(ZONEN)
    assert len(shop.customers) == 1


def test_a_customer_found_again_is_brought_up_to_date(connected: World) -> None:
    """The answer was lost, and the contact got another address before the next attempt."""
    shop = connected.shops["hp"]
    shop.fail_next("create_customer", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        connected.billing().customers.ensure(ZONEN)
    customer_id = connected.billing().customers.ensure(replace(ZONEN, email="new@vdbz.example"))
    assert shop.customers[customer_id].draft.email == "new@vdbz.example"
    assert len(shop.customers) == 1


def test_the_customer_leads_back_to_the_crm(connected: World) -> None:
    """By metadata; language and address travel too."""
    customer_id = connected.billing().customers.ensure(ZONEN)
    draft = connected.shops["hp"].customers[customer_id].draft
    metadata = draft.metadata or {}
    assert metadata["crm_contact"] == "organization:7"
    assert metadata["crm_business"] == "hp"
    assert (draft.locale, draft.city, draft.country) == ("nl", "Groningen", "NL")


def test_a_contact_without_an_address_is_a_customer_too(connected: World) -> None:
    """A name is enough."""
    bare = replace(ZONEN, address=None, email=None, language=None)
    draft = connected.shops["hp"].customers[connected.billing().customers.ensure(bare)].draft
    assert (draft.line1, draft.email) == ("", None)


def test_following_a_change_tells_stripe_only_what_it_knows(connected: World) -> None:
    """A contact that was never billed, or that is gone, is nobody's business at Stripe."""
    customers, shop = connected.billing().customers, connected.shops["hp"]
    customers.follow(ZONEN.ref)
    assert shop.customers == {}
    customer_id = customers.ensure(ZONEN)
    connected.crm.add("hp", replace(ZONEN, name="Van den Berg B.V."))
    customers.follow(ZONEN.ref)
    assert shop.customers[customer_id].draft.name == "Van den Berg B.V."
    connected.crm.remove("hp", ZONEN)
    calls = len(shop.calls)
    customers.follow(ZONEN.ref)
    assert len(shop.calls) == calls


def test_a_vat_number_is_kept_beside_the_customer(connected: World) -> None:
    """By a call of its own; one that goes in the CRM goes at Stripe; what Stripe has no kind for is not sent."""
    customers, shop = connected.billing().customers, connected.shops["hp"]
    numbered = replace(ZONEN, vat_number="NL 1234.56.782-B01", vat_kind=VatKind.REVERSE_CHARGE)
    customer = shop.customers[customers.ensure(numbered)]
    assert (customer.vat_number, customer.draft.exempt) == ("NL123456782B01", "reverse")
    customers.ensure(replace(ZONEN, vat_number="T1234567890123", vat_kind=VatKind.EXEMPT))
    assert (customer.vat_number, customer.draft.exempt) == ("", "exempt")
    customers.ensure(replace(ZONEN, vat_kind=VatKind.OUT_OF_SCOPE))
    assert customer.draft.exempt == "none"


def test_a_number_that_stripe_refuses_is_named(connected: World) -> None:
    """With the customer and the remedy; other refusals stay what they are, and both are tried again."""
    customers, shop = connected.billing().customers, connected.shops["hp"]
    numbered = replace(ZONEN, vat_number="NL123456782B01")
    shop.fail_next("set_vat_number", Refused("Invalid value.", stripe_code="tax_id_invalid"))
    with pytest.raises(InvalidInput, match="no VAT number of Van den Berg") as wrong:
        customers.ensure(numbered)
    assert wrong.value.field == "vat_number"
    shop.fail_next("set_vat_number", Refused("Not today"))
    with pytest.raises(Refused, match="Not today"):
        customers.ensure(numbered)
    assert shop.customers[customers.ensure(numbered)].vat_number == "NL123456782B01"
