"""A part of some work is billed in advance, and taken off the invoice of the work itself, rate by rate, once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.deposits import claim_of
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import BillableTaken, Conflict, InvalidInput, NotFound
from flask_crm_stripe.model.crm import Contact, ContactRef, SourceRef
from flask_crm_stripe.model.invoices import Invoice, InvoicePlan, VatRounding
from flask_crm_stripe.ports.crm import CRM
from tests.core.samples import YARD, ZONEN, billable, source
from tests.core.world import World

DOCK = SourceRef("ticket", "9")


def part(percent: object, **given: object) -> Terms:
    """Terms of a deposit."""
    return Terms(deposit_percent=Decimal(str(percent)), **given)  # type: ignore[arg-type]


@pytest.fixture
def mixed(connected: World) -> World:
    """The customer's work has two rates of VAT, one price with VAT inside, and a line that is not done."""
    connected.crm.add(
        "hp",
        billable("11", quantity=Decimal(10), unit_price=Decimal(100)),
        billable("12", quantity=Decimal(3), unit_price=Decimal("33.33"), vat_rate=Decimal(9)),
        billable("13", quantity=Decimal(1), unit_price=Decimal("121.00"), vat_included=True),
        billable("14", quantity=Decimal(2), unit_price=Decimal(50), ready=False),
    )
    return connected


ALL = ("11", "12", "13")


def lines(plan: InvoicePlan) -> list[tuple[int, int, int, bool]]:
    """(net, VAT, rate, included) of each line."""
    return [(line.net, line.vat, int(line.vat_rate), line.vat_included) for line in plan.lines]


def test_a_deposit_has_a_line_for_each_rate(mixed: World) -> None:
    """30 % of 1,000.00 at 21 %, of 121.00 with 21 % inside, and of 99.99 at 9 %: VAT is due on each at once."""
    made = mixed.generate(refs=ALL, terms=part(30))
    assert lines(made.plan) == [(30000, 6300, 21, False), (3630, 630, 21, True), (3000, 270, 9, False)]
    assert made.total == 30000 + 6300 + 3630 + 3000 + 270
    assert (made.status, made.plan.billables, made.plan.chosen) == ("open", (), frozenset(ALL))
    assert {line.description for line in made.plan.lines} == {"Aanbetaling van 30 %: OP-3"}
    assert mixed.crm.statuses("hp") == {}


def test_the_work_itself_is_billed_later_less_the_deposit(mixed: World) -> None:
    """What was charged in advance is taken off with exactly its VAT, and says number and day; then all is billed."""
    deposit = mixed.generate(refs=ALL, terms=part(30))
    final = mixed.generate(refs=ALL, form_key="press-2")
    day = deposit.finalised_at.date() if deposit.finalised_at else None
    said = {line.description for line in final.plan.lines if line.deducts}
    assert said == {f"Af: aanbetalingsfactuur {deposit.number} van {day}"}
    whole = (100000 + 21000) + 12100 + (9999 + 900)
    assert final.total == whole - deposit.total
    assert [(each.base, each.vat) for each in final.plan.vat_totals] == [(70000, 14700), (7000, 1470), (6999, 630)]
    assert final.status == "open"
    assert mixed.crm.statuses("hp") == dict.fromkeys(ALL, "open")


def test_a_deposit_is_taken_off_once(mixed: World) -> None:
    """By the first invoice of the work; voided, it gives it back; a second one has nothing to take off."""
    deposit = mixed.generate(refs=("11",), terms=part(10))
    first = mixed.generate(refs=("11",), form_key="press-2")
    second = mixed.generate(refs=("12",), form_key="press-3")
    assert [bool(each.deducts) for each in first.plan.lines] == [False, True]
    assert [bool(each.deducts) for each in second.plan.lines] == [False]
    billing = mixed.billing()
    [known] = billing.invoicing.deposits([YARD])
    assert (known.invoice.id, known.taken_by, known.waits) == (deposit.id, first.id, False)
    billing.afterwards.do("void", first.id, "The wrong lines")
    [known] = billing.invoicing.deposits([YARD])
    assert (known.taken_by, known.waits) == (None, True)


def credited(world: World, deposit: Invoice, lines: dict[str, int] | None = None) -> None:
    """Some of it, or all, is taken back."""
    billing = world.billing()
    seen = billing.credits.outlook("refund", deposit.id, Choice(lines or {}), "Too much").seen
    billing.credits.do("refund", deposit.id, Choice(lines or {}), "Too much", seen=seen, form_key=f"credit-{lines}")


def test_what_was_credited_of_a_deposit_is_not_taken_off(mixed: World) -> None:
    """Only what is left of each rate, and its VAT; of one that was credited whole nothing."""
    deposit = mixed.generate(refs=ALL, terms=part(50))
    whole = mixed.billing().invoicing.preview(YARD, ALL, Terms(deduct=False)).total
    credited(mixed, deposit, {"deposit-0": 20000, "deposit-2": 5000})
    plan = mixed.billing().invoicing.preview(YARD, ALL, Terms())
    assert [(line.net, line.vat) for line in plan.lines if line.deducts] == [(-30000, -6300), (-6050, -1050)]
    assert plan.total == whole - 36300 - 6050
    credited(mixed, deposit)
    assert mixed.billing().invoicing.preview(YARD, ALL, Terms()).total == whole
    [known] = mixed.billing().invoicing.deposits([YARD])
    assert not known.waits


def test_a_deposit_that_is_taken_off_is_not_credited(mixed: World) -> None:
    """The invoice that takes it off has to be credited first."""
    deposit = mixed.generate(refs=("11",), terms=part(20))
    mixed.generate(refs=("11",), form_key="press-2")
    for kind in ("refund", "correct"):
        assert "takes this deposit off" in mixed.billing().credits.outlook(kind, deposit.id).why_not


def test_a_deposit_and_its_invoice_are_corrected_as_what_they_were(mixed: World) -> None:
    """A new draft of the same part of the same work; and one that takes the same deposit off."""
    deposit = mixed.generate(refs=("11",), terms=part(20))
    billing = mixed.billing()
    seen = billing.credits.outlook("correct", deposit.id, None, "Wrong name").seen
    made = billing.credits.do("correct", deposit.id, Choice(), "Wrong name", seen=seen, form_key="correct-1")
    draft = billing.invoicing.get(made.replacement or "")
    assert (draft.total, draft.plan.deposit_percent, draft.status) == (deposit.total, Decimal(20), "draft")
    billing.invoicing.send(draft.id)
    final = mixed.generate(refs=("11",), form_key="press-2")
    seen = billing.credits.outlook("correct", final.id, None, "Wrong name").seen
    made = billing.credits.do("correct", final.id, Choice(), "Wrong name", seen=seen, form_key="correct-2")
    again = billing.invoicing.get(made.replacement or "")
    assert (again.total, again.plan.lines) == (final.total, final.plan.lines)


def test_two_cannot_take_it_off_at_the_same_time(mixed: World) -> None:
    """The database lets one live invoice have it, as with work."""
    mixed.crm.add("hp", billable("17", quantity=Decimal(9)))
    mixed.generate(refs=("11",), terms=part(10))
    invoicing = mixed.billing().invoicing
    first, second = (invoicing.preview(YARD, [ref], Terms()) for ref in ("11", "17"))
    store = mixed.billing().ledger.invoices
    made = {"send": False, "actor": "1", "now": mixed.clock.now()}
    store.plan("acct_hp", False, first, form_key="a", **made)  # type: ignore[arg-type]
    with pytest.raises(BillableTaken):
        store.plan("acct_hp", False, second, form_key="b", **made)  # type: ignore[arg-type]


def test_work_that_is_not_done_can_be_billed_in_advance_only(mixed: World) -> None:
    """And the refusal names the field that helps."""
    assert mixed.generate(refs=("11", "14"), terms=part(50)).plan.subtotal == 55000
    with pytest.raises(InvalidInput, match="not marked as done") as caught:
        mixed.generate(refs=("11", "14"), form_key="press-2")
    assert caught.value.field == "deposit_percent"


def test_a_row_says_whether_it_can_be_billed_in_advance(mixed: World) -> None:
    """Not where something else is wrong with it."""
    mixed.crm.add("hp", billable("15", ready=False, currency="?"), billable("16", ready=False, not_ready="No price."))
    rows = {row.billable.ref: row.advance for row in mixed.billing().invoicing.source(YARD).rows}
    assert rows == {"11": False, "12": False, "13": False, "14": True, "15": False, "16": False}


def test_a_deposit_that_is_not_sent_stops_the_invoice_of_the_work(mixed: World) -> None:
    """Unless deposits are left for later: a draft has no number to take off."""
    mixed.generate(refs=("11",), terms=part(20), send=False)
    with pytest.raises(InvalidInput, match="deposit of 20 % is not sent yet") as caught:
        mixed.generate(refs=("11",), form_key="press-2")
    assert caught.value.field == "deduct"
    final = mixed.generate(refs=("11",), terms=Terms(deduct=False), form_key="press-3")
    assert final.total == 121000


def test_a_deposit_that_is_taken_off_is_not_voided(mixed: World) -> None:
    """The invoice that takes it off would be short; without that one it can be."""
    deposit = mixed.generate(refs=("11",), terms=part(20))
    draft = mixed.generate(refs=("11",), form_key="press-2", send=False)
    billing = mixed.billing()
    assert "takes this deposit off" in billing.afterwards.outlook("void", deposit.id).why_not
    with pytest.raises(Conflict, match="takes this deposit off"):
        billing.afterwards.do("void", deposit.id, "A mistake")
    assert billing.afterwards.outlook("void", draft.id).why_not
    billing.invoicing.delete_draft(draft.id)
    assert billing.afterwards.do("void", deposit.id, "A mistake").status == "void"
    assert billing.invoicing.deposits([YARD]) == ()


def test_a_draft_whose_deposit_was_voided_elsewhere_is_not_sent(mixed: World) -> None:
    """Somebody voids it in Stripe's dashboard: what it took off is owed by nobody."""
    deposit = mixed.generate(refs=("11",), terms=part(20))
    draft = mixed.generate(refs=("11",), form_key="press-2", send=False)
    mixed.shops["hp"].void_invoice(deposit.stripe_id or "", "elsewhere")
    mixed.billing().invoicing.refresh(deposit.id)
    with pytest.raises(Conflict, match="was voided"):
        mixed.billing().invoicing.send(draft.id)
    assert mixed.billing().invoicing.get(draft.id).status == "draft"


def test_a_second_press_gives_the_same_deposit(mixed: World) -> None:
    """It has no lines of work, and still knows of which work it is a part."""
    first = mixed.generate(refs=("11", "12"), terms=part(20))
    invoicing = mixed.billing().invoicing
    again = invoicing.generate(YARD, ["12", "11"], part(20), seen="", form_key="press-1", send=True)
    assert again.id == first.id
    with pytest.raises(Conflict, match="other lines"):
        invoicing.generate(YARD, ["12"], part(20), seen="", form_key="press-1", send=True)


@pytest.mark.parametrize("percent", ["-1", "100.1", "NaN"])
def test_a_part_is_between_nothing_and_all(mixed: World, percent: str) -> None:
    """Named by its field."""
    with pytest.raises(InvalidInput) as caught:
        mixed.billing().invoicing.preview(YARD, ["11"], part(percent))
    assert caught.value.field == "deposit_percent"


def test_a_part_that_comes_to_nothing_is_refused(mixed: World) -> None:
    """An invoice of no lines is no deposit."""
    with pytest.raises(InvalidInput, match="comes to nothing"):
        mixed.billing().invoicing.preview(YARD, ["12"], part("0.0001"))


def test_more_deposits_than_work_is_refused(mixed: World) -> None:
    """An invoice is never below zero: more of the work is chosen, or the deposit is left for later."""
    mixed.generate(refs=("11", "12"), terms=part(100))
    with pytest.raises(InvalidInput, match="more than these lines"):
        mixed.billing().invoicing.preview(YARD, ["12"], Terms())


def test_deposits_of_other_currencies_and_businesses_are_left(mixed: World) -> None:
    """And those of other work."""
    mixed.generate(refs=("11",), terms=part(20))
    mixed.crm.add("hp", billable("21", currency="usd", service=None))
    assert all(not line.deducts for line in mixed.billing().invoicing.preview(YARD, ["21"], Terms()).lines)
    other = mixed.billing("kestrel").invoicing
    assert other.deposits([YARD]) == ()
    assert all(not line.deducts for line in other.preview(YARD, ["11"], Terms()).lines)


def test_without_a_connection_no_deposit_is_known(mixed: World) -> None:
    """They belong to an account."""
    mixed.generate(refs=("11",), terms=part(20))
    mixed.billing().disconnection.carry_out("Moving elsewhere")
    assert mixed.billing().invoicing.deposits([YARD]) == ()


def test_a_discount_is_in_the_deposit_already(mixed: World) -> None:
    """30 % of what is left after 10 % off; the invoice of the work gives the discount once."""
    deposit = mixed.generate(refs=("11",), terms=part(30, discount_percent=Decimal(10)))
    assert (deposit.plan.subtotal, deposit.plan.discount) == (27000, 0)
    final = mixed.generate(refs=("11",), terms=Terms(discount_percent=Decimal(10)), form_key="press-2")
    assert final.total + deposit.total == 90000 + 18900


def test_work_of_several_sources_is_one_invoice(mixed: World) -> None:
    """Of the same customer; each source's deposits are taken off."""
    mixed.crm.add("hp", source(ref=DOCK, title="Dock", number="T-9"), billable("31", source=DOCK))
    made = mixed.generate(refs=("11", "31"))
    assert made.plan.sources == (YARD, DOCK)
    assert mixed.crm.statuses("hp") == {"11": "open", "31": "open"}


def test_other_work_of_the_customer_is_offered(mixed: World) -> None:
    """Where something of it is ready; not another customer's, not this source's own, not where there is no customer,
    and not by a CRM that lists none."""
    other = Contact(ContactRef("organization", "8"), "Somebody else")
    pier, quay = SourceRef("ticket", "10"), SourceRef("ticket", "11")
    mixed.crm.add("hp", other, source(ref=DOCK, title="Dock"), source(ref=pier, title="Pier", contact=other.ref))
    mixed.crm.add("hp", source(ref=quay, title="Quay"), billable("33", source=quay, ready=False))
    mixed.crm.add("hp", billable("31", source=DOCK), billable("32", source=pier))
    invoicing = mixed.billing().invoicing
    assert [each.source.ref for each in invoicing.others(invoicing.source(YARD))] == [DOCK]
    assert [each.source.ref for each in invoicing.others(invoicing.source(DOCK))] == [YARD]
    assert mixed.billing("kestrel").invoicing.others(mixed.billing("kestrel").invoicing.source(YARD)) == []
    mixed.crm.add("hp", source(contact=None))
    assert invoicing.others(invoicing.source(YARD)) == []
    mixed.crm.add("hp", source())
    silent = replace(invoicing.drafting, crm=OnlyReads(mixed.crm.for_business("hp")))
    assert silent.others(invoicing.source(YARD)) == []


class OnlyReads:
    """A CRM with what every CRM has, and no more."""

    def __init__(self, rows: CRM) -> None:
        self.service, self.contact, self.source = rows.service, rows.contact, rows.source
        self.services, self.billables, self.billables_by_ref = rows.services, rows.billables, rows.billables_by_ref
        self.set_billing_status = rows.set_billing_status


def test_another_customers_work_is_not(mixed: World) -> None:
    """An invoice has one customer; a source without one has none to share."""
    other = Contact(ContactRef("organization", "8"), "Somebody else")
    mixed.crm.add("hp", other, source(ref=DOCK, title="Dock", contact=other.ref), billable("31", source=DOCK))
    with pytest.raises(InvalidInput, match=r"Dock.*another customer"):
        mixed.generate(refs=("11", "31"))
    mixed.crm.add("hp", source(ref=DOCK, title="Dock", contact=None))
    with pytest.raises(InvalidInput, match="another customer"):
        mixed.generate(refs=("11", "31"))
    with pytest.raises(NotFound):
        mixed.generate(refs=("11", "99"))


def test_an_unknown_language_reads_english(mixed: World) -> None:
    """On the deposit and on what takes it off."""
    mixed.crm.add("hp", replace(ZONEN, language="xx"))
    deposit = mixed.generate(refs=("11",), terms=part("12.5"))
    final = mixed.generate(refs=("11",), form_key="press-2")
    assert deposit.plan.lines[0].description == "Deposit of 12.5 %: OP-3"
    assert final.plan.lines[1].description.startswith(f"Less deposit invoice {deposit.number} of 20")


def test_many_invoices_of_the_work_hide_no_deposit(mixed: World) -> None:
    """More than a page of them."""
    refs = [str(number) for number in range(200, 301)]
    mixed.crm.add("hp", *(billable(ref) for ref in refs))
    deposit = mixed.generate(refs=("11",), terms=part(20))
    store = mixed.billing().ledger.invoices
    for ref in refs:
        plan = mixed.billing().invoicing.preview(YARD, [ref], Terms(deduct=False))
        store.plan("acct_hp", False, plan, form_key=ref, send=False, actor="1", now=mixed.clock.now())
    assert [each.invoice.id for each in mixed.billing().invoicing.deposits([YARD])] == [deposit.id]


def test_the_wizard_to_live_tells_the_crm_of_work_only(mixed: World) -> None:
    """What takes a deposit off is no work of the CRM's."""
    deposit = mixed.generate(refs=("11",), terms=part(20))
    mixed.generate(refs=("11",), form_key="press-2")
    assert claim_of(deposit) in mixed.billing().ledger.invoices.claimed(False)
    assert mixed.billing().change._tested(False) == ["11"]


rates = st.sampled_from([Decimal(rate) for rate in (0, 5, 9, 21, 25)])
amounts = st.lists(st.tuples(st.decimals(10, 100000, places=2), rates, st.booleans()), min_size=1, max_size=6)
parts = st.decimals(1, 40, places=2)


@given(amounts, parts, parts, st.sampled_from(list(VatRounding)))
def test_deposits_and_the_rest_are_the_whole(
    rows: list[tuple[Decimal, Decimal, bool]], first: Decimal, second: Decimal, rounding: VatRounding
) -> None:
    """Whatever the rates and parts: what was billed in advance and what is left add up to the invoice without
    deposits, in total and in the VAT of each rate."""
    world = World()
    world.connect()
    world.shared.for_business("hp").settings.save({"vat_rounding": rounding.value}, "1", world.clock.now())
    works = [
        billable(f"w{place}", quantity=Decimal(1), unit_price=price, vat_rate=rate, vat_included=inside)
        for place, (price, rate, inside) in enumerate(rows)
    ]
    world.crm.add("hp", *works)
    refs = tuple(work.ref for work in works)
    whole = world.billing().invoicing.preview(YARD, refs, Terms())
    made = [
        world.generate(refs=refs, terms=part(percent), form_key=f"part-{place}")
        for place, percent in enumerate((first, second))
    ]
    rest = world.billing().invoicing.preview(YARD, refs, Terms())
    assert rest.total + sum(each.total for each in made) == whole.total

    def vat(plans: list[InvoicePlan]) -> dict[object, tuple[int, int]]:
        sums: dict[object, tuple[int, int]] = {}
        for total in (total for plan in plans for total in plan.vat_totals):
            key = (total.rate, total.kind, total.included)
            base, amount = sums.get(key, (0, 0))
            sums[key] = (base + total.base, amount + total.vat)
        return sums

    assert vat([rest, *(each.plan for each in made)]) == vat([whole])
