"""Life after sending: mailed again, voided, written off, recorded as paid elsewhere; each once, whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from flask_crm_stripe.core.deeds import DEEDS, no_mail
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import (
    Busy,
    Conflict,
    CopyLocked,
    InvalidInput,
    NotConnected,
    NotFound,
    NotPermitted,
    ProviderError,
    ProviderFailed,
    RateLimited,
    Refused,
    Unreachable,
)
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor, Business
from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Delivery, Invoice, Stage
from flask_crm_stripe.model.log import LogFilter
from flask_crm_stripe.model.payments import BY_HAND, RECORDED
from flask_crm_stripe.testing.memory_calls import Value
from flask_crm_stripe.testing.memory_provider import MemoryProvider
from tests.core.records import an_invoice
from tests.core.samples import ZONEN
from tests.core.world import ELSEWHERE, World

MARA = Actor("2", "Mara", ALL_PERMISSIONS, session="login-2")
WHY = "The order was a mistake"
CALLS = {"void": "void_invoice", "uncollectible": "write_off_invoice", "paid_elsewhere": "settle_invoice"}
STATUS = {"void": "void", "uncollectible": "uncollectible", "paid_elsewhere": "paid"}
TOLD = {"void": "voided", "uncollectible": "uncollectible", "paid_elsewhere": "paid"}

each_deed = pytest.mark.parametrize("kind", list(DEEDS))


@pytest.fixture
def sent(connected: World) -> Invoice:
    """An open invoice of the first business, sent some time ago."""
    made = connected.generate()
    connected.clock.advance(minutes=10)
    return made


def do(world: World, kind: str, invoice: Invoice, actor: Actor = MARA, reason: str = WHY) -> Invoice:
    """By a person of the first business."""
    return world.billing(actor=actor).afterwards.do(kind, invoice.id, reason)


def shop(world: World) -> MemoryProvider:
    """The first business's account."""
    return world.shops["hp"]


def made(world: World, method: str) -> int:
    """How often Stripe was asked."""
    return sum(call.method == method for call in shop(world).calls)


def told(world: World, invoice: Invoice, kind: str) -> list[TimelineEntry]:
    """The sentences of a kind."""
    return [entry for entry in world.billing().ledger.invoices.timeline(invoice.id) if entry.kind == kind]


def deliver(world: World, invoice: Invoice, kind: str = "invoice.updated", number: int = 1) -> None:
    """Stripe tells of a change, and it is applied."""
    world.inbox.receive(world.event(invoice, kind, number))
    world.clock.advance(minutes=1)
    world.upkeep.round()


def well_told(world: World, invoice: Invoice, kind: str, actor: str = "2") -> None:
    """One sentence, with who did it, why, and Stripe's request; the status is what it should be."""
    assert world.billing().invoicing.get(invoice.id).status == STATUS[kind]
    [entry] = told(world, invoice, TOLD[kind])
    assert (entry.actor, entry.params["words"]) == (actor, WHY)
    assert str(entry.request_id).startswith("req_")


@each_deed
def test_each_deed_is_one_call_one_sentence_and_one_line_of_the_log(connected: World, sent: Invoice, kind: str) -> None:
    """With the actor and the reason; the host hears of it, and a second press changes nothing."""
    after = do(connected, kind, sent)
    well_told(connected, sent, kind)
    assert after.told_version < after.version == connected.billing().invoicing.get(sent.id).told_version
    assert "invoice_status_changed" in connected.heard.names()
    do(connected, kind, sent)
    assert made(connected, CALLS[kind]) == 1
    well_told(connected, sent, kind)
    lines = connected.billing().ledger.log.page(LogFilter(action=f"invoice.{kind}")).rows
    assert [(line.actor, line.outcome, line.reason) for line in lines] == [("2", "done", WHY)]
    [line] = lines
    assert line.request_id


def test_voiding_frees_the_work_and_writing_off_does_not(connected: World, sent: Invoice) -> None:
    """What was written off is still owed: it is not billed again, unless it is voided after all."""
    do(connected, "uncollectible", sent)
    assert connected.billing().ledger.invoices.of_billables(["11"], False) != {}
    do(connected, "void", sent)
    assert connected.billing().ledger.invoices.of_billables(["11"], False) == {}
    assert connected.generate(form_key="again").status == "open"


@pytest.mark.parametrize("lists_settled", [False, True])
@pytest.mark.parametrize("written_off", [False, True])
def test_a_payment_made_elsewhere_is_shown_with_the_words_of_who_recorded_it(
    connected: World, sent: Invoice, written_off: bool, lists_settled: bool
) -> None:
    """Whether or not Stripe lists a payment of its own, and whatever it tells later; the host hears of the payment."""
    shop(connected).lists_settled = lists_settled
    if written_off:
        do(connected, "uncollectible", sent)
    do(connected, "paid_elsewhere", sent)
    deliver(connected, sent, "invoice.paid")
    connected.billing().invoicing.refresh(sent.id)
    [payment] = connected.billing().ledger.invoices.payments(sent.id)
    assert (payment.method, payment.reason, payment.amount) == (BY_HAND, WHY, sent.total)
    well_told(connected, sent, "paid_elsewhere")
    assert told(connected, sent, "paid")[0].params["amount"] == "5088.05 EUR"
    assert connected.heard.names().count("payment_succeeded") == 1


@pytest.mark.parametrize("lists_settled", [False, True])
@each_deed
def test_an_event_that_is_faster_gives_way_to_who_did_it(
    connected: World, sent: Invoice, kind: str, lists_settled: bool
) -> None:
    """The answer was lost, and an event told how it stands: the same button puts the name and the reason to it."""
    shop(connected).lists_settled = lists_settled
    shop(connected).fail_next(CALLS[kind], Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        do(connected, kind, sent)
    deliver(connected, sent)
    assert [entry.actor for entry in told(connected, sent, TOLD[kind])] == [None]
    do(connected, kind, sent)
    well_told(connected, sent, kind)
    assert told(connected, sent, TOLD[kind])[0].event_id == "evt_1"
    assert made(connected, CALLS[kind]) == 1
    assert len(connected.billing().ledger.invoices.payments(sent.id)) == (kind == "paid_elsewhere")
    deliver(connected, sent, number=2)
    well_told(connected, sent, kind)


class Meanwhile(MemoryProvider):
    """While Stripe does it, another process looks, and stores what it saw: what was before, or what is now."""

    look: Callable[[], object]
    sees: str
    after: bool

    def _do(self, method: str, key: str | None, request: tuple[object, ...], work: Callable[[str], Value]) -> Value:
        if method == self.sees and not self.after:
            self.look()
        result = super()._do(method, key, request, work)
        if method == self.sees and self.after:
            self.look()
        return result


def meanwhile(world: World, invoice: Invoice, method: str, after: bool) -> None:
    """In the place of the first business's account, with all that it has."""
    steps, own = world.billing().invoicing.steps, shop(world)
    other = Meanwhile(own.account(), world.clock)
    vars(other).update(vars(own), look=lambda: steps.refresh(invoice), sees=method, after=after)
    world.shops["hp"] = world.stripe.accounts["acct_hp"] = other


@pytest.mark.parametrize("after", [False, True])
@each_deed
def test_a_look_of_another_process_meanwhile_changes_nothing(
    connected: World, sent: Invoice, kind: str, after: bool
) -> None:
    """It began later than our call: whatever it saw, one sentence is told, and the picture is right."""
    meanwhile(connected, sent, CALLS[kind], after)
    do(connected, kind, sent)
    well_told(connected, sent, kind)
    assert len(connected.billing().ledger.invoices.payments(sent.id)) == (kind == "paid_elsewhere")


FAULTS: list[tuple[ProviderError, bool]] = [
    (Unreachable("No answer."), False),
    (Unreachable("No answer."), True),
    (RateLimited("Busy."), False),
    (ProviderFailed("Broken."), False),
    (ProviderFailed("Broken."), True),
]


@pytest.mark.parametrize(("error", "done"), FAULTS)
@each_deed
def test_whatever_stripe_answers_the_same_button_completes_it_once(
    connected: World, sent: Invoice, kind: str, error: ProviderError, done: bool
) -> None:
    """Before or after it was done: nothing is lost, nothing is done twice."""
    shop(connected).fail_next(CALLS[kind], error, after=done)
    with pytest.raises(type(error)):
        do(connected, kind, sent)
    assert connected.billing().invoicing.get(sent.id).status == "open"
    do(connected, kind, sent)
    well_told(connected, sent, kind)
    assert made(connected, CALLS[kind]) == (1 if done else 2)
    outcomes = [line.outcome for line in connected.billing().ledger.log.page(LogFilter(action=f"invoice.{kind}")).rows]
    assert outcomes == ["done", "failed"]


@each_deed
def test_a_process_that_died_after_stripes_answer_loses_nothing(connected: World, sent: Invoice, kind: str) -> None:
    """The journal says that it was done, and nothing else does."""
    shop(connected).fail_next(CALLS[kind], Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        do(connected, kind, sent)
    journal = connected.billing().ledger.journal
    [step] = [step for step in journal.steps(f"invoice:{sent.id}") if step.name == kind]
    journal.finish(step.id, type(step.outcome).DONE, connected.clock.now())
    do(connected, kind, sent)
    well_told(connected, sent, kind)


@pytest.mark.parametrize("answers", [True, False])
@each_deed
def test_what_stripe_refuses_is_said_in_words(connected: World, sent: Invoice, kind: str, answers: bool) -> None:
    """It was paid a moment before: the picture is right afterwards, where Stripe answers, and nothing was done."""
    shop(connected).pay(sent.stripe_id or "")
    if not answers:
        shop(connected).fail_next("invoice", Unreachable("No answer."))
    with pytest.raises(Conflict if answers else Refused, match="It is paid" if answers else "can't be"):
        do(connected, kind, sent)
    after = connected.billing().invoicing.get(sent.id)
    assert after.status == ("paid" if answers else "open")
    assert [entry.actor for entry in told(connected, sent, "paid")] == ([None] if answers else [])


def test_a_refusal_that_its_state_does_not_explain_stays_stripes_own(connected: World, sent: Invoice) -> None:
    """In Stripe's reason, as we put it."""
    shop(connected).fail_next("void_invoice", Refused("Something about this account."))
    with pytest.raises(Refused, match="about this account"):
        do(connected, "void", sent)


def test_a_customer_who_paid_while_the_answer_was_lost_is_not_said_to_have_paid_elsewhere(
    connected: World, sent: Invoice
) -> None:
    """Every cent came in through Stripe: nobody here settled it."""
    shop(connected).fail_next("settle_invoice", Unreachable("No answer."))
    with pytest.raises(Unreachable):
        do(connected, "paid_elsewhere", sent)
    shop(connected).pay(sent.stripe_id or "")
    for _ in range(2):
        with pytest.raises(Conflict, match="It is paid"):
            do(connected, "paid_elsewhere", sent)
    assert [entry.actor for entry in told(connected, sent, "paid")] == [None]
    [payment] = connected.billing().ledger.invoices.payments(sent.id)
    assert payment.method == "Card ending 4242"


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("void", {"status": "open", "amount_paid": 1}, "Credit it instead"),
        ("void", {"status": "draft"}, "Delete the draft"),
        ("void", {"status": "paid"}, "the money goes back"),
        ("void", {"status": "void"}, "It is void already"),
        ("void", {"status": None, "stage": Stage.ABANDONED}, "never made"),
        ("void", {"status": "frozen"}, "“frozen”"),
        ("uncollectible", {"status": "uncollectible"}, "written off already"),
        ("uncollectible", {"status": "paid"}, "the money goes back"),
        ("paid_elsewhere", {"status": "void"}, "It is void already"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(kind: str, given: dict[str, object], words: str) -> None:
    """In a sentence of its own for each state."""
    assert words in DEEDS[kind].why_not(an_invoice(**given))


@each_deed
def test_what_can_be_done_has_nothing_against_it(kind: str) -> None:
    """An open invoice without money on it."""
    assert DEEDS[kind].why_not(an_invoice(status="open", amount_paid=0)) == ""


@each_deed
def test_nothing_is_done_where_it_is_not_allowed(connected: World, sent: Invoice, kind: str) -> None:
    """A draft, a reason that says nothing, another business's invoice, a person without the right."""
    drafted = connected.generate("kestrel", send=False)
    kestrel, clerk = connected.billing("kestrel", MARA).afterwards, Actor("9", "Cas", ["view", "draft", "send"])
    with pytest.raises(Conflict, match="Delete the draft"):
        kestrel.do(kind, drafted.id, WHY)
    with pytest.raises(InvalidInput):
        do(connected, kind, sent, reason=" ")
    deeds: tuple[Callable[[str], object], ...] = (
        lambda id: kestrel.do(kind, id, WHY),
        lambda id: kestrel.ask(kind, id, WHY),
        lambda id: kestrel.outlook(kind, id),
        lambda id: kestrel.resend(id),
    )
    for deed in deeds:
        with pytest.raises(NotFound):
            deed(sent.id)
    theirs = connected.billing(actor=clerk).afterwards
    for refused in (lambda: theirs.do(kind, sent.id, WHY), lambda: theirs.ask(kind, sent.id, WHY)):
        with pytest.raises(NotPermitted):
            refused()
    with pytest.raises(NotPermitted):
        theirs.outlook(kind, sent.id)
    viewer = connected.billing(actor=Actor("9", "Cas", ["view", "write_off"])).afterwards
    with pytest.raises(NotPermitted):
        viewer.resend(sent.id)
    with pytest.raises(NotPermitted):
        connected.billing(actor=Actor("9", "Cas", ["write_off"])).afterwards.do(kind, sent.id, WHY)
    assert made(connected, CALLS[kind]) == 0


def test_how_it_was_paid_has_at_most_200_characters(connected: World, sent: Invoice) -> None:
    """A reason for voiding may be longer."""
    with pytest.raises(InvalidInput, match="200"):
        do(connected, "paid_elsewhere", sent, reason="x" * 201)
    assert do(connected, "void", sent, reason="x" * 201).status == "void"


@each_deed
def test_what_changed_since_the_person_looked_is_looked_at_again(connected: World, sent: Invoice, kind: str) -> None:
    """A part was paid meanwhile: nothing is done with the form that was seen before."""
    afterwards = connected.billing(actor=MARA).afterwards
    seen = afterwards.outlook(kind, sent.id).state
    shop(connected).pay(sent.stripe_id or "", 100)
    connected.billing().invoicing.refresh(sent.id)
    with pytest.raises(Conflict, match=r"changed since|Credit it instead"):
        afterwards.do(kind, sent.id, WHY, seen)
    assert made(connected, CALLS[kind]) == 0


@each_deed
def test_a_copy_and_a_business_that_is_not_connected_do_nothing(connected: World, sent: Invoice, kind: str) -> None:
    """Neither the deed, nor asking for it, nor a mail."""
    billing = connected.billing(actor=MARA)
    billing.disconnection.carry_out("Another bank")
    deeds: tuple[Callable[[], object], ...] = (
        lambda: connected.billing(actor=MARA).afterwards.do(kind, sent.id, WHY),
        lambda: connected.billing(actor=MARA).afterwards.ask(kind, sent.id, WHY),
        lambda: connected.billing(actor=MARA).afterwards.resend(sent.id),
    )
    for deed in deeds:
        with pytest.raises(NotConnected):
            deed()
    connected.here = ELSEWHERE
    for deed in deeds:
        with pytest.raises(CopyLocked):
            deed()


@each_deed
def test_nobody_works_on_it_twice_at_once(connected: World, sent: Invoice, kind: str) -> None:
    """While somebody else does, it is busy."""
    other = connected.billing()
    with other.invoicing.steps.alone(sent.id), pytest.raises(Busy):
        do(connected, kind, sent)


def test_the_host_that_cannot_be_told_is_told_later(connected: World, sent: Invoice) -> None:
    """What is done at Stripe is done."""
    deaf = replace(connected.platform, publisher=Deaf())
    billing = deaf.billing(Business("hp", "Hp"), MARA)
    assert billing.afterwards.do("void", sent.id, WHY).status == "void"
    assert connected.upkeep.round().told == 1


class Deaf:
    """A host that fails."""

    def publish(self, signal: str, **payload: object) -> None:
        """It always does."""
        raise OSError("The host is away.")


# Mailed again


def mails(world: World, invoice: Invoice) -> int:
    """How many mails Stripe sent."""
    return shop(world).invoices[invoice.stripe_id or ""].mails


def resend(world: World, invoice: Invoice, anyway: bool = False) -> Invoice:
    """By a person of the first business."""
    return world.billing(actor=MARA).afterwards.resend(invoice.id, anyway=anyway)


def test_a_mail_goes_out_again_and_a_second_press_is_the_same_wish(connected: World, sent: Invoice) -> None:
    """Within a minute nothing goes out; after it another mail does. Each is a sentence and a line of the log."""
    resend(connected, sent)
    resend(connected, sent)
    assert (mails(connected, sent), len(told(connected, sent, "resent"))) == (2, 1)
    connected.clock.advance(minutes=2)
    after = resend(connected, sent)
    assert (mails(connected, sent), len(told(connected, sent, "resent"))) == (3, 2)
    assert after.version > sent.version
    assert told(connected, sent, "resent")[0].actor == "2"
    assert len(connected.billing().ledger.log.page(LogFilter(action="invoice.resend")).rows) == 2


def test_right_after_the_first_mail_no_second_one_goes_out(connected: World) -> None:
    """Whoever presses both buttons wanted one mail."""
    invoice = connected.generate()
    resend(connected, invoice)
    assert (mails(connected, invoice), told(connected, invoice, "resent")) == (1, [])


def test_an_invoice_that_was_only_linked_can_be_mailed(connected: World) -> None:
    """From then on it counts as sent."""
    invoice = connected.generate(terms=Terms(delivery=Delivery.LINK))
    after = resend(connected, invoice)
    assert (mails(connected, invoice), after.stage) == (1, Stage.SENT)
    assert after.sent_at is not None


@pytest.mark.parametrize("went_out", [False, True])
def test_a_mail_without_an_answer_is_repeated_under_the_same_key(
    connected: World, sent: Invoice, went_out: bool
) -> None:
    """It is said to be unknown; Stripe knows the repeat again, so there is one mail."""
    shop(connected).fail_next("send", Unreachable("No answer."), after=went_out)
    with pytest.raises(Unreachable):
        resend(connected, sent)
    assert connected.billing().afterwards.mail_in_doubt(connected.billing().invoicing.get(sent.id))
    resend(connected, sent)
    assert not connected.billing().afterwards.mail_in_doubt(connected.billing().invoicing.get(sent.id))
    assert mails(connected, sent) == 2


@pytest.mark.parametrize(("error", "hours"), [(ProviderFailed("Broken."), 0), (Unreachable("No answer."), 24)])
def test_a_mail_that_nobody_knows_of_is_repeated_on_purpose_only(
    connected: World, sent: Invoice, error: ProviderError, hours: int
) -> None:
    """Stripe would not know it again: two mails of one are possible, so a person has to want it."""
    shop(connected).fail_next("send", error, after=True)
    with pytest.raises(type(error)):
        resend(connected, sent)
    connected.clock.advance(hours=hours)
    with pytest.raises(Conflict, match="don’t know whether"):
        resend(connected, sent)
    resend(connected, sent, anyway=True)
    assert mails(connected, sent) == 3


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"status": "paid"}, "nothing is to be paid"),
        ({"status": "open", "stage": Stage.FINALISED}, "not finished"),
        ({"status": "open", "stage": Stage.STOPPED}, "not finished"),
    ],
)
def test_what_cannot_be_mailed_says_why(given: dict[str, object], words: str) -> None:
    """And what to do."""
    assert words in no_mail(an_invoice(**given))


def test_without_an_address_the_link_is_handed_on(connected: World) -> None:
    """One that was only linked, to a customer without a mail address; one that cannot be read is left to Stripe."""
    connected.crm.add("hp", replace(ZONEN, email=None))
    invoice = connected.generate(terms=Terms(delivery=Delivery.LINK))
    with pytest.raises(Conflict, match="payment link"):
        resend(connected, invoice)
    assert no_mail(replace(invoice, contact_readable=False)) == ""


def test_stripes_own_record_of_the_payment_is_named_anew(connected: World, sent: Invoice) -> None:
    """Stripe told of it before we did: it is one payment, with the words."""
    shop(connected).lists_settled = True
    shop(connected).fail_next("settle_invoice", Unreachable("No answer."), after=True)
    with pytest.raises(Unreachable):
        do(connected, "paid_elsewhere", sent)
    deliver(connected, sent)
    assert [each.method for each in connected.billing().ledger.invoices.payments(sent.id)] == [RECORDED]
    do(connected, "paid_elsewhere", sent)
    deliver(connected, sent, number=2)
    assert [each.method for each in connected.billing().ledger.invoices.payments(sent.id)] == [BY_HAND]
