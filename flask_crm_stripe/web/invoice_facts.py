"""What is said of an invoice wherever it is shown: late or not, owed or not, where it came from."""

from __future__ import annotations

from decimal import Decimal

from markupsafe import Markup

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Difference, Invoice, Status
from flask_crm_stripe.web.formats import STORED_AMOUNT, Formats
from flask_crm_stripe.web.i18n import Texts
from flask_crm_stripe.web.page import source_kind
from flask_crm_stripe.web.sentences import isolated


def days_late(invoice: Invoice, f: Formats) -> int:
    """Days since the due date of an invoice that still waits for money; 0 where it is not late."""
    if invoice.status != Status.OPEN or invoice.due_date is None:
        return 0
    return max(0, (f.today - invoice.due_date).days)


def owed(invoice: Invoice) -> int | None:
    """What is still to pay; None where nothing can be owed (yet, or any more)."""
    return invoice.amount_remaining if invoice.status in (Status.OPEN, Status.PAID, Status.UNCOLLECTIBLE) else None


def problem_words(invoice: Invoice, texts: Texts) -> Markup:
    """Why it stands still, in three words."""
    stopped = invoice.problem is not None and bool(invoice.problem.differences)
    return texts.gettext("stopped at the check") if stopped else texts.gettext("not finished")


def compared(difference: Difference, f: Formats) -> dict[str, str]:
    """A row of the comparison, with the difference where both sides are amounts of one currency."""
    ours, theirs = STORED_AMOUNT.fullmatch(difference.ours), STORED_AMOUNT.fullmatch(difference.theirs)
    row = {"what": difference.what, "ours": f.rewritten(difference.ours), "theirs": f.rewritten(difference.theirs)}
    if not ours or not theirs or ours[2] != theirs[2]:
        return {**row, "difference": ""}
    gap = Decimal(theirs[1]) - Decimal(ours[1])
    sign = "+" if gap > 0 else ""
    amount = f"{gap} {ours[2]}" if ours[2] else str(gap)
    return {**row, "difference": f"{sign}{f.rewritten(amount)}"}


class SourceNames:
    """Opportunities, tickets and orders by name; each is looked up in the CRM once per page."""

    def __init__(self, billing: Billing) -> None:
        self._crm = billing.crm
        self._known: dict[SourceRef, Markup] = {}

    def of(self, invoice: Invoice) -> Markup:
        """``Opportunity OP-2207``, or how many there are."""
        return Markup(", ").join(self.one(ref) for ref in invoice.plan.sources)

    def one(self, ref: SourceRef) -> Markup:
        """``Opportunity OP-2207``; only its kind where the CRM does not have it any more."""
        if ref not in self._known:
            found = self._crm.source(ref)
            kind, number = isolated(source_kind(ref.kind)), found.number or found.title if found else ""
            self._known[ref] = Markup("{} {}").format(kind, isolated(number)) if number else kind
        return self._known[ref]
