"""Work for later without a worker: after the response inside a request, at once anywhere else."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from datetime import timedelta
from itertools import count

from flask import Flask, Response, after_this_request, current_app, has_request_context, request

logger = logging.getLogger(__name__)

Arguments = Mapping[str, str | int]
Run = Callable[[str, Arguments], object]
_Call = tuple[str, dict[str, str | int]]

PATIENCE = 2.0
"""Seconds after which a call that a request collected should have run: a response takes less."""

_running: ContextVar[tuple[InlineQueue, deque[_Call]] | None] = ContextVar("crm_stripe_running", default=None)


class InlineQueue:
    """Runs tasks in this process.

    In a request they are collected (the same call once) and run when the response has gone out, in a fresh application
    context; outside one (the command line) they run at once. A task that fails is logged with its traceback and does
    not stop the next: what it left undone is still in our tables, for ``flask crm-stripe work``.

    A server may forget to close a response (Werkzeug's own does where the browser resets the connection): what was
    collected then is taken up by a later request.
    """

    def __init__(self, run: Run, now: Callable[[], float] = time.monotonic) -> None:
        """``run(task, arguments)`` does the work; it raises what it likes. ``now`` counts seconds."""
        self._run = run
        self._now = now
        self._collected: dict[int, tuple[float, _Call]] = {}
        self._numbers = count()
        self._lock = threading.Lock()

    @property
    def settles(self) -> timedelta:
        """Not at all: nobody comes by later."""
        return timedelta()

    def take_up(self) -> None:
        """In a request: run after it, too, what an earlier one collected some seconds ago and never ran."""
        for number, call in self._overdue():
            if self._claim(number):
                self._after_response(call)

    def put(self, task: str, **arguments: str | int) -> None:
        """Run ``task`` later. Called by a running task: after that one."""
        running = _running.get()
        if running is not None and running[0] is self:
            running[1].append((task, arguments))
        elif has_request_context():
            self._after_response((task, arguments))
        else:
            self._drain(deque([(task, arguments)]))

    def _after_response(self, call: _Call) -> None:
        # Not in `g`: requests inside of one application context, as in many a host's tests, share it.
        collected: dict[int, dict[int, _Call]] = request.environ.setdefault("crm_stripe.calls", {})
        calls = collected.get(id(self))
        if calls is None:
            calls = collected[id(self)] = {}
            self._hook(calls)
        if call not in calls.values():
            with self._lock:
                number = next(self._numbers)
                self._collected[number] = self._now(), call
            calls[number] = call

    def _overdue(self) -> list[tuple[int, _Call]]:
        with self._lock:
            due = self._now() - PATIENCE
            return [(number, call) for number, (since, call) in self._collected.items() if since <= due]

    def _claim(self, number: int) -> bool:
        """Whether the call is ours to run now: nobody has taken it yet."""
        with self._lock:
            return self._collected.pop(number, None) is not None

    def _hook(self, calls: Mapping[int, _Call]) -> None:
        app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # werkzeug's own way to the app

        def run_collected() -> None:
            with app.app_context():
                self._drain(deque(call for number, call in calls.items() if self._claim(number)))

        @after_this_request
        def run_when_closed(response: Response) -> Response:
            response.call_on_close(run_collected)
            return response

    def _drain(self, calls: deque[_Call]) -> None:
        token = _running.set((self, calls))
        try:
            while calls:
                task, arguments = calls.popleft()
                self._one(task, arguments)
        finally:
            _running.reset(token)

    def _one(self, task: str, arguments: Arguments) -> None:
        try:
            self._run(task, arguments)
        except Exception:
            logger.exception("The task “%s” (%s) failed. “flask crm-stripe work” takes it up again.", task, arguments)
