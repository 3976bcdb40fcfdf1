"""Contract of ports/provider.py: credit notes and refunds, on the twin and on the SDK."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flask_crm_stripe.errors import Refused, Unreachable
from flask_crm_stripe.model.credits import CreditDraft, CreditDraftLine, RefundLink
from flask_crm_stripe.model.invoices import LineDraft, RemoteInvoice
from flask_crm_stripe.model.payments import refundable
from flask_crm_stripe.ports.provider import Provider
from flask_crm_stripe.testing.fake_stripe.switches import CHOICES
from tests.contracts.provider_drafts import line, open_invoice
from tests.contracts.provider_worlds import MemoryWorld, SDKWorld, World, both_worlds, provider_of

pytestmark = both_worlds
WITH_VAT = 24_200
SWITCHES = [
    (name, value)
    for name in (
        "refund_status",
        "credit_note_on_uncollectible",
        "void_post_payment_credit_note",
        "credit_line_amount",
        "credit_note_amount_tax",
        "negative_credit_lines",
    )
    for value in CHOICES[name]
]


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """A fresh Stripe with two businesses."""
    made: World = request.param()
    return made


def invoice_of(provider: Provider, *lines: LineDraft, currency: str = "eur") -> RemoteInvoice:
    """Open, with two lines of 100.00 and 21 % each."""
    return open_invoice(provider, *(lines or (line("a", 10_000), line("b", 10_000))), currency=currency)


def paid(world: World, provider: Provider) -> RemoteInvoice:
    """The same, paid by card."""
    made = invoice_of(provider)
    world.pay(world.one, made)
    return provider.invoice(made.id)


def note(provider: Provider, invoice: RemoteInvoice, **amounts: tuple[int, int]) -> CreditDraft:
    """A credit note of (amount, VAT) by line; where its money goes has to be said."""
    named = {each.key: each for each in provider.invoice_lines(invoice.id)}
    lines = tuple(
        CreditDraftLine(named[key].id, amount, vat, amount, named[key].tax_rate)
        for key, (amount, vat) in amounts.items()
    )
    return CreditDraft(invoice.id, lines, 0, 0, (), False, {"crm_stripe_id": "credit-1"})


def test_lines_have_our_keys_and_stripes_rates(world: World) -> None:
    """In order; each has an id and a rate of its own that VAT is imposed by."""
    provider = provider_of(world, world.one)
    lines = provider.invoice_lines(invoice_of(provider).id)
    assert [each.key for each in lines] == ["a", "b"]
    assert all(each.id and each.tax_rate for each in lines)


def test_an_open_invoice_is_reduced(world: World) -> None:
    """By exactly what was asked for; the same key answers the same; all of it makes it paid."""
    provider = provider_of(world, world.one)
    made = invoice_of(provider)
    draft = note(provider, made, a=(5_000, 1_050))
    first = provider.create_credit(draft, "k")
    assert (first.total, first.tax, first.before, first.after, first.status) == (6_050, 1_050, 6_050, 0, "issued")
    assert [(each.line, each.amount, each.vat, each.base) for each in first.lines] == [
        (draft.lines[0].line, 5_000, 1_050, 5_000)
    ]
    assert [(each.reason, each.amount, each.base) for each in first.vat] == [("standard_rated", 1_050, 5_000)]
    assert provider.create_credit(draft, "k").id == first.id
    after = provider.invoice(made.id)
    assert (after.status, after.amount_remaining, after.credited, after.total) == ("open", 18_150, 6_050, WITH_VAT)
    rest = note(provider, made, a=(5_000, 1_050), b=(10_000, 2_100))
    provider.create_credit(replace(rest, metadata={}), "l")
    after = provider.invoice(made.id)
    assert (after.status, after.amount_remaining, after.amount_paid, after.credited) == ("paid", 0, 0, WITH_VAT)
    known = provider.credits(made.id)
    assert [each.metadata.get("crm_stripe_id") for each in known] == ["credit-1", None]
    assert [bool(each.number and each.pdf_url) for each in known] == [True, True]


def test_a_paid_one_gives_its_money_back_in_the_same_call(world: World) -> None:
    """The refund is listed with its payment and linked; the payment says how much is left to go back."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    done = provider.create_credit(replace(note(provider, made, a=(10_000, 2_100)), refund=12_100), "k")
    assert (done.before, done.after, done.elsewhere) == (0, 12_100, 0)
    [payment] = provider.payments(made.id)
    [back] = provider.refunds(payment.payment_intent or "")
    assert done.links == (RefundLink(back.stripe_id, 12_100),)
    assert (back.amount, back.currency, back.status, back.failed) == (12_100, "eur", "succeeded", False)
    assert (payment.status, payment.refunded, refundable([payment])) == ("succeeded", 12_100, [12_100])
    provider.create_credit(replace(note(provider, made, b=(10_000, 2_100)), refund=12_100), "l")
    [payment] = provider.payments(made.id)
    assert (payment.status, payment.refunded, refundable([payment])) == ("refunded", WITH_VAT, [])
    assert provider.invoice(made.id).credited == WITH_VAT


def test_money_can_go_back_elsewhere(world: World) -> None:
    """No refund is made."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    done = provider.create_credit(replace(note(provider, made, a=(10_000, 2_100)), elsewhere=12_100), "k")
    assert (done.elsewhere, done.links) == (12_100, ())
    assert provider.refunds(provider.payments(made.id)[0].payment_intent or "") == ()


def test_a_preview_is_what_would_be_and_makes_nothing(world: World) -> None:
    """Every figure that the gate compares is the same in both."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    draft = replace(note(provider, made, a=(3_333, 700)), refund=4_033)
    shown = provider.preview_credit(draft)
    assert provider.credits(made.id) == ()
    done = provider.create_credit(draft, "k")
    figures = [(each.total, each.tax, each.before, each.after, each.vat) for each in (shown, done)]
    assert figures[0] == figures[1] == (4_033, 700, 0, 4_033, shown.vat)


def test_what_stripe_refuses(world: World) -> None:
    """More than is left of a line, of its VAT or of the invoice; another rate; sums that are not those; a draft's."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    good = replace(note(provider, made, a=(10_000, 2_100)), refund=12_100)
    [own] = good.lines
    wrong = [
        replace(good, lines=(replace(own, amount=10_001),)),
        replace(good, lines=(replace(own, vat=2_101),)),
        replace(good, lines=(replace(own, base=10_001),)),
        replace(good, lines=(replace(own, tax_rate="txr_of_others"),)),
        replace(good, lines=(replace(own, line="il_of_others"),)),
        replace(good, lines=()),
        replace(good, refund=12_099),
        replace(good, refund=0, links=(RefundLink("re_of_others", 12_100),)),
        replace(good, invoice="in_of_others"),
    ]
    for number, draft in enumerate(wrong):
        with pytest.raises(Refused):
            provider.preview_credit(draft)
        with pytest.raises(Refused):
            provider.create_credit(draft, f"w{number}")
    provider.create_credit(good, "k")
    with pytest.raises(Refused):
        provider.create_credit(good, "another")
    assert len(provider.credits(made.id)) == 1


@pytest.mark.parametrize("kind", ["silent", "silent_after"])
def test_a_lost_answer_is_found_by_our_id(world: World, kind: str) -> None:
    """Or is not there, and the same key makes it once."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    draft = replace(note(provider, made, a=(10_000, 2_100)), refund=12_100)
    world.fail(world.one, "create_credit", kind)
    with pytest.raises(Unreachable):
        provider.create_credit(draft, "k")
    world.heal()
    marked = [each for each in provider.credits(made.id) if each.metadata.get("crm_stripe_id") == "credit-1"]
    assert len(marked) == (kind == "silent_after")
    provider.create_credit(draft, "k")
    assert len(provider.credits(made.id)) == 1


def test_what_another_account_has_is_not_there(world: World) -> None:
    """Its invoice can be neither read nor credited."""
    provider, other = provider_of(world, world.one), provider_of(world, world.two)
    made = paid(world, provider)
    draft = replace(note(provider, made, a=(10_000, 2_100)), refund=12_100)
    with pytest.raises(Refused):
        other.create_credit(draft, "k")
    with pytest.raises(Refused):
        other.invoice_lines(made.id)
    assert provider.credits(made.id) == ()


@pytest.mark.parametrize(("switch", "value"), SWITCHES)
def test_whatever_is_uncertain_at_stripe_our_way_is_the_same(world: World, switch: str, value: object) -> None:
    """By amount, with the VAT imposed: nothing that nobody can be sure of changes what comes of it."""
    if isinstance(world, SDKWorld):
        world.fake.world.switches.set(switch, value)
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    draft = replace(note(provider, made, a=(3_333, 700), b=(1, 0)), refund=4_034)
    done = provider.create_credit(draft, "k")
    assert (done.total, done.tax, [each.amount for each in done.lines]) == (4_034, 700, [3_333, 1])


@pytest.mark.parametrize("accepts", ["accept", "refuse"])
def test_one_that_was_written_off_may_be_credited_or_not(world: World, accepts: str) -> None:
    """Nobody can be sure: it is done, or refused as a whole."""
    if isinstance(world, SDKWorld):
        world.fake.world.switches.set("credit_note_on_uncollectible", accepts)
    provider = provider_of(world, world.one)
    made = provider.write_off_invoice(invoice_of(provider).id, "w")
    draft = note(provider, made, a=(10_000, 2_100))
    if accepts == "refuse" and isinstance(world, SDKWorld):
        with pytest.raises(Refused):
            provider.preview_credit(draft)
        assert provider.credits(made.id) == ()
    else:
        assert provider.create_credit(draft, "k").before == 12_100


def test_refunds_that_fail_and_those_made_alone(world: World) -> None:
    """By the bank and in the dashboard: what failed can go back again, what went alone can be linked, once."""
    provider = provider_of(world, world.one)
    made = paid(world, provider)
    [payment] = provider.payments(made.id)
    refund_id = alone(world, made, payment.payment_intent or "", 12_100)
    draft = replace(note(provider, made, a=(10_000, 2_100)), links=(RefundLink(refund_id, 12_100),))
    done = provider.create_credit(draft, "k")
    assert done.links == (RefundLink(refund_id, 12_100),)
    with pytest.raises(Refused):
        provider.create_credit(replace(draft, lines=note(provider, made, b=(10_000, 2_100)).lines), "l")
    fail(world, refund_id)
    [back] = provider.refunds(payment.payment_intent or "")
    assert (back.failed, bool(back.reason)) == (True, True)
    assert provider.payments(made.id)[0].refunded == 0
    assert provider.credits(made.id)[0].status == "issued"


def test_many_lines_are_all_read(world: World) -> None:
    """Also where an answer holds the first ones only."""
    provider = provider_of(world, world.one)
    made = invoice_of(provider, *(line(f"l{number:02}", 1_000) for number in range(15)))
    amounts = {f"l{number:02}": (1_000, 210) for number in range(15)}
    provider.create_credit(note(provider, made, **amounts), "k")
    [known] = provider.credits(made.id)
    assert len(known.lines) == 15
    assert (known.total, provider.invoice(made.id).status) == (15 * 1_210, "paid")


def alone(world: World, invoice: RemoteInvoice, payment_intent: str, amount: int) -> str:
    """A refund that the business makes in Stripe's dashboard."""
    if isinstance(world, MemoryWorld):
        return world.memory.accounts[world.one].refund_alone(invoice.id, amount).stripe_id
    assert isinstance(world, SDKWorld)
    client = provider_of(world, world.one).client  # type: ignore[attr-defined]
    params = {"payment_intent": payment_intent, "amount": amount}
    return str(client.v1.refunds.create(params, {"stripe_account": world.one}).id)


def fail(world: World, refund_id: str) -> None:
    """The bank does not take it."""
    if isinstance(world, MemoryWorld):
        world.memory.accounts[world.one].fail_refund(refund_id)
    else:
        assert isinstance(world, SDKWorld)
        world.fake.fail_refund(world.one, refund_id)
