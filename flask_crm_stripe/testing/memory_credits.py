"""Credit notes and refunds of the in-memory Stripe, with Stripe's own rules about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from flask_crm_stripe.errors import Refused
from flask_crm_stripe.model.connection import Account
from flask_crm_stripe.model.credits import (
    CreditDraft,
    Refund,
    RefundLink,
    RemoteCredit,
    RemoteCreditLine,
    RemoteLine,
)
from flask_crm_stripe.model.invoices import LineDraft, Payment, RemoteVat, Status
from flask_crm_stripe.model.payments import by_stripe
from flask_crm_stripe.ports.runtime import Clock
from flask_crm_stripe.testing.memory_afterwards import MemoryAfterwards
from flask_crm_stripe.testing.memory_objects import MemoryInvoice, line_amount, missing

OWED = (Status.OPEN, Status.UNCOLLECTIBLE)


class MemoryCrediting(MemoryAfterwards):
    """``credit_notes`` and ``made_refunds`` are there for tests to look at. ``refund_status`` is what a new refund has,
    ``credit_skew`` how many minor units the next preview is wrong by."""

    def __init__(self, account: Account, clock: Clock, platform: str) -> None:
        super().__init__(account, clock, platform)
        self.credit_notes: dict[str, RemoteCredit] = {}
        self.made_refunds: dict[str, Refund] = {}
        self.refund_status = "succeeded"
        self.credit_skew = 0

    def invoice_lines(self, invoice_id: str) -> Sequence[RemoteLine]:
        """Every line of the invoice, in order."""

        def work(_: str) -> Sequence[RemoteLine]:
            lines = self._invoice(invoice_id).lines
            return tuple(RemoteLine(_line_id(invoice_id, line), line.key, _rate_of(line)) for line in lines)

        return self._do("invoice_lines", None, (invoice_id,), work)

    def preview_credit(self, draft: CreditDraft) -> RemoteCredit:
        """What the credit note would be."""

        def work(request_id: str) -> RemoteCredit:
            skew, self.credit_skew = self.credit_skew, 0
            found = self._planned(draft, request_id)
            return replace(found, total=found.total + skew)

        return self._do("preview_credit", None, (draft,), work)

    def create_credit(self, draft: CreditDraft, key: str) -> RemoteCredit:
        """Issue a credit note, and refund what goes back."""

        def work(request_id: str) -> RemoteCredit:
            note = replace(self._planned(draft, request_id), id=self._id("cn"))
            if draft.refund:
                made = self._refund(draft.invoice, draft.refund)
                note = replace(note, links=(*note.links, RefundLink(made.stripe_id, made.amount)))
            return self._issue(note)

        return self._do("create_credit", key, (draft,), work)

    def credits(self, invoice_id: str) -> Sequence[RemoteCredit]:
        """Every credit note of the invoice, oldest first."""
        return self._do("credits", None, (invoice_id,), lambda _: tuple(self._notes(invoice_id)))

    def refunds(self, payment_intent: str) -> Sequence[Refund]:
        """Everything that went back of a payment, oldest first."""

        def work(_: str) -> Sequence[Refund]:
            return tuple(each for each in self.made_refunds.values() if each.payment_intent == payment_intent)

        return self._do("refunds", None, (payment_intent,), work)

    # The same, by the business in Stripe's dashboard, and what the bank does

    def refund_alone(self, invoice_id: str, amount: int) -> Refund:
        """The business refunds without a credit note: the invoice stays as it is."""
        return self._refund(invoice_id, amount)

    def credit_alone(self, invoice_id: str, amount: int, *, back: bool = False) -> RemoteCredit:
        """The business credits an amount, of no line and without VAT; it gives the money back or has done so."""
        draft = CreditDraft(invoice_id, (), amount if back else 0, 0, (), False, {})
        invoice = self._invoice(invoice_id)
        before = min(amount, invoice.left) if invoice.status in OWED else 0
        line = RemoteCreditLine(None, "Credit", amount, 0, 0)
        note = self._note(draft, "", (line,), amount, (), before)
        links: tuple[RefundLink, ...] = ()
        if back:
            made = self._refund(invoice_id, amount - before)
            links = (RefundLink(made.stripe_id, made.amount),)
        rest = 0 if back else amount - before
        return self._issue(replace(note, id=self._id("cn"), links=links, elsewhere=rest))

    def void_credit(self, credit_id: str) -> None:
        """The business voids a credit note; what it took off is owed again."""
        note = self.credit_notes[credit_id]
        invoice = self._invoice(note.invoice)
        if note.status == "void" or note.after or invoice.status not in OWED:
            raise Refused("You can't void this credit note.", stripe_code="credit_note_void")
        self.credit_notes[credit_id] = replace(note, status="void")
        invoice.before -= note.before

    def fail_refund(self, refund_id: str, reason: str = "The card has expired.") -> None:
        """The bank gives it back: the money is with the business again, and the credit note stays."""
        refund = self.made_refunds[refund_id]
        self.made_refunds[refund_id] = replace(refund, status="failed", reason=reason)
        for invoice in self.invoices.values():
            for place, payment in enumerate(invoice.payments):
                if payment.payment_intent == refund.payment_intent and payment.refunded >= refund.amount:
                    invoice.payments[place] = _less(payment, -refund.amount)
                    return

    def _planned(self, draft: CreditDraft, request_id: str) -> RemoteCredit:
        """Everything is checked, nothing is stored."""
        invoice = self._invoice(draft.invoice)
        invoice.require(Status.OPEN, Status.PAID, Status.UNCOLLECTIBLE, code="invoice_not_editable", deed="credited")
        named = {_line_id(invoice.id, line): line for line in invoice.lines}
        done = [line for note in self._issued(invoice.id) for line in note.lines]
        lines, vat = list[RemoteCreditLine](), dict[tuple[str, bool], tuple[int, int]]()
        for each in draft.lines:
            own = named.get(each.line)
            if own is None:
                raise missing("line_item", each.line, "lines")
            made = RemoteCreditLine(each.line, own.description, each.amount, each.vat, each.base, own.vat_included)
            self._check_left(own, made, [line for line in (*done, *lines) if line.line == each.line])
            if each.tax_rate != _rate_of(own):
                raise Refused("The tax rate is none of this line's.", param="lines")
            lines.append(made)
            sums = vat.get((own.reason, own.vat_included), (0, 0))
            vat[own.reason, own.vat_included] = (sums[0] + each.vat, sums[1] + each.base)
        total = sum(line.amount + (0 if line.included else line.vat) for line in lines)
        before = min(total, invoice.left) if invoice.status in OWED else 0
        self._check_sums(invoice, draft, total, before)
        taxes = tuple(RemoteVat(*key, *sums) for key, sums in sorted(vat.items()))
        return self._note(draft, request_id, tuple(lines), total, taxes, before)

    def _check_left(self, own: LineDraft, wanted: RemoteCreditLine, done: Sequence[RemoteCreditLine]) -> None:
        left = line_amount(own) - sum(line.amount for line in done)
        vat, base = own.vat - sum(line.vat for line in done), own.vat_base - sum(line.base for line in done)
        if not 0 < wanted.amount <= left:
            raise Refused(f"You can't credit {wanted.amount} of a line of which {left} is left.", param="lines")
        if not (0 <= wanted.vat <= vat and 0 <= wanted.base <= base):
            raise Refused("So much is not left of this tax to credit.", param="lines")

    def _check_sums(self, invoice: MemoryInvoice, draft: CreditDraft, total: int, before: int) -> None:
        linked = sum(link.amount for link in draft.links)
        if not 0 < total <= self._creditable(invoice) + linked:
            raise Refused("That is more than can be credited of this invoice.", param="lines")
        for link in draft.links:
            if link.amount > self._unlinked(link.refund):
                raise Refused("So much of the refund is not free to be linked.", param="refunds")
        if draft.refund + draft.elsewhere + linked != total - before:
            raise Refused("The sums must equal the post payment amount of the credit note.")
        if draft.refund:
            self._place(invoice, draft.refund)

    def _note(
        self,
        draft: CreditDraft,
        request_id: str,
        lines: tuple[RemoteCreditLine, ...],
        total: int,
        vat: tuple[RemoteVat, ...],
        before: int,
    ) -> RemoteCredit:
        invoice = self._invoice(draft.invoice)
        number = f"{invoice.number}-CN-{len(self._notes(invoice.id)) + 1:02d}"
        return RemoteCredit(
            id="cn_preview",
            invoice=invoice.id,
            status="issued",
            currency=invoice.draft.currency,
            total=total,
            tax=sum(each.amount for each in vat),
            before=before,
            after=total - before,
            created=self._clock.now(),
            number=number,
            vat=vat,
            lines=lines,
            links=draft.links,
            elsewhere=draft.elsewhere,
            metadata=dict(draft.metadata),
            pdf_url=f"https://credit.example/{number}.pdf",
            request_id=request_id,
        )

    def _issue(self, note: RemoteCredit) -> RemoteCredit:
        invoice = self._invoice(note.invoice)
        self.credit_notes[note.id] = note
        invoice.before += note.before
        invoice.after += note.after
        if invoice.status in OWED and not invoice.left:
            invoice.status, invoice.paid_at = Status.PAID, self._clock.now()
        return note

    def _refund(self, invoice_id: str, amount: int) -> Refund:
        invoice = self._invoice(invoice_id)
        place = self._place(invoice, amount)
        payment = invoice.payments[place]
        made = Refund(
            self._id("re"), amount, payment.currency, self.refund_status, self._clock.now(), str(payment.payment_intent)
        )
        self.made_refunds[made.stripe_id] = made
        invoice.payments[place] = _less(payment, amount)
        return made

    def _place(self, invoice: MemoryInvoice, amount: int) -> int:
        for place in reversed(range(len(invoice.payments))):
            payment = invoice.payments[place]
            if by_stripe(payment) and payment.amount - payment.refunded >= amount:
                return place
        raise Refused(f"No charge of the invoice has {amount} left to refund.", param="refund_amount")

    def _creditable(self, invoice: MemoryInvoice) -> int:
        intents = {payment.payment_intent for payment in invoice.payments}
        back = [each for each in self.made_refunds.values() if each.payment_intent in intents and not each.failed]
        alone = sum(self._unlinked(each.stripe_id) for each in back)
        return invoice.total - sum(note.total for note in self._issued(invoice.id)) - alone

    def _unlinked(self, refund_id: str) -> int:
        if refund_id not in self.made_refunds:
            raise missing("refund", refund_id, "refunds")
        notes = [note for note in self.credit_notes.values() if note.status == "issued"]
        linked = sum(link.amount for note in notes for link in note.links if link.refund == refund_id)
        return self.made_refunds[refund_id].amount - linked

    def _notes(self, invoice_id: str) -> list[RemoteCredit]:
        return [note for note in self.credit_notes.values() if note.invoice == invoice_id]

    def _issued(self, invoice_id: str) -> list[RemoteCredit]:
        return [note for note in self._notes(invoice_id) if note.status == "issued"]


def _less(payment: Payment, amount: int) -> Payment:
    refunded = payment.refunded + amount
    return replace(payment, refunded=refunded, status="refunded" if refunded == payment.amount else "succeeded")


def _line_id(invoice_id: str, line: LineDraft) -> str:
    return f"il_{invoice_id}_{line.key}"


def _rate_of(line: LineDraft) -> str:
    return f"txr_{line.key}"
