"""What a process was doing when it died, and how everything must stand: right after upkeep came by, and in the end.

A scene is a few functions over a play. Pictures are compared as a whole, so that nothing is there twice unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_crm_stripe.core.credit_outlook import CORRECT, CREDIT
from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.core.invoice_steps import subject
from flask_crm_stripe.errors import Unreachable
from flask_crm_stripe.model.invoices import Invoice
from flask_crm_stripe.model.journal import Outcome
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.faults.crash_world import TOTAL, Play

Picture = dict[str, Any]
REASONS = NOT_BEGUN, MAIL_UNCERTAIN, GONE_THERE = "not begun", "a mail may be out", "gone at Stripe only"

TOLD = frozenset(("credited", "all_credited", "corrected", "refunded", "credit_voided", "refund_failed"))
NOTHING_CREDITED: Picture = {"credits": [], "refunds": [], "our credits": [], "told": [], "draft": None}


@dataclass(frozen=True)
class Scene:
    """``before`` happens in peace. ``act`` is what is interrupted, ``again`` what a person does who comes back to it.

    ``end`` is the picture in the end, ``mails`` how often the customer is written to. ``between`` are the pictures that
    may be left after upkeep alone, each with the reason why it waits for a person. ``least`` is how many points there
    are at least: fewer, and the net has a hole. A picture without some of its parts leaves them open. ``paid`` is
    whether the customer pays before it, ``calm`` whether it takes a lost answer calmly: what was wanted is done then.
    """

    act: Callable[[Play], object]
    again: Callable[[Play], object]
    end: Callable[[Play], Picture]
    least: int
    mails: int = 0
    before: Callable[[Play], object] = lambda _: None
    between: Callable[[Play], dict[str, Picture]] = lambda _: {}
    paid: bool = False
    calm: bool = False


def picture(play: Play, fake: FakeStripe) -> Picture:
    """Everything there is of a play, in three places."""
    stripe, ours = fake.world.store(play.account), play.invoice()
    session, model = play.desk.host.db.session, play.desk.host.Billable
    session.rollback()
    claims = play.billing.ledger.invoices.claims(play.work)
    return {
        "customers": [each["metadata"].get("crm_contact") for each in stripe["customer"].values()],
        "products": [
            each["metadata"]["crm_service"] for each in stripe["product"].values() if "crm_service" in each["metadata"]
        ],
        "invoices": [
            (each["status"], each["total"], [line["metadata"]["crm_billable"] for line in each["lines"]["data"]])
            for each in stripe["invoice"].values()
        ],
        "ours": ours and (ours.stage.value, ours.status, ours.total, ours.problem and ours.problem.code),
        "to be sent": bool(ours and ours.send),
        "same": ours is None or [ours.stripe_id] == list(stripe["invoice"]),
        "claims": [(billable, ours is not None and id == ours.id) for billable, _, id in claims],
        "work": [session.get_one(model, int(ref)).status for ref in play.work],
        "credits": [each["total"] for each in stripe["credit_note"].values()],
        "refunds": [each["amount"] for each in stripe["refund"].values()],
        **credits_of(play, ours),
    }


def credits_of(play: Play, ours: Invoice | None) -> Picture:
    """What we know of what was credited, what is told of it, and the draft that replaces the invoice."""
    ledger = play.billing.ledger
    known = ledger.credits.of_invoice(ours.id) if ours else ()
    told = [each.kind for each in ledger.invoices.timeline(ours.id)] if ours else []
    draft = next((ledger.invoices.get(each.replacement) for each in known if each.replacement), None)
    return {
        "our credits": [(each.stage.value, each.total) for each in known],
        "told": sorted(kind for kind in told if kind in TOLD),
        "draft": draft and (draft.stage.value, draft.status, draft.total, draft.problem and draft.problem.code),
    }


def nothing(play: Play) -> Picture:
    """No invoice was made. The service is there: upkeep sends what is new."""
    return {
        "customers": [],
        "products": [str(play.number)],
        "invoices": [],
        "ours": None,
        "to be sent": False,
        "same": True,
        "claims": [],
        "work": ["", ""],
        **NOTHING_CREDITED,
    }


def billed(play: Play, stage: str, status: str) -> Picture:
    """One customer, one invoice with the right total, and every billable on it."""
    return {
        "customers": [f"organization:{play.number}"],
        "products": [str(play.number)],
        "invoices": [(status, TOTAL, play.work)],
        "ours": (stage, status, TOTAL, None),
        "to be sent": status == "open",
        "same": True,
        "claims": [(ref, True) for ref in play.work],
        "work": [status, status],
        **NOTHING_CREDITED,
    }


def sent(play: Play) -> Picture:
    """The customer has it, and has to pay."""
    return billed(play, "sent", "open")


def draft(play: Play) -> Picture:
    """It is saved, and its work is claimed."""
    return billed(play, "checked", "draft")


def deleted(play: Play) -> Picture:
    """The draft is gone, and its work is free."""
    gone = {"invoices": [], "ours": ("abandoned", None, TOTAL, None), "same": False, "claims": [], "work": ["", ""]}
    return draft(play) | gone


def given_up(play: Play) -> Picture:
    """The same, but the customer may not have been made, and the service not been sent."""
    return {what: each for what, each in deleted(play).items() if what not in ("customers", "products")}


def gone_there(play: Play) -> Picture:
    """Stripe has deleted it, and we have not heard of it."""
    return draft(play) | {"invoices": [], "same": False}


def mail_is_uncertain(play: Play) -> bool:
    """Whether nobody knows if the mail is out: the call was begun, and its end was not heard of."""
    made = play.invoice()
    last = made and play.billing.ledger.journal.last(subject(made), "send")
    return bool(last and last.outcome in (Outcome.OPEN, Outcome.UNKNOWN))


def unsent(play: Play) -> dict[str, Picture]:
    """A mail that may be out, and that Stripe would not recognise: the invoice says so, and a person sends it again."""
    left = billed(play, "finalised", "open") | {"ours": ("finalised", "open", TOTAL, Unreachable.code)}
    return {MAIL_UNCERTAIN: left} if mail_is_uncertain(play) else {}


def resume_or_repeat(repeat: Callable[[Play], object]) -> Callable[[Play], object]:
    """Press Continue where there is something to continue, else do it again."""

    def again(play: Play) -> object:
        made = play.invoice()
        return play.billing.invoicing.resume(made.id) if made and made.send else repeat(play)

    return again


def generate(play: Play) -> object:
    """Somebody makes an invoice and sends it."""
    return play.generate(send=True)


def save(play: Play) -> object:
    """Somebody makes an invoice and saves it as a draft."""
    return play.generate(send=False)


def send(play: Play) -> object:
    """Somebody sends the draft."""
    return play.billing.invoicing.send(id_of(play))


def delete(play: Play) -> None:
    """Somebody deletes the draft."""
    play.billing.invoicing.delete_draft(id_of(play))


def id_of(play: Play) -> str:
    """Of the invoice that there is."""
    made = play.invoice()
    assert made is not None
    return made.id


def refund(play: Play) -> object:
    """Somebody credits it, and gives the money back; the same button each time."""
    return play.billing.credits.do(CREDIT, id_of(play), Choice(), "A mistake", form_key=f"{play.business}-credit")


def correct(play: Play) -> object:
    """Somebody corrects it; the same button each time."""
    return play.billing.credits.do(CORRECT, id_of(play), Choice(), "A mistake", form_key=f"{play.business}-correct")


def paid(play: Play) -> Picture:
    """The customer has paid it."""
    return billed(play, "sent", "paid") | {"to be sent": True}


def refunded(play: Play) -> Picture:
    """One credit note and one refund of all of it, told once; the work stays on the paid invoice."""
    once = {"credits": [TOTAL], "refunds": [TOTAL], "our credits": [("issued", TOTAL)], "told": ["credited"]}
    return paid(play) | once


def corrected(play: Play) -> Picture:
    """One credit note, no refund, nothing left to pay; one new draft of the same work. All of it is told once."""
    return paid(play) | {
        "invoices": [("paid", TOTAL, play.work), ("draft", TOTAL, play.work)],
        "same": False,
        "claims": [(ref, False) for ref in play.work],
        "work": ["draft", "draft"],
        "credits": [TOTAL],
        "our credits": [("issued", TOTAL)],
        "told": ["all_credited", "corrected", "credited"],
        "draft": ("checked", "draft", TOTAL, None),
    }


def give_up(play: Play) -> None:
    """Somebody deletes it, however far it came."""
    if play.invoice() is None:
        save(play)
    delete(play)


SCENES: dict[str, Scene] = {
    "make and send": Scene(
        act=generate,
        again=resume_or_repeat(generate),
        end=sent,
        least=25,
        mails=1,
        between=lambda play: {NOT_BEGUN: nothing(play), **unsent(play)},
    ),
    "send a draft": Scene(
        before=save,
        act=send,
        again=resume_or_repeat(send),
        end=sent,
        least=12,
        mails=1,
        between=lambda play: {NOT_BEGUN: draft(play), **unsent(play)},
    ),
    "delete a draft": Scene(
        before=save,
        act=delete,
        again=delete,
        end=deleted,
        least=8,
        between=lambda play: {NOT_BEGUN: draft(play), GONE_THERE: gone_there(play)},
    ),
    "refund": Scene(
        before=generate,
        paid=True,
        act=refund,
        again=refund,
        end=refunded,
        least=20,
        mails=1,
        between=lambda play: {NOT_BEGUN: paid(play)},
    ),
    "correct": Scene(
        before=generate,
        act=correct,
        again=correct,
        end=corrected,
        least=30,
        mails=1,
        between=lambda play: {NOT_BEGUN: sent(play)},
        calm=True,
    ),
    "make, and delete it instead": Scene(act=save, again=give_up, end=given_up, least=25),
}
