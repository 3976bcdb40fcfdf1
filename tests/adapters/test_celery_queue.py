"""The Celery queue: names and ids through the broker, the same work in the worker, and a broker that may be down."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Mapping
from uuid import uuid4

import pytest
from celery import Celery

from flask_crm_stripe.adapters.celery_queue import NOT_BEFORE, TASK, CeleryQueue, register


@pytest.fixture
def celery() -> Celery:
    """A Celery app with a broker in memory and a queue of its own."""
    app = Celery("host", broker="memory://", set_as_current=False)
    app.conf.task_default_queue = f"test-{uuid4()}"
    return app


def test_a_call_goes_through_the_broker_and_is_run(celery: Celery) -> None:
    """What the web process puts is what the worker runs: the task's name and our ids, nothing else."""
    ran: list[tuple[str, Mapping[str, str | int]]] = []
    register(celery, lambda task, arguments: ran.append((task, arguments)))
    CeleryQueue(celery).put("apply_event", row=7, business="one")
    with celery.connection_for_read() as connection:
        message = connection.SimpleQueue(celery.conf.task_default_queue).get(timeout=5)
        message.ack()
    assert message.headers["task"] == TASK
    _, kwargs, _ = message.payload
    assert kwargs == {"task": "apply_event", "arguments": {"row": 7, "business": "one"}}
    celery.tasks[TASK].apply(kwargs=kwargs).get()
    assert ran == [("apply_event", {"row": 7, "business": "one"})]


def test_what_does_whatever_waits_is_sent_once_a_second(celery: Celery) -> None:
    """For a second later, so that what comes meanwhile is done with it; nothing that is put stays without a message
    after it. Work about one thing is sent each time, at once."""
    sent: list[float | None] = []
    time = [100.0]
    queue = CeleryQueue(celery, lambda: time[0])
    queue._send = lambda call, delay: sent.append(delay)  # type: ignore[method-assign]
    for at in (100.0, 100.1, 100.9, 101.0, 101.1, 104.0):
        time[0] = at
        queue.put("apply_events")
    assert sent == [NOT_BEFORE, NOT_BEFORE, NOT_BEFORE]
    assert queue.settles.total_seconds() == NOT_BEFORE
    for _ in range(2):
        queue.put("sync_services", business="one")
    assert sent[3:] == [None, None]


def test_a_host_with_beat_has_its_rounds_of_upkeep(celery: Celery) -> None:
    """Beside what it has planned itself."""
    celery.conf.beat_schedule = {"own": {"task": "own", "schedule": 5.0}}
    register(celery, lambda task, arguments: None)
    assert set(celery.conf.beat_schedule) == {"own", "crm_stripe.keep_up"}
    assert celery.conf.beat_schedule["crm_stripe.keep_up"]["kwargs"] == {"task": "keep_up", "arguments": {}}


def test_a_task_that_fails_fails_in_the_worker(celery: Celery) -> None:
    """Celery sees the failure, so that the host's own monitoring does."""

    def run(task: str, arguments: Mapping[str, str | int]) -> None:
        raise ZeroDivisionError(task)

    register(celery, run)
    with pytest.raises(ZeroDivisionError):
        celery.tasks[TASK].apply(kwargs={"task": "x", "arguments": {}}).get()
    assert celery.tasks[TASK].acks_late


def test_a_broker_that_is_down_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The caller goes on, since the row waits in the database; the log says so, without the broker's password."""
    app = Celery("host", broker="amqp://user:canary51@127.0.0.1:1//", set_as_current=False)
    with caplog.at_level(logging.ERROR):
        CeleryQueue(app).put("apply_event", row=7)
    (record,) = [entry for entry in caplog.records if entry.name.startswith("flask_crm_stripe")]
    assert "apply_event" in record.getMessage()
    assert "canary51" not in caplog.text


def test_without_an_app_the_current_one_is_used(celery: Celery) -> None:
    """A host with one Celery app has nothing to hand over."""
    celery.set_current()
    CeleryQueue().put("apply_event", row=7)
    with celery.connection_for_read() as connection:
        message = connection.SimpleQueue(celery.conf.task_default_queue).get(timeout=5)
        message.ack()
    assert message.headers["task"] == TASK


def test_celery_is_imported_only_when_it_is_used() -> None:
    """Hosts without Celery import the module, and everything else, without it."""
    code = "import sys, flask_crm_stripe.adapters.celery_queue; sys.exit('celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
