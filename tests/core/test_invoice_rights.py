"""Who may do what with invoices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.errors import NotPermitted, Unreachable
from flask_crm_stripe.model.business import Actor
from flask_crm_stripe.model.invoices import Invoice, Stage
from tests.core.samples import YARD
from tests.core.world import World

VIEWER = Actor("9", "Pieter", ["view"])
DRAFTER = Actor("8", "Mara", ["view", "draft"])


def test_each_deed_needs_its_right(connected: World) -> None:
    """Looking, drafting, sending are three rights."""
    invoice = connected.generate(refs=("11",), send=False)
    viewer, drafter = (connected.billing(actor=actor).invoicing for actor in (VIEWER, DRAFTER))
    assert viewer.get(invoice.id).id == invoice.id
    assert viewer.source(YARD).rows
    for deed in (
        lambda: viewer.preview(YARD, ["12"], Terms()),
        lambda: viewer.generate(YARD, ["12"], Terms(), seen="", form_key="k", send=False),
        lambda: viewer.delete_draft(invoice.id),
        lambda: viewer.resume(invoice.id),
        lambda: drafter.generate(YARD, ["12"], Terms(), seen="", form_key="k", send=True),
        lambda: drafter.send(invoice.id),
        lambda: drafter.payment_page(invoice.id),
        lambda: connected.billing(actor=Actor("7", "Nobody")).invoicing.get(invoice.id),
    ):
        with pytest.raises(NotPermitted):
            deed()


def test_what_was_to_be_sent_is_finished_only_by_somebody_who_may_send(connected: World) -> None:
    """Neither going on with it nor pressing its button once more goes round the right; a draft needs no such right."""
    connected.shops["hp"].fail_next("add_lines", Unreachable("No answer."))
    with pytest.raises(Unreachable) as caught:
        connected.generate()
    invoice_id = caught.value.invoice_id or ""
    drafter = connected.billing(actor=DRAFTER).invoicing
    deeds: tuple[Callable[[], Invoice], ...] = (
        lambda: drafter.resume(invoice_id),
        lambda: drafter.generate(YARD, ["11", "12"], Terms(), seen="", form_key="press-1", send=False),
    )
    for deed in deeds:
        with pytest.raises(NotPermitted, match="send"):
            deed()
    assert connected.billing().invoicing.get(invoice_id).stage is Stage.CREATED
    assert connected.billing().invoicing.resume(invoice_id).stage is Stage.SENT
    assert drafter.resume(invoice_id).stage is Stage.SENT, "nothing is left to do"


def test_a_drafter_finishes_a_draft(connected: World) -> None:
    """What nobody wanted sent stays a draft, whoever goes on with it."""
    connected.shops["hp"].fail_next("add_lines", Unreachable("No answer."))
    with pytest.raises(Unreachable) as caught:
        connected.generate(send=False)
    done = connected.billing(actor=DRAFTER).invoicing.resume(caught.value.invoice_id or "")
    assert (done.stage, done.status) == (Stage.CHECKED, "draft")
