"""Work that the host wants billed by itself: an order that was confirmed, a ticket that was closed."""

from __future__ import annotations

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import FinanceModuleOff, NotFound
from flask_crm_stripe.model.business import SYSTEM, Business
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery
from flask_crm_stripe.model.runs import Run
from flask_crm_stripe.web.context import state
from flask_crm_stripe.web.terms import form_of_settings


def bill_by_itself(source: SourceRef, business: Business | str | None, *, send: bool) -> Run:
    """A run of one source, in the software's own name, on the terms of the business's settings. Started where an
    invoice can come of it; else it says why not. Without a business it is the request's. Raises
    ``HostTransactionOpen``, ``FinanceModuleOff``, ``NotConnected``, ``NotFound``, ``Conflict``."""
    found = state()
    found.release_host_session()
    given = found.load_business() if business is None else business
    if given is None:
        raise NotFound("business")
    named = Business(given, given) if isinstance(given, str) else given
    if not found.finance_enabled(named.ref):
        raise FinanceModuleOff
    found.release_host_session()  # The host's loaders have read.
    billing = found.ready().billing(named, SYSTEM)
    start = form_of_settings(billing.ledger.settings.all())
    contact = billing.invoicing.source(source).contact
    delivery = Delivery.LINK if contact is not None and not contact.email else Delivery(start["delivery"])
    terms = Terms(days_until_due=int(start["days_until_due"]), note=start["note"], delivery=delivery)
    run = billing.runs.plan([source], terms, send=send)
    return billing.runs.start_if_any(run)
