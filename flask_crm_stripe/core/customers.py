"""Contacts as Stripe customers: made on first use, kept up to date, never twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.gate import exemption
from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.core.legal import compact, vat_type
from flask_crm_stripe.errors import InvalidInput, Refused, quoted
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.crm import Address, Contact, ContactRef
from flask_crm_stripe.model.invoices import CustomerDraft, LinkedCustomer
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.provider import Answer
from flask_crm_stripe.ports.runtime import Clock

LOOK_BACK = timedelta(minutes=10)
MALFORMED = "tax_id_invalid"


@dataclass(frozen=True)
class Customers:
    """The contacts of the business at Stripe."""

    ledger: Ledger
    crm: CRM
    connections: Connections
    clock: Clock
    installation: str

    def ensure(self, contact: Contact) -> str:
        """The contact's ``cus_...``, made or brought up to date at Stripe as needed."""
        connection = self.connections.require_live()
        link = self.ledger.customers.link(connection.account_id, connection.livemode, contact.ref, self.clock.now())
        draft = customer_draft(contact, link, self.installation, self.ledger.business)
        wanted = digest(draft)
        if link.customer_id is not None and link.content_hash == wanted:
            return link.customer_id
        customer_id = self._update(link, link.customer_id, draft) if link.customer_id else self._create(link, draft)
        if draft.vat_type or link.customer_id:
            self._number(link, customer_id, draft)
        self.ledger.customers.linked(link.id, customer_id, wanted)
        return customer_id

    def follow(self, ref: ContactRef) -> None:
        """A contact changed in the CRM: tell Stripe, if Stripe knows it."""
        connection = self.connections.require_live()
        link = self.ledger.customers.find(connection.account_id, connection.livemode, ref)
        contact = self.crm.contact(ref)
        if link is not None and link.customer_id is not None and contact is not None:
            self.ensure(contact)

    def _create(self, link: LinkedCustomer, draft: CustomerDraft) -> str:
        provider = self.connections.provider()
        made: list[str] = []

        def make(key: str) -> Answer:
            made.append(key)
            return provider.create_customer(draft, key)

        answer = self._journal().call(
            f"customer:{link.id}",
            "create",
            draft,
            make,
            lambda: provider.find_customer(link.id, link.created_at - LOOK_BACK),
        )
        if not made:
            self._update(link, answer.id, draft)  # Found from an earlier attempt: the contact may have changed since.
        return answer.id

    def _update(self, link: LinkedCustomer, customer_id: str, draft: CustomerDraft) -> str:
        provider = self.connections.provider()
        self._journal().call(
            f"customer:{link.id}", "update", draft, lambda key: provider.update_customer(customer_id, draft, key)
        )
        return customer_id

    def _number(self, link: LinkedCustomer, customer_id: str, draft: CustomerDraft) -> None:
        """The VAT number, by a call of its own: a malformed one would refuse the whole customer."""
        provider, number = self.connections.provider(), draft.vat_number

        def put(key: str) -> Done:
            provider.set_vat_number(customer_id, draft.vat_type, number, key)
            return Done(customer_id)

        wanted = [draft.vat_type, number]
        try:
            self._journal().call(f"customer:{link.id}", "vat_number", wanted, put)
        except Refused as refusal:
            if refusal.stripe_code != MALFORMED:
                raise
            what = f"Stripe finds that {quoted(number)} is no VAT number of {draft.name}. Correct it in the CRM."
            raise InvalidInput("vat_number", what) from refusal

    def _journal(self) -> Journal:
        connection = self.connections.require_live()
        return Journal(self.ledger.journal, self.clock, connection.account_id, connection.livemode)


@dataclass(frozen=True, slots=True)
class Done:
    """An answer without a request of its own."""

    id: str
    request_id: str | None = None


def customer_draft(contact: Contact, link: LinkedCustomer, installation: str, business: str) -> CustomerDraft:
    """A contact in Stripe's terms; the metadata leads back to the CRM."""
    address = contact.address or Address()
    return CustomerDraft(
        name=contact.name[:256],
        email=contact.email or None,
        phone=contact.phone or None,
        locale=contact.language or None,
        line1=address.line1,
        line2=address.line2,
        postal_code=address.postal_code,
        city=address.city,
        state=address.state,
        country=address.country,
        exempt=exemption(contact),
        vat_number=compact(contact.vat_number or ""),
        vat_type=vat_type(contact.vat_number or ""),
        metadata={
            "crm_stripe_id": link.id,
            "crm_installation": installation,
            "crm_business": business,
            "crm_contact": f"{contact.ref.kind}:{contact.ref.ref}",
        },
    )
