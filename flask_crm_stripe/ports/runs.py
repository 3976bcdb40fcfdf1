"""Runs of many invoices, remembered. Each method is one short transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.model.runs import ItemState, Outcome, Run, RunItem, RunState, Tally


class RunStore(Protocol):
    """Runs of the business."""

    def add(self, run: Run, items: Sequence[RunItem]) -> None:
        """Keep it with its items, in their order."""
        ...

    def forget_planned(self, before: datetime) -> int:
        """Those that were planned before then and never started go: how many."""
        ...

    def get(self, run_id: str) -> Run | None: ...

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Run]:
        """Those that were started, newest first. Raises ``InvalidInput`` for a damaged cursor."""
        ...

    def tally(self, run_id: str) -> Sequence[Tally]:
        """How far it is."""
        ...

    def items(self, run_id: str, state: ItemState | None = None, limit: int = 100, after: int = 0) -> Sequence[RunItem]:
        """In their order, those behind a number."""
        ...

    def claim(self, run_id: str, holder: str, now: datetime, until: datetime) -> RunItem | None:
        """The next item that waits, or whose worker's lease has ended (then that counts as a try), for ``holder`` alone
        until then. None where nothing is to be done now, or the run was stopped."""
        ...

    def finish(self, number: int, holder: str, outcome: Outcome) -> bool:
        """Note what became of a claimed item; False where it is ``holder``'s no more."""
        ...

    def settle(self, run_id: str, now: datetime) -> bool:
        """A running one whose items have all ended is done: whether it is now."""
        ...

    def move(self, run_id: str, before: RunState, after: RunState, now: datetime) -> bool:
        """From one state to another, once: whether it was in the first one."""
        ...

    def retry(self, run_id: str, code_not: Sequence[str]) -> int:
        """Failed items whose figures were seen wait again, but for those that failed with these codes; the run goes on.
        Says how many."""
        ...

    def due(self, books: Books, now: datetime) -> Sequence[str]:
        """Runs of these books that have something to do now, oldest first; those where all has ended, too."""
        ...
