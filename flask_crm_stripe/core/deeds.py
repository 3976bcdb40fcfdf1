"""What can be done to an invoice after it went out: a row for each deed, and when it is allowed. Pure functions.

Another deed on the same road is another row of ``DEEDS``: it is asked for, limited, logged and told like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_crm_stripe.core.environment import LONGEST_REASON, check_reason
from flask_crm_stripe.core.invoice_steps import KEY_LIFETIME, next_step
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.invoices import Invoice, Payment, RemoteInvoice, Stage, Status
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.model.payments import BY_HAND, RECORDED, collected
from flask_crm_stripe.ports.provider import Provider

VOID, UNCOLLECTIBLE, PAID_ELSEWHERE = "void", "uncollectible", "paid_elsewhere"
LONGEST_HOW = 200
A_MOMENT = timedelta(minutes=1)
"""A second press of the same button within it is the same wish, not another mail."""

DOUBTFUL = frozenset((Outcome.OPEN, Outcome.UNKNOWN, Outcome.FAILED))
BEGUN = DOUBTFUL | {Outcome.DONE}

NOT_AT_STRIPE = "It is still a draft, and nobody has been asked to pay it. Delete the draft instead."
PAID = "It is paid. To give money back, credit it: the money goes back with the credit note."
MONEY_ON_IT = (
    "Some of it is paid already, so it can’t be voided. Credit it instead: what is still to pay is taken off, and what "
    "was paid goes back."
)


@dataclass(frozen=True, slots=True)
class Deed:
    """``status`` is what the invoice has become when it is done, ``told`` the kind of its sentence on the timeline.
    ``right`` completes "you may not", ``what`` is what is asked of a second person, with the amount behind it."""

    kind: str
    status: Status
    told: str
    right: str
    what: str
    call: Callable[[Provider, str, str], RemoteInvoice]
    why_not: Callable[[Invoice], str]
    done: Callable[[RemoteInvoice, Callable[[], Sequence[Payment]]], bool]
    longest: int = LONGEST_REASON

    def words(self, given: str) -> str:
        """Why, or how it was paid. Raises ``InvalidInput``."""
        text = check_reason(given)
        if len(text) > self.longest:
            raise InvalidInput("reason", f"Write at most {self.longest} characters.")
        return text


def is_same(status: Status) -> Callable[[RemoteInvoice, Callable[[], Sequence[Payment]]], bool]:
    """Done where Stripe has this status: nothing else leads to it that would be another wish."""
    return lambda remote, _: remote.status == status


def is_settled(remote: RemoteInvoice, payments: Callable[[], Sequence[Payment]]) -> bool:
    """Done where it is paid, and not all of it came in through Stripe: then the customer was faster."""
    return remote.status == Status.PAID and collected(payments()) < remote.amount_paid


def no_void(invoice: Invoice) -> str:
    """Why it can't be voided, and what to do instead; empty where it can."""
    if invoice.status in (Status.OPEN, Status.UNCOLLECTIBLE):
        return MONEY_ON_IT if invoice.amount_paid else ""
    return _closed(invoice)


def no_write_off(invoice: Invoice) -> str:
    """Why it can't be written off; empty where it can."""
    if invoice.status == Status.UNCOLLECTIBLE:
        return "It is written off already. It can be voided, or recorded as paid."
    return "" if invoice.status == Status.OPEN else _closed(invoice)


def no_settling(invoice: Invoice) -> str:
    """Why it can't be recorded as paid elsewhere; empty where it can."""
    return "" if invoice.status in (Status.OPEN, Status.UNCOLLECTIBLE) else _closed(invoice)


def no_credit(invoice: Invoice) -> str:
    """Why nothing of it can be credited; empty where it can."""
    return "" if invoice.status in (Status.OPEN, Status.PAID, Status.UNCOLLECTIBLE) else _closed(invoice)


def _closed(invoice: Invoice) -> str:
    if invoice.stage is Stage.ABANDONED:
        return "It was never made, so nothing is owed. Its work can be billed again."
    if invoice.status in (None, Status.DRAFT):
        return NOT_AT_STRIPE
    if invoice.status == Status.PAID:
        return PAID
    if invoice.status == Status.VOID:
        return "It is void already: nothing is owed any more."
    return f"At Stripe it is “{invoice.status}” now. Look at it there."


DEEDS: Mapping[str, Deed] = {
    deed.kind: deed
    for deed in (
        Deed(
            VOID,
            Status.VOID,
            "voided",
            "void invoices",
            "Voiding an invoice of",
            lambda provider, stripe_id, key: provider.void_invoice(stripe_id, key),
            no_void,
            is_same(Status.VOID),
        ),
        Deed(
            UNCOLLECTIBLE,
            Status.UNCOLLECTIBLE,
            "uncollectible",
            "write invoices off",
            "Writing off an invoice of",
            lambda provider, stripe_id, key: provider.write_off_invoice(stripe_id, key),
            no_write_off,
            is_same(Status.UNCOLLECTIBLE),
        ),
        Deed(
            PAID_ELSEWHERE,
            Status.PAID,
            "paid",
            "record payments that Stripe never saw",
            "Recording a payment made elsewhere of",
            lambda provider, stripe_id, key: provider.settle_invoice(stripe_id, key),
            no_settling,
            is_settled,
            LONGEST_HOW,
        ),
    )
}


def content_of(deed: Deed, invoice: Invoice, words: str) -> str:
    """A digest of what a second person agrees to: the deed, its reason, and how the invoice stands."""
    return digest([deed.kind, state_of(invoice), words])


def state_of(invoice: Invoice) -> str:
    """A digest of how it stands: status and amounts."""
    return digest([invoice.status, invoice.total, invoice.amount_paid, invoice.amount_remaining])


def at_stake(invoice: Invoice) -> Money:
    """What is given up, or settled without Stripe: what is still to pay."""
    return Money(invoice.amount_remaining, invoice.currency)


def by_hand(deed: Deed, remote: RemoteInvoice, known: Sequence[Payment], words: str, now: datetime) -> list[Payment]:
    """The payment that is recorded here, where that is the deed. One that Stripe lists itself is named anew."""
    if deed.kind != PAID_ELSEWHERE:
        return []
    listed = next((each for each in known if each.method == RECORDED), None)
    own_id = listed.stripe_id if listed else f"hand_{remote.id}"
    amount = remote.amount_paid - collected(known)
    return [Payment(own_id, BY_HAND, amount, remote.currency, "succeeded", remote.paid_at or now, words)]


def no_mail(invoice: Invoice) -> str:
    """Why it can't be mailed once more; empty where it can."""
    if invoice.status != Status.OPEN:
        return "Only an open invoice can be sent again: nothing is to be paid on this one."
    if next_step(invoice) is not None or invoice.stage is Stage.STOPPED:
        return "It is not finished yet. Continue it, or see why it stands still."
    if invoice.contact_readable and not invoice.plan.contact.email:
        return "The customer has no mail address. Add one in the CRM, or hand on the payment link."
    return ""


def just_sent(last: Step | None, now: datetime) -> bool:
    """Whether a mail went out a moment ago."""
    return last is not None and last.outcome is Outcome.DONE and now - last.started_at < A_MOMENT


def in_doubt(last: Step | None) -> bool:
    """Whether the last mail may have gone out, or not."""
    return last is not None and last.outcome in DOUBTFUL


def can_repeat(last: Step | None, now: datetime) -> bool:
    """Whether Stripe would know the last try again, so that repeating it can't make two mails of one."""
    return last is None or (last.outcome is not Outcome.FAILED and now - last.started_at < KEY_LIFETIME)
