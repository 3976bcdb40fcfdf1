"""Work in the host's own Celery workers: ids through the broker, the work in the worker, nothing lost without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from celery import Celery

from flask_crm_stripe import CRMStripe
from tests.support.billing_host import LINES, NORTH, billing_host


def messages(celery: Celery) -> list[dict[str, Any]]:
    """What waits at the broker, taken from it."""
    found = []
    with celery.connection_for_read() as connection:
        queue = connection.SimpleQueue("celery")
        while queue.qsize():
            message = queue.get(block=False)
            message.ack()
            found.append(message.payload[1])
        queue.close()
    return found


def test_a_webhook_is_applied_by_a_worker(tmp_path: Path) -> None:
    """The request only stores; the message holds a task's name and a row's number; the worker does the rest."""
    celery = Celery("host", broker="memory://", set_as_current=True)
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite", CRM_STRIPE_TASKS="celery") as host:
        CRMStripe().register_tasks(celery, host.app)
        run = celery.tasks["crm_stripe.run"]
        north, _ = host.connected()
        assert {message["task"] for message in messages(celery)} == {"sync_services", "sync_noted"}
        invoice_id = north.bill(NORTH, LINES[NORTH][0])
        [invoice] = host.things("invoice")
        host.fake.pay(invoice["hosted_invoice_url"])
        host.fake.deliver()
        assert "Open" in north.page(f"/invoices/{invoice_id}").text
        calls = messages(celery)
        assert {call["task"] for call in calls} == {"apply_events"}
        assert all(call["arguments"] == {} for call in calls)
        run(**calls[-1])
        waiting = [row for row in host.rows("crm_stripe_event") if row["state"] == "waiting"]
        assert waiting == [], "one task sweeps up what is due"
        assert "Card ending 4242" in north.page(f"/invoices/{invoice_id}").text
