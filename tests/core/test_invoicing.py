"""Work becomes an invoice."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import (
    BillableTaken,
    Busy,
    Conflict,
    GateStopped,
    InvalidInput,
    NotConnected,
    NotFound,
    PlanChanged,
    ProviderError,
    ProviderFailed,
    RateLimited,
    Refused,
    SecretUnreadable,
    Unreachable,
)
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery, Invoice, RemoteInvoice, Stage
from tests.core.samples import YARD, ZONEN, billable, source
from tests.core.world import CONSULTING, World
from tests.support.seller import SELLER

CALLS = ["create_customer", "create_product", "create_invoice", "add_lines", "finalise", "send"]
ERRORS = [Unreachable("No answer."), ProviderFailed("Broken."), RateLimited("Later.")]


def kinds(world: World, invoice: Invoice) -> list[str]:
    """The timeline, oldest first."""
    return [entry.kind for entry in reversed(world.billing().ledger.invoices.timeline(invoice.id))]


def test_a_sent_invoice_is_checked_finalised_mailed_and_told(connected: World) -> None:
    """Each step once, in order, with sentences for people and signals for the host; the other account hears nothing."""
    invoice = connected.generate()
    assert (invoice.stage, invoice.status, invoice.total) == (Stage.SENT, "open", 508805)
    changing = [call.method for call in connected.shops["hp"].calls if call.key]
    assert changing == ["create_customer", "create_invoice", "create_product", "create_price", "set_default_price",
                        "add_lines", "finalise", "send"]  # fmt: skip
    assert kinds(connected, invoice) == ["made", "lines_added", "checked", "finalised", "sent"]
    assert connected.crm.statuses("hp") == {"11": "open", "12": "open"}
    assert connected.heard.names()[-1] == "invoice_created"
    assert connected.shops["kestrel"].invoices == {}
    with pytest.raises(NotFound):
        connected.billing("kestrel").invoicing.get(invoice.id)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_look_while_it_is_finalised_keeps_no_mail_back(
    connected: World, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """An event about the draft is looked up meanwhile: it sees the draft, or sees it final before we have stored so.
    The mail goes out in the same run, and each sentence stands once."""
    shop, really = connected.shops["hp"], connected.shops["hp"].finalise

    def look(stripe_id: str) -> None:
        billing = connected.billing()
        found = billing.ledger.invoices.by_stripe_id("acct_hp", False, stripe_id)
        assert found is not None
        billing.invoicing.refresh(found.id)

    def meanwhile(stripe_id: str, key: str) -> RemoteInvoice:
        if when == "before":
            look(stripe_id)
        answer = really(stripe_id, key)
        if when == "after":
            look(stripe_id)
        return answer

    monkeypatch.setattr(shop, "finalise", meanwhile)
    invoice = connected.generate()
    assert (invoice.stage, invoice.status, invoice.number) == (Stage.SENT, "open", "MEM-0001")
    assert kinds(connected, invoice) == ["made", "lines_added", "checked", "finalised", "sent"]


def test_an_invoice_to_a_known_customer_costs_three_calls_and_one_for_the_mail(connected: World) -> None:
    """Whatever the number of lines; the gate needs none of its own."""
    connected.generate(refs=("11",))
    before = len(connected.shops["hp"].calls)
    connected.generate(refs=("12",), form_key="press-2")
    assert [call.method for call in connected.shops["hp"].calls[before:]] == [
        "create_invoice", "add_lines", "finalise", "send",
    ]  # fmt: skip


def test_a_payment_link_needs_no_mail(connected: World) -> None:
    """It ends when it is finalised."""
    connected.crm.add("hp", replace(ZONEN, email=None))
    invoice = connected.generate(terms=Terms(delivery=Delivery.LINK))
    assert (invoice.stage, invoice.status) == (Stage.FINALISED, "open")
    assert "send" not in [call.method for call in connected.shops["hp"].calls]


def test_a_draft_waits_and_is_sent_later(connected: World) -> None:
    """By somebody who may."""
    invoice = connected.generate(send=False)
    assert (invoice.stage, invoice.status) == (Stage.CHECKED, "draft")
    sent = connected.billing().invoicing.send(invoice.id)
    assert (sent.stage, sent.status) == (Stage.SENT, "open")
    assert connected.billing().invoicing.send(invoice.id).version == sent.version, "sending again does nothing"


def test_a_draft_changed_at_stripe_meanwhile_is_not_sent(connected: World) -> None:
    """Somebody added a line in the dashboard: the gate compares again before it is finalised."""
    invoice = connected.generate(send=False)
    (at_stripe,) = connected.shops["hp"].invoices.values()
    at_stripe.lines.append(replace(at_stripe.lines[0], unit_amount=5000, quantity=Decimal(1), vat=0))
    with pytest.raises(GateStopped):
        connected.billing().invoicing.send(invoice.id)
    stopped = connected.billing().invoicing.get(invoice.id)
    assert (stopped.status, stopped.stage) == ("draft", Stage.STOPPED)
    at_stripe.lines.pop()
    assert connected.billing().invoicing.send(invoice.id).stage is Stage.SENT


def test_a_total_of_zero_is_paid_at_once_and_not_mailed(connected: World) -> None:
    """As Stripe does it."""
    connected.crm.add("hp", billable("11", unit_price=Decimal(0)))
    invoice = connected.generate(refs=("11",))
    assert (invoice.stage, invoice.status, invoice.total) == (Stage.FINALISED, "paid", 0)


def test_the_same_press_gives_the_same_invoice(connected: World) -> None:
    """Double click, reload of the answer: one invoice, although the work is taken by now."""
    first = connected.generate()
    again = connected.billing().invoicing.generate(
        YARD, ["11", "12"], Terms(), seen="whatever", form_key="press-1", send=True
    )
    assert again.id == first.id
    assert len(connected.shops["hp"].invoices) == 1


@pytest.mark.parametrize(("refs", "key", "error"), [(["11"], "press-1", Conflict), (["11", "12"], "", InvalidInput)])
def test_a_press_that_is_not_the_same_is_refused(
    connected: World, refs: list[str], key: str, error: type[Exception]
) -> None:
    """Other lines under a used key, and no key at all, never land on somebody's earlier invoice."""
    connected.generate()
    with pytest.raises(error):
        connected.billing().invoicing.generate(YARD, refs, Terms(), seen="x", form_key=key, send=True)


def test_going_back_to_the_form_of_a_deleted_draft_says_so(connected: World) -> None:
    """Nothing was billed, and nothing pretends to be."""
    invoice = connected.generate(send=False)
    connected.billing().invoicing.delete_draft(invoice.id)
    with pytest.raises(Conflict, match="was deleted"):
        connected.generate()


def test_an_unreadable_contact_that_is_gone_makes_no_empty_customer(connected: World) -> None:
    """The key is lost with which it was stored how the customer is reached, and the CRM does not know it any more:
    nothing goes to Stripe. Where the CRM knows it, all goes on."""
    connected.shops["hp"].fail_next("create_invoice", Unreachable("No answer."))
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    invoice_id, before = caught.value.invoice_id or "", len(connected.shops["hp"].calls)
    [row] = connected.shared.state.invoices
    bare = replace(row.invoice.plan, contact=replace(ZONEN, email=None, phone=None, address=None))
    row.invoice = replace(row.invoice, plan=bare, contact_readable=False)
    connected.crm.remove("hp", ZONEN)
    with pytest.raises(SecretUnreadable, match="put the customer back into the CRM"):
        connected.billing().invoicing.resume(invoice_id)
    assert len(connected.shops["hp"].calls) == before
    connected.crm.add("hp", ZONEN)
    assert connected.billing().invoicing.resume(invoice_id).status == "open"


def test_a_corrected_address_wins_over_the_reviewed_one(connected: World) -> None:
    """The invoice was interrupted, the contact corrected, and the invoice resumed."""
    connected.shops["hp"].fail_next("create_invoice", Unreachable("No answer."))
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    connected.crm.add("hp", replace(ZONEN, email="new@vdbz.example"))
    connected.billing().invoicing.resume(caught.value.invoice_id or "")
    (customer,) = connected.shops["hp"].customers.values()
    assert customer.draft.email == "new@vdbz.example"


def test_a_draft_of_a_former_account_frees_its_work(connected: World) -> None:
    """It cannot be reached there any more; here the work can be billed again."""
    invoice = connected.generate(send=False)
    connected.billing().disconnection.carry_out("Another bank")
    connected.stripe.add_account("acct_new")
    connected.connect("hp", "acct_new")
    connected.billing().invoicing.delete_draft(invoice.id)
    assert connected.billing().invoicing.source(YARD).rows[0].state == "ready"


def test_work_on_a_live_invoice_is_refused(connected: World) -> None:
    """By preview already; the error leads to the invoice."""
    invoice = connected.generate()
    with pytest.raises(BillableTaken) as caught:
        connected.billing().invoicing.preview(YARD, ["12"], Terms())
    assert caught.value.invoice_id == invoice.id
    rows = connected.billing().invoicing.source(YARD).rows
    assert [(row.state, row.invoice is not None) for row in rows] == [("open", True), ("open", True)]


def test_a_price_that_changed_since_the_preview_stops(connected: World) -> None:
    """Nothing is made; the person looks again."""
    with pytest.raises(PlanChanged):
        connected.billing().invoicing.generate(YARD, ["11"], Terms(), seen="old", form_key="k", send=True)
    assert "create_invoice" not in [call.method for call in connected.shops["hp"].calls]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("method", CALLS)
def test_whatever_fails_repeating_completes_it(
    connected: World, method: str, error: ProviderError, after: bool
) -> None:
    """One customer, one product, one invoice with its lines once, whichever call broke and however."""
    shop = connected.shops["hp"]
    shop.fail_next(method, error, after=after)
    with pytest.raises(type(error)) as caught:
        connected.generate()
    invoice_id = caught.value.invoice_id
    assert invoice_id is not None
    stands = connected.billing().invoicing.get(invoice_id)
    assert stands.problem is not None
    assert stands.problem.message == error.message
    assert "interrupted" in kinds(connected, stands)
    done = connected.billing().invoicing.send(invoice_id)
    assert (done.stage, done.problem) == (Stage.SENT, None)
    assert (len(shop.customers), len(shop.products), len(shop.invoices)) == (1, 1, 1)
    (at_stripe,) = shop.invoices.values()
    assert (len(at_stripe.lines), at_stripe.total) == (2, done.total)


@pytest.mark.parametrize("method", ["create_customer", "create_invoice", "add_lines", "finalise"])
def test_a_day_later_nothing_is_doubled(connected: World, method: str) -> None:
    """Stripe has forgotten the keys: we look before we create."""
    shop = connected.shops["hp"]
    shop.fail_next(method, Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    connected.clock.advance(hours=25)
    done = connected.billing().invoicing.resume(caught.value.invoice_id or "")
    assert done.stage is Stage.SENT
    assert (len(shop.customers), len(shop.invoices)) == (1, 1)
    (at_stripe,) = shop.invoices.values()
    assert (len(at_stripe.lines), at_stripe.mails) == (2, 1)


def test_a_service_that_stripe_cannot_take_is_billed_without_its_product(connected: World) -> None:
    """A bad catalogue price holds no invoice up."""
    connected.crm.add("hp", replace(CONSULTING, prices=(("isk", Decimal("5.5")),)))
    invoice = connected.generate()
    assert invoice.stage is Stage.SENT
    (at_stripe,) = connected.shops["hp"].invoices.values()
    assert [line.product_id for line in at_stripe.lines] == [None, None]


def test_work_of_a_deleted_service_is_billed_by_its_own_words(connected: World) -> None:
    """The line stands; there is no product to link."""
    connected.crm.remove("hp", CONSULTING)
    invoice = connected.generate()
    (at_stripe,) = connected.shops["hp"].invoices.values()
    assert ([line.product_id for line in at_stripe.lines], invoice.stage) == ([None, None], Stage.SENT)


def test_a_difference_stops_before_finalising_and_is_checked_again(connected: World) -> None:
    """The draft is kept, both sides are shown, and sending again compares again."""
    shop = connected.shops["hp"]
    shop.skew = 1
    with pytest.raises(GateStopped) as caught:
        connected.generate()
    stopped = connected.billing().invoicing.get(caught.value.invoice_id or "")
    assert (stopped.stage, stopped.status) == (Stage.STOPPED, "draft")
    assert stopped.problem is not None
    assert [(each.what, each.ours, each.theirs) for each in stopped.problem.differences] == [
        ("Total", "5088.05 EUR", "5088.06 EUR")
    ]
    assert kinds(connected, stopped)[-1] == "stopped"
    assert connected.billing().invoicing.send(stopped.id).stage is Stage.SENT


def test_a_deleted_draft_frees_its_work(connected: World) -> None:
    """At Stripe and here; a new invoice can be made of it."""
    invoice = connected.generate(send=False)
    connected.billing().invoicing.delete_draft(invoice.id)
    assert connected.shops["hp"].invoices == {}
    assert connected.crm.statuses("hp") == {"11": "", "12": ""}
    again = connected.generate(form_key="press-2")
    assert again.id != invoice.id
    for deed in (connected.billing().invoicing.delete_draft, connected.billing().invoicing.send):
        with pytest.raises(Conflict):
            deed(invoice.id)


def test_a_draft_that_stripe_made_unseen_is_deleted_too(connected: World) -> None:
    """Its answer was lost; it is found by our id."""
    shop = connected.shops["hp"]
    shop.fail_next("create_invoice", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    connected.billing().invoicing.delete_draft(caught.value.invoice_id or "")
    assert shop.invoices == {}


@pytest.mark.parametrize("method", ["create_customer", "create_invoice"])
def test_an_invoice_that_never_reached_stripe_is_given_up_here(connected: World, method: str) -> None:
    """Nothing to delete over there, and the work is free again."""
    connected.shops["hp"].fail_next(method, Refused("No."))
    with pytest.raises(Refused) as caught:
        connected.generate()
    connected.billing().invoicing.delete_draft(caught.value.invoice_id or "")
    assert connected.generate(form_key="press-2").stage is Stage.SENT


def test_a_finalised_invoice_is_never_deleted(connected: World) -> None:
    """It keeps its number for ever."""
    invoice = connected.generate()
    with pytest.raises(Conflict, match="Only drafts"):
        connected.billing().invoicing.delete_draft(invoice.id)


def test_refreshing_brings_what_happened_at_stripe(connected: World) -> None:
    """Paid over there, known here, told to the host once."""
    invoice = connected.generate()
    connected.shops["hp"].pay(invoice.stripe_id or "")
    connected.heard.signals.clear()
    paid = connected.billing().invoicing.refresh(invoice.id)
    assert (paid.status, paid.amount_paid, paid.amount_remaining) == ("paid", 508805, 0)
    assert connected.heard.names() == ["invoice_status_changed", "payment_succeeded"]
    assert connected.crm.statuses("hp") == {"11": "paid", "12": "paid"}
    connected.billing().invoicing.refresh(invoice.id)
    assert len(connected.heard.signals) == 2
    with pytest.raises(Conflict, match="finished"):
        connected.billing().invoicing.send(invoice.id)


def test_a_draft_deleted_in_the_dashboard_frees_its_work(connected: World) -> None:
    """Found out by asking."""
    invoice = connected.generate(send=False)
    connected.shops["hp"].delete_draft(invoice.stripe_id or "")
    gone = connected.billing().invoicing.refresh(invoice.id)
    assert gone.stage is Stage.ABANDONED
    assert kinds(connected, gone)[-1] == "deleted"


def test_an_invoice_that_vanished_after_it_was_sent_is_an_error(connected: World) -> None:
    """Stripe never deletes those: nothing is freed on such an answer."""
    invoice = connected.generate()
    del connected.shops["hp"].invoices[invoice.stripe_id or ""]
    with pytest.raises(Refused):
        connected.billing().invoicing.refresh(invoice.id)
    assert connected.billing().invoicing.get(invoice.id).status == "open"


def test_a_draft_finalised_in_the_dashboard_is_sent_without_finalising_again(connected: World) -> None:
    """Our own steps go on from what is true."""
    invoice = connected.generate(send=False)
    connected.shops["hp"].finalise(invoice.stripe_id or "", "dashboard")
    connected.billing().invoicing.refresh(invoice.id)
    sent = connected.billing().invoicing.send(invoice.id)
    assert sent.stage is Stage.SENT


def test_links_are_asked_for_when_they_are_wanted(connected: World) -> None:
    """Drafts have none; nothing of them is stored."""
    draft = connected.generate(refs=("11",), send=False)
    for ask in (connected.billing().invoicing.payment_page, connected.billing().invoicing.pdf):
        with pytest.raises(Conflict):
            ask(draft.id)
    sent = connected.generate(refs=("12",), form_key="press-2")
    page = connected.billing().invoicing.payment_page(sent.id)
    assert page.startswith("https://")
    assert connected.billing().invoicing.pdf(sent.id).startswith("https://")
    assert page not in repr(connected.billing().invoicing.get(sent.id))


def test_two_workers_never_work_on_one_invoice(connected: World) -> None:
    """The second is told, and nothing is done twice."""
    invoice = connected.generate(send=False)
    connected.billing().ledger.lease(f"invoice:{invoice.id}", "somebody", connected.clock.now(), 60)
    with pytest.raises(Busy):
        connected.billing().invoicing.send(invoice.id)


def test_an_invoice_of_an_account_that_is_gone_stays_as_it_is(connected: World) -> None:
    """Another account is connected now; its history is not the old one's."""
    invoice = connected.generate(send=False)
    connected.billing().disconnection.carry_out("Another bank")
    with pytest.raises(NotConnected):
        connected.billing().invoicing.send(invoice.id)
    connected.stripe.add_account("acct_new")
    connected.connect("hp", "acct_new")
    with pytest.raises(Conflict, match="no longer connected"):
        connected.billing().invoicing.send(invoice.id)


def test_nothing_is_sent_while_the_account_cannot_take_money(connected: World) -> None:
    """Drafts can be made."""
    account = connected.billing().connection.require_live().account
    connected.shops["hp"].change_account(replace(account, charges_enabled=False))
    connected.billing().connection.refresh()
    with pytest.raises(Conflict, match="Save it as a draft"):
        connected.generate()
    assert connected.generate(send=False).status == "draft"


def test_a_source_without_a_contact_says_so(connected: World) -> None:
    """It can be looked at, and not billed."""
    connected.crm.add("hp", source(contact=None))
    assert connected.billing().invoicing.source(YARD).contact is None
    with pytest.raises(InvalidInput, match="no contact to bill"):
        connected.billing().invoicing.preview(YARD, ["11"], Terms())


def test_what_does_not_exist_is_not_found(connected: World) -> None:
    """Sources and invoices; another business's look the same."""
    invoicing = connected.billing().invoicing
    with pytest.raises(NotFound, match="opportunity"):
        invoicing.source(SourceRef("opportunity", "99"))
    with pytest.raises(NotFound):
        invoicing.get("0" * 32)


def test_an_invoice_that_is_not_at_stripe_has_no_remote(connected: World) -> None:
    """Its pages and its refresh are quiet about it."""
    connected.shops["hp"].fail_next("create_invoice", Refused("No."))
    with pytest.raises(Refused) as caught:
        connected.generate()
    invoice_id = caught.value.invoice_id or ""
    assert connected.billing().invoicing.refresh(invoice_id).stripe_id is None
    with pytest.raises(Conflict, match="not at Stripe yet"):
        connected.billing().invoicing.pdf(invoice_id)


def test_nothing_is_sent_that_does_not_say_who_sells(connected: World) -> None:
    """A draft can be made; sending waits for the address, and says that the draft has to be made again."""
    settings = connected.billing().ledger.settings
    invoicing, terms = connected.billing().invoicing, Terms()
    settings.save({"seller_address": ""}, "1", connected.clock.now())
    seen = digest(invoicing.preview(YARD, ["11"], terms))
    with pytest.raises(InvalidInput, match="address is missing"):
        invoicing.generate(YARD, ["11"], terms, seen=seen, form_key="1", send=True)
    draft = invoicing.generate(YARD, ["11"], terms, seen=seen, form_key="2", send=False)
    settings.save(SELLER, "1", connected.clock.now())
    with pytest.raises(Conflict, match="make it again"):
        invoicing.send(draft.id)
