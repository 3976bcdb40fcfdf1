"""What statuses are called and how they look, and the sentences of an invoice's history: one table each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from flask_crm_stripe.model.events import TimelineEntry
from flask_crm_stripe.model.invoices import Invoice, Stage
from flask_crm_stripe.web.formats import Formats, masked
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.i18n import marked as _


@dataclass(frozen=True, slots=True)
class Look:
    """A status as people see it: its word, its tone, and whether its dot is hollow (nothing more will happen)."""

    word: str
    tone: str = "secondary"
    hollow: bool = False


INVOICE: Mapping[str, Look] = {
    "planned": Look(_("Being made"), hollow=True),
    "abandoned": Look(_("Not made"), hollow=True),
    "deleted": Look(_("Deleted"), hollow=True),
    "draft": Look(_("Draft"), hollow=True),
    "open": Look(_("Open"), "primary"),
    "paid": Look(_("Paid"), "success"),
    "void": Look(_("Void"), hollow=True),
    "uncollectible": Look(_("Uncollectible"), "dark"),
}
PAYMENT: Mapping[str, Look] = {
    "succeeded": Look(_("Succeeded"), "success"),
    "pending": Look(_("Pending"), "warning"),
    "failed": Look(_("Failed"), "danger"),
    "refunded": Look(_("Refunded")),
}
CREDIT: Mapping[str, Look] = {
    "planned": Look(_("Not finished"), "warning"),
    "issued": Look(_("Issued"), "success"),
    "void": Look(_("Void"), hollow=True),
}
REFUND: Mapping[str, Look] = {
    "pending": Look(_("On its way"), "warning"),
    "requires_action": Look(_("Waits for the customer"), "warning"),
    "succeeded": Look(_("Refunded"), "success"),
    "failed": Look(_("Did not arrive"), "danger"),
    "canceled": Look(_("Cancelled"), "danger"),
}
BILLABLE: Mapping[str, Look] = {
    **INVOICE,
    "ready": Look(_("Ready")),
    "not_ready": Look(_("Not ready"), hollow=True),
    "blocked": Look(_("Can’t be billed"), "warning"),
}
SERVICE: Mapping[str, Look] = {
    "synced": Look(_("In step"), "success"),
    "waiting": Look(_("Waiting"), "warning"),
    "new": Look(_("Not at Stripe yet"), hollow=True),
    "failed": Look(_("Not at Stripe"), "danger"),
    "archived": Look(_("Archived"), hollow=True),
    "unused": Look(_("Not in use"), hollow=True),
}
EVENT: Mapping[str, Look] = {
    "waiting": Look(_("Waiting"), "warning"),
    "applied": Look(_("Applied"), "success"),
    "ignored": Look(_("Not needed"), hollow=True),
    "failed": Look(_("Failed"), "danger"),
}
LOG: Mapping[str, Look] = {
    "done": Look(_("Done"), "success"),
    "seen": Look(_("Seen")),
    "refused": Look(_("Refused"), "warning"),
    "failed": Look(_("Failed"), "danger"),
}
APPROVAL: Mapping[str, Look] = {
    "waiting": Look(_("Waiting"), "warning"),
    "agreed": Look(_("Agreed"), "success"),
    "done": Look(_("Agreed and done"), "success"),
    "refused": Look(_("Refused"), "danger"),
    "withdrawn": Look(_("Withdrawn"), hollow=True),
}
RUN: Mapping[str, Look] = {
    "planned": Look(_("Not started"), hollow=True),
    "running": Look(_("Running"), "primary"),
    "stopped": Look(_("Stopped"), "warning"),
    "done": Look(_("Finished"), "success"),
}
SUBSCRIPTION: Mapping[str, Look] = {
    "active": Look(_("Active"), "success"),
    "trialing": Look(_("In trial"), "primary"),
    "past_due": Look(_("Past due"), "warning"),
    "unpaid": Look(_("Unpaid"), "danger"),
    "paused": Look(_("Paused"), hollow=True),
    "incomplete": Look(_("Not started"), hollow=True),
}
LOOKS: Mapping[str, Mapping[str, Look]] = {
    "invoice": INVOICE,
    "payment": PAYMENT,
    "credit": CREDIT,
    "refund": REFUND,
    "billable": BILLABLE,
    "service": SERVICE,
    "event": EVENT,
    "log": LOG,
    "approval": APPROVAL,
    "run": RUN,
    "subscription": SUBSCRIPTION,
}

# With an actor, and without: both sentences stand on their own.
HAPPENED: Mapping[str, tuple[str, str]] = {
    "made": (_("%(actor)s made it from %(lines)s."), _("It was made from %(lines)s.")),
    "customer_made": (_("A customer was made at Stripe for %(name)s."),) * 2,
    "draft_made": (_("The draft was made at Stripe."),) * 2,
    "lines_added": (_("The lines were put on the draft."),) * 2,
    "checked": (_("Stripe’s total, discount and VAT were the same as ours to the cent."),) * 2,
    "finalised": (_("It got its number, %(number)s, and can no longer be changed."),) * 2,
    "sent": (_("%(actor)s sent it by mail to %(email)s."), _("It was sent by mail to %(email)s.")),
    "link_ready": (_("The payment link is ready. No mail was sent."),) * 2,
    "stopped": (_("It was stopped at the check: %(what)s. Nothing was sent."),) * 2,
    "interrupted": (_("The work was interrupted: %(why)s"),) * 2,
    "resumed": (_("%(actor)s continued it."), _("The work went on.")),
    "resent": (_("%(actor)s sent it again by mail to %(email)s."), _("It was sent again by mail to %(email)s.")),
    "paid": (
        _("%(actor)s recorded that %(amount)s was paid elsewhere: “%(words)s”."),
        _("%(amount)s came in (%(method)s)."),
    ),
    "payment_failed": (_("%(method)s: the payment failed. %(reason)s Nothing was taken."),) * 2,
    "voided": (
        _("%(actor)s voided it: “%(words)s”. Nothing is owed any more."),
        _("It was voided. Nothing is owed any more."),
    ),
    "uncollectible": (
        _("%(actor)s wrote it off as uncollectible: “%(words)s”. It can still be paid."),
        _("It was written off as uncollectible. It can still be paid."),
    ),
    "deleted": (
        _("%(actor)s deleted the draft. Its work can be billed again."),
        _("The draft was deleted at Stripe. Its work can be billed again."),
    ),
    "asked": (
        _("%(actor)s asked a second person to agree that it is sent: %(reason)s"),
        _("A second person was asked to agree that it is sent: %(reason)s"),
    ),
    "agreed": (_("%(actor)s agreed that it is sent."), _("A second person agreed that it is sent.")),
    "agreed_void": (_("%(actor)s agreed that it is voided."), _("A second person agreed that it is voided.")),
    "agreed_uncollectible": (
        _("%(actor)s agreed that it is written off."),
        _("A second person agreed that it is written off."),
    ),
    "agreed_paid_elsewhere": (
        _("%(actor)s agreed that it counts as paid elsewhere."),
        _("A second person agreed that it counts as paid elsewhere."),
    ),
    "agreed_refund": (_("%(actor)s agreed that it is credited."), _("A second person agreed that it is credited.")),
    "agreed_correct": (_("%(actor)s agreed that it is corrected."), _("A second person agreed that it is corrected.")),
    "credited": (
        _("%(actor)s credited %(amount)s with credit note %(number)s: “%(words)s”. Back to the card: %(refund)s."),
        _("%(amount)s was credited in Stripe with credit note %(number)s. Back to the card: %(refund)s."),
    ),
    "all_credited": (_("All that was still to pay is credited. Nothing is owed any more."),) * 2,
    "credit_voided": (_("Credit note %(number)s was voided in Stripe. What it took off counts again."),) * 2,
    "refunded": (_("%(amount)s was refunded in Stripe without a credit note. The invoice’s VAT stays as it is."),) * 2,
    "refund_failed": (
        _("A refund of %(amount)s failed, and the money is with you again. %(why)s The credit note stands."),
    )
    * 2,
    "corrected": (
        _("%(actor)s corrected it: credit note %(number)s, and a new draft of the same work."),
        _("It was corrected: credit note %(number)s, and a new draft of the same work."),
    ),
    "corrects": (
        _("%(actor)s made it to correct invoice %(number)s, which is credited in full."),
        _("It corrects invoice %(number)s, which is credited in full."),
    ),
    "overdue": (_("It was not paid in time."),) * 2,
    "disputed": (_("The customer disputes the payment with the bank."),) * 2,
    "left_behind": (
        _("%(actor)s replaced the Stripe account. The draft stayed there; its work can be billed again."),
        _("The Stripe account was replaced. The draft stayed there; its work can be billed again."),
    ),
    "reopened": (_("It is open again."),) * 2,
    "changed": (_("At Stripe it became %(status)s."),) * 2,
}
FILLED_BY_DEFAULT = {
    "name": _("the customer"),
    "email": _("the customer"),
    "method": _("Payment"),
    "reason": _("The bank gave no reason."),
    "why": _("Stripe did not answer."),
    "what": _("Stripe’s figures differ from ours"),
    "amount": _("An amount"),
    "refund": _("nothing"),
    "words": _("no reason was given"),
    "number": "",
    "status": _("something else"),
}


def look_of(family: str, word: str) -> Look:
    """The look of a status; a word that we do not know shows itself, quietly."""
    return LOOKS[family].get(word) or Look(word.replace("_", " ").capitalize() or "?")


def invoice_word(invoice: Invoice) -> str:
    """The status that people see: Stripe's word, or how far we came before Stripe had one."""
    if invoice.status:
        return invoice.status
    return "abandoned" if invoice.stage is Stage.ABANDONED else "planned"


def sentence(
    entry: TimelineEntry,
    email: str | None,
    texts: Texts,
    f: Formats,
    names: Mapping[str, str],
    *,
    personal: bool = False,
) -> Markup:
    """What happened to an invoice, in a sentence; ``names`` has people by ref. ``email``, where it goes to, is whole
    where ``personal`` data may be seen.

    Values from Stripe and the CRM are data: escaped, each in its own direction."""
    with_actor, without = HAPPENED.get(entry.kind, (_("%(kind)s"),) * 2)
    values: dict[str, object] = {name: texts.gettext(word) for name, word in FILLED_BY_DEFAULT.items()}
    values |= {name: isolated(written(name, value, f)) for name, value in entry.params.items() if value}
    if email:
        values["email"] = isolated(email if personal else masked(email))
    if entry.kind == "made":
        lines = entry.params.get("lines", "")
        count = int(lines) if lines.isdecimal() else 0
        values["lines"] = texts.ngettext("one line of work", "%(number)s lines of work", count)
    values |= {
        "actor": isolated(names.get(entry.actor or "") or entry.actor or ""),
        "kind": entry.kind.replace("_", " ").capitalize() + ".",
    }
    return texts.gettext(with_actor if entry.actor else without, **values)


def written(name: str, value: str, f: Formats) -> str:
    """Amounts are stored plainly; names and reasons stay as they are, whatever they look like."""
    return f.rewritten(value) if name in ("amount", "total", "refund", "elsewhere") else value


def isolated(text: str) -> Markup:
    """Foreign text inside a sentence: it keeps its direction to itself."""
    return Markup("<bdi>{}</bdi>").format(text)
