"""From the work of a source to the plan of an invoice, or of a deposit. Nothing here reaches Stripe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.deposits import Deposit, claim_of, deductions, deposit_plan, deposits_of, is_deposit
from flask_crm_stripe.core.figures import Terms, Work, make_plan
from flask_crm_stripe.core.legal import EXEMPT_RULE, footer_of, policy_of
from flask_crm_stripe.core.rates import RATES, rates_of
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.core.selection import READY, SourceBilling, billable_row, check_choice, check_plan, check_terms
from flask_crm_stripe.errors import InvalidInput, NotFound, quoted
from flask_crm_stripe.model.business import DRAFT, VIEW, Business
from flask_crm_stripe.model.crm import Billable, Contact, Service, Source, SourceRef
from flask_crm_stripe.model.invoices import Invoice, InvoiceFilter, InvoicePlan
from flask_crm_stripe.ports.crm import CRM, ListsSourcesOfContacts
from flask_crm_stripe.ports.ledger import Ledger

TOO_MUCH = (
    "The deposits for this work are more than these lines come to. Choose more of them, or leave deposits for a later "
    "invoice."
)

MOST_OTHERS = 10
"""Sources of the same customer that are looked through for a page."""


@dataclass(frozen=True)
class Drafting:
    """What could be billed in the business."""

    business: Business
    rights: Rights
    ledger: Ledger
    crm: CRM
    connections: Connections

    def source(self, ref: SourceRef) -> SourceBilling:
        """What can be billed of an opportunity, ticket or order. Raises ``NotFound``."""
        self.rights.require(VIEW, "see work to bill")
        source = self._source(ref)
        billables = self.crm.billables(ref)
        refs = [billable.ref for billable in billables]
        invoices = self.ledger.invoices.of_billables(refs, self.connections.livemode)
        services = self._services(billables)
        contact = self.crm.contact(source.contact) if source.contact else None
        rates = rates_of(self.ledger.settings.all().get(RATES, ""))
        rows = [billable_row(b, services.get(b.service or ""), invoices.get(b.ref), contact, rates) for b in billables]
        return SourceBilling.of(source, contact, rows)

    def others(self, billing: SourceBilling) -> list[SourceBilling]:
        """Other sources of the same customer with work that could be on the same invoice, where the CRM lists them."""
        contact = billing.source.contact
        if contact is None or not isinstance(self.crm, ListsSourcesOfContacts):
            return []
        sources = islice((each for each in self.crm.sources_of(contact) if each.ref != billing.source.ref), MOST_OTHERS)
        found = [self.source(each.ref) for each in sources]
        return [other for other in found if any(row.state == READY for row in other.rows)]

    def deposits(self, sources: Sequence[SourceRef]) -> tuple[Deposit, ...]:
        """The deposits for the work of these sources that stand, oldest first."""
        self.rights.require(VIEW, "see invoices")
        connection = self.connections.live()
        if connection is None:
            return ()
        books = (connection.account_id, connection.livemode)
        found: dict[str, Invoice] = {}
        for source in dict.fromkeys(sources):
            chosen, cursor = InvoiceFilter(source=source, books=books), None
            while True:
                page = self.ledger.invoices.page(chosen, cursor, 100)
                found |= {invoice.id: invoice for invoice in page.rows if is_deposit(invoice)}
                if (cursor := page.older) is None:
                    break
        if not found:
            return ()
        claims = self.ledger.invoices.claims([claim_of(invoice) for invoice in found.values()])
        return deposits_of(found.values(), claims, {ref: self.ledger.credits.of_invoice(ref) for ref in found})

    def preview(self, ref: SourceRef, billables: Sequence[str], terms: Terms) -> InvoicePlan:
        """The invoice that these billables make, or the deposit on it. Work of other sources of the same customer may
        be among them. Raises ``InvalidInput``, ``BillableTaken``, ``NotFound``."""
        self.rights.require(DRAFT, "make invoices")
        return self.plan(self.source(ref), billables, terms)

    def plan(self, billing: SourceBilling, billables: Sequence[str], terms: Terms) -> InvoicePlan:
        """The same, of a source that was read a moment ago."""
        billing = self._with_others(billing, billables)
        rows = check_choice(billing, billables, advance=bool(terms.deposit_percent))
        contact = self._payer(billing.source, billing.contact)
        check_terms(terms, contact)
        work = [Work(row.billable, row.vat_rate or Decimal(0), row.code, row.list_price, row.vat_kind) for row in rows]
        settings = self.ledger.settings.all()
        policy, currency = policy_of(settings, self.business), rows[0].billable.currency
        plan = make_plan(contact, work, terms, currency, policy)
        check_plan(plan)
        if terms.deposit_percent:
            plan = deposit_plan(plan, billing.source, terms, policy)
        elif terms.deduct and (less := deductions(self.deposits(plan.sources), plan)):
            plan = make_plan(contact, work, terms, currency, policy, less)
            try:
                check_plan(plan)
            except InvalidInput:
                raise InvalidInput("deduct", TOO_MUCH) from None
        return replace(plan, footer=footer_of(plan, settings.get(EXEMPT_RULE, "")))

    def _with_others(self, billing: SourceBilling, billables: Sequence[str]) -> SourceBilling:
        """With the rows of the other sources that some of these are of."""
        known = {row.billable.ref for row in billing.rows}
        others = self.crm.billables_by_ref([ref for ref in billables if ref not in known])
        rows = list(billing.rows)
        for where in dict.fromkeys(billable.source for billable in others):
            other = self.source(where)
            if billing.contact is None or other.contact is None or other.contact.ref != billing.contact.ref:
                title = quoted(other.source.title)
                raise InvalidInput("billables", f"{title} is for another customer, and an invoice has one. Choose one.")
            rows += other.rows
        return replace(billing, rows=tuple(rows))

    def _source(self, ref: SourceRef) -> Source:
        source = self.crm.source(ref)
        if source is None:
            raise NotFound(ref.kind or "source")
        return source

    def _payer(self, source: Source, contact: Contact | None) -> Contact:
        if contact is None:
            raise InvalidInput("contact", f"{quoted(source.title)} has no contact to bill. Choose one in the CRM.")
        return contact

    def _services(self, billables: Sequence[Billable]) -> dict[str, Service]:
        refs = dict.fromkeys(billable.service for billable in billables if billable.service)
        return {ref: service for ref in refs if (service := self.crm.service(ref)) is not None}
