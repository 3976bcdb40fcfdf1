"""What an invoice costs at Stripe, counted in FakeStripe's log, and here, in time; many at once: ``bench.bulk``."""

from __future__ import annotations

import time

from bench import bulk
from bench.world import SOURCE, World, billable, service, world
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.model.invoices import Delivery

SIZES = (1, 20, 250)


def measure() -> dict[str, float]:
    """Requests for invoices of 1, 20 and 250 lines to a known customer, the largest number of each kind; and a run."""
    with world() as here:
        here.crm.add("hp", service(1))
        _invoice(here, "first", 1, Delivery.LINK)  # makes the customer and the product
        links = [_invoice(here, f"link{size}", size, Delivery.LINK) for size in SIZES]
        mails = [_invoice(here, f"mail{size}", size, Delivery.MAIL) for size in SIZES]
    return {
        "calls_for_link": max(calls for calls, _ in links),
        "calls_with_mail": max(calls for calls, _ in mails),
        **{f"seconds_{size}_lines": round(took, 3) for size, (_, took) in zip(SIZES, links, strict=True)},
        **bulk.measure(),
    }


def _invoice(here: World, name: str, size: int, delivery: Delivery) -> tuple[int, float]:
    refs = [f"{name}-{number}" for number in range(size)]
    here.crm.add("hp", *(billable(ref) for ref in refs))
    terms, invoicing = Terms(delivery=delivery), here.billing.invoicing
    seen = digest(invoicing.preview(SOURCE, refs, terms))
    before, began = len(here.fake.requests), time.perf_counter()
    invoicing.generate(SOURCE, refs, terms, seen=seen, form_key=name, send=True)
    took = time.perf_counter() - began
    return here.calls(before), took
