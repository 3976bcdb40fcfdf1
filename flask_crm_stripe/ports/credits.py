"""Credit notes and refunds, remembered. Each method is one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.credits import Credit, CreditPlan, Refund, RemoteCredit
from flask_crm_stripe.model.events import TimelineEntry


class CreditStore(Protocol):
    """What was taken off the business's invoices, and what went back."""

    def plan(
        self, invoice_id: str, plan: CreditPlan, *, form_key: str, wanted: str, actor: str, now: datetime
    ) -> Credit:
        """Store the intent, or give what an earlier call with the same ``form_key`` stored; one that was given up is
        planned anew. Raises ``CreditUnderWay`` where another one of the invoice is not known to be at Stripe yet, and
        ``NotFound``."""
        ...

    def get(self, credit_id: str) -> Credit | None: ...

    def by_form_key(self, form_key: str) -> Credit | None:
        """What an earlier press of the same button made."""
        ...

    def of_invoice(self, invoice_id: str) -> Sequence[Credit]:
        """Oldest first, those that were given up included."""
        ...

    def replaced_by(self, invoice_id: str) -> Credit | None:
        """The credit note of the invoice that this one corrects."""
        ...

    def refunds(self, invoice_id: str) -> Sequence[Refund]:
        """Oldest first."""
        ...

    def give_up(self, credit_id: str, why: str) -> Credit:
        """It is certain that Stripe has none of it. One that Stripe has stays as it is. Raises ``NotFound``."""
        ...

    def see(
        self,
        invoice_id: str,
        seen: Sequence[tuple[RemoteCredit, CreditPlan]],
        refunds: Sequence[Refund],
        fetched_at: datetime,
        event_id: str | None = None,
        request_id: str | None = None,
    ) -> bool:
        """Store what Stripe tells of an invoice's credit notes and refunds, with a sentence for what is new, each once;
        work that was to become free is free with it. Nothing older than what is stored is applied. Whether anything is
        another than before. Raises ``NotFound``."""
        ...

    def replace(
        self, credit_id: str, invoice_id: str | None, problem: str | None, entries: Sequence[TimelineEntry] = ()
    ) -> Credit:
        """The new invoice that corrects the old one, or why there is none yet. ``entries`` are two: of the old one and
        of the new one; they are told once. Raises ``NotFound``."""
        ...

    def unfinished(self, books: Books, before: datetime, limit: int = 50) -> Sequence[Credit]:
        """Those of these books begun before then that are not known to be at Stripe, or whose new draft is to be made
        still; oldest first."""
        ...
