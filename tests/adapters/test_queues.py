"""The inline queue: after the response in a request, at once elsewhere, and no task stops another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

import pytest
from flask import Flask, current_app, has_app_context, has_request_context

from flask_crm_stripe.adapters.queues import InlineQueue

Calls = list[tuple[str, dict[str, str | int]]]


class Tasks:
    """Runs tasks by name and writes down in which order, and where."""

    def __init__(self) -> None:
        self.done: Calls = []
        self.in_request: list[bool] = []
        self.apps: list[str] = []
        self.special: dict[str, Callable[[], None]] = {}
        self.queue = InlineQueue(self.run)

    def run(self, task: str, arguments: Mapping[str, str | int]) -> None:
        """One task."""
        self.done.append((task, dict(arguments)))
        self.in_request.append(has_request_context())
        self.apps.append(current_app.name if has_app_context() else "")
        self.special.get(task, lambda: None)()


@pytest.fixture
def tasks() -> Tasks:
    """Tasks and their queue."""
    return Tasks()


def app_of(name: str, view: Callable[[], str]) -> Flask:
    """An app with one page."""
    app = Flask(name)
    app.add_url_rule("/", "page", view)
    return app


def test_outside_a_request_it_runs_at_once(tasks: Tasks) -> None:
    """On the command line the work is done when `put` returns."""
    tasks.queue.put("sync", business="one", row=7)
    assert tasks.done == [("sync", {"business": "one", "row": 7})]


def test_in_a_request_it_runs_after_the_response(tasks: Tasks) -> None:
    """Nothing runs while the page is made; the same call twice runs once; all in the app's context, no request left."""

    def page() -> str:
        tasks.queue.put("apply", row=1)
        tasks.queue.put("apply", row=2)
        tasks.queue.put("apply", row=1)
        return f"{len(tasks.done)} done"

    response = app_of("crm", page).test_client().get("/")
    assert response.text == "0 done"
    response.close()
    assert tasks.done == [("apply", {"row": 1}), ("apply", {"row": 2})]
    assert tasks.in_request == [False, False]
    assert tasks.apps == ["crm", "crm"]


def test_a_page_that_fails_has_its_work_done_too(tasks: Tasks) -> None:
    """What was put before the page failed still runs: its rows are committed."""

    def page() -> str:
        tasks.queue.put("apply", row=1)
        raise ZeroDivisionError

    response = app_of("crm", page).test_client().get("/")
    response.close()
    assert response.status_code == 500
    assert tasks.done == [("apply", {"row": 1})]


def test_requests_and_apps_do_not_mix(tasks: Tasks) -> None:
    """Two apps, each with its own queue, and two requests: each runs its own work, once."""
    other = Tasks()

    def page() -> str:
        tasks.queue.put("first", row=1)
        return ""

    def other_page() -> str:
        other.queue.put("second", row=2)
        return ""

    crm, shop = app_of("crm", page), app_of("shop", other_page)
    for app in (crm, shop, crm):
        app.test_client().get("/").close()
    assert [name for name, _ in tasks.done] == ["first", "first"]
    assert tasks.apps == ["crm", "crm"]
    assert (other.done, other.apps) == ([("second", {"row": 2})], ["shop"])


def test_two_queues_in_one_request(tasks: Tasks) -> None:
    """A request that puts into two queues runs each call in its own."""
    other = Tasks()

    def page() -> str:
        tasks.queue.put("mine", row=1)
        other.queue.put("theirs", row=1)
        return ""

    app_of("crm", page).test_client().get("/").close()
    assert ([name for name, _ in tasks.done], [name for name, _ in other.done]) == (["mine"], ["theirs"])


def test_a_task_that_fails_is_logged_and_stops_nobody(tasks: Tasks, caplog: pytest.LogCaptureFixture) -> None:
    """The next task runs, the caller goes on, and the log has the traceback and the task's name."""

    def fail() -> None:
        raise ZeroDivisionError("task's own fault")

    tasks.special["bad"] = fail

    def page() -> str:
        tasks.queue.put("bad", row=1)
        tasks.queue.put("good", row=2)
        return ""

    with caplog.at_level(logging.ERROR):
        app_of("crm", page).test_client().get("/").close()
        tasks.queue.put("bad", row=3)
    assert [name for name, _ in tasks.done] == ["bad", "good", "bad"]
    assert ["bad" in record.getMessage() and record.exc_info is not None for record in caplog.records] == [True, True]


def test_what_a_forgetful_server_left_is_taken_up_by_a_later_request() -> None:
    """Once, and not before its time: a response that is still on its way closes by itself."""
    tasks, seconds = Tasks(), [0.0]
    queue = InlineQueue(tasks.run, now=lambda: seconds[0])
    app = Flask("host")

    @app.get("/put")
    def put() -> str:
        queue.put("sync", business="north")
        return "ok"

    @app.get("/later")
    def later() -> str:
        queue.take_up()
        return "ok"

    forgotten = app.test_client().get("/put")
    app.test_client().get("/later", buffered=True)
    assert tasks.done == []
    seconds[0] = 5.0
    app.test_client().get("/later", buffered=True)
    assert tasks.done == [("sync", {"business": "north"})]
    forgotten.close()
    app.test_client().get("/later", buffered=True)
    assert len(tasks.done) == 1


def test_a_task_may_put_another(tasks: Tasks) -> None:
    """Work that makes work: it runs after the task that put it, not inside it, however long the chain."""
    order: list[str] = []

    def first() -> None:
        tasks.queue.put("second")
        order.append("first ends")

    tasks.special["first"] = first
    tasks.special["second"] = lambda: order.append("second runs")
    tasks.queue.put("first")
    assert order == ["first ends", "second runs"]

    left = iter(range(5_000))
    tasks.special["chain"] = lambda: tasks.queue.put("chain") if next(left, None) is not None else None
    tasks.queue.put("chain")
    assert len([name for name, _ in tasks.done if name == "chain"]) == 5_001
