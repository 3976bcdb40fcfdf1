"""Runs of many invoices, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.model.runs import OPEN, ItemState, Outcome, Run, RunItem, RunState, Tally
from flask_crm_stripe.testing.memory.state import Claim, RunRow, State, page_of


@dataclass(frozen=True)
class MemoryRuns:
    """``ports.runs.RunStore``."""

    business: str
    state: State

    def add(self, run: Run, items: Sequence[RunItem]) -> None:
        """Keep it with its items."""
        with self.state.lock:
            number = self.state.number()
            claims = [Claim(replace(item, number=self.state.number())) for item in items]
            self.state.runs[run.id] = RunRow(number, self.business, run, claims)

    def forget_planned(self, before: datetime) -> int:
        """Those that nobody started go."""
        with self.state.lock:
            planned = [kept.run for kept in self._ours() if kept.run.state is RunState.PLANNED]
            old = [run for run in planned if run.created_at < before]
            for run in old:
                del self.state.runs[run.id]
            return len(old)

    def get(self, run_id: str) -> Run | None:
        """One of ours."""
        kept = self._one(run_id)
        return kept.run if kept else None

    def page(self, cursor: str | None = None, limit: int = 25) -> Page[Run]:
        """Those that were started, newest first."""
        with self.state.lock:
            started = [kept for kept in self._ours() if kept.run.state is not RunState.PLANNED]
            return page_of([(kept.row, kept.run) for kept in started], cursor, limit)

    def tally(self, run_id: str) -> list[Tally]:
        """How far it is."""
        with self.state.lock:
            counted: dict[tuple[ItemState, str], list[int]] = {}
            for claim in self._claims(run_id):
                counted.setdefault((claim.item.state, claim.item.currency), []).append(claim.item.total)
            return [Tally(*what, len(totals), sum(totals)) for what, totals in sorted(counted.items())]

    def items(self, run_id: str, state: ItemState | None = None, limit: int = 100, after: int = 0) -> list[RunItem]:
        """In their order."""
        with self.state.lock:
            items = [claim.item for claim in self._claims(run_id) if claim.item.number > after]
        return [item for item in items if state in (None, item.state)][:limit]

    def claim(self, run_id: str, holder: str, now: datetime, until: datetime) -> RunItem | None:
        """The next item, for the holder alone."""
        with self.state.lock:
            kept = self._one(run_id)
            if kept is None or kept.run.state is not RunState.RUNNING:
                return None
            due = [claim for claim in kept.claims if _is_due(claim, now)]
            for claim in sorted(due, key=lambda each: each.item.state is ItemState.DOING):
                left_behind = claim.item.state is ItemState.DOING
                claim.item = replace(claim.item, state=ItemState.DOING, tries=claim.item.tries + left_behind)
                claim.holder, claim.due_at = holder, until
                return claim.item
            return None

    def finish(self, number: int, holder: str, outcome: Outcome) -> bool:
        """Note what became of it, where it is still the holder's."""
        with self.state.lock:
            for claim in (each for kept in self._ours() for each in kept.claims):
                item = claim.item
                if item.number == number and item.state is ItemState.DOING and claim.holder == holder:
                    claim.item = replace(
                        item,
                        state=outcome.state,
                        code=outcome.code,
                        reason=outcome.reason,
                        invoice_id=outcome.invoice_id or item.invoice_id,
                        tries=item.tries + 1,
                    )
                    claim.holder, claim.due_at = "", outcome.not_before
                    return True
            return False

    def settle(self, run_id: str, now: datetime) -> bool:
        """Done, where all its items have ended."""
        with self.state.lock:
            if any(claim.item.state in OPEN for claim in self._claims(run_id)):
                return False
            return self.move(run_id, RunState.RUNNING, RunState.DONE, now)

    def move(self, run_id: str, before: RunState, after: RunState, now: datetime) -> bool:
        """From one state to another, once."""
        with self.state.lock:
            kept = self._one(run_id)
            if kept is None or kept.run.state is not before:
                return False
            kept.run = replace(kept.run, state=after, ended_at=None if after is RunState.RUNNING else now)
            return True

    def retry(self, run_id: str, code_not: Sequence[str]) -> int:
        """Failed items wait again, and the run goes on."""
        with self.state.lock:
            kept = self._one(run_id)
            failed = [
                claim
                for claim in (kept.claims if kept else ())
                if claim.item.state is ItemState.FAILED and claim.item.seen and claim.item.code not in code_not
            ]
            for claim in failed:
                claim.item = replace(claim.item, state=ItemState.WAITING, again=True, tries=0)
                claim.due_at = None
            if kept and failed:
                kept.run = replace(kept.run, state=RunState.RUNNING, ended_at=None)
            return len(failed)

    def due(self, books: Books, now: datetime) -> list[str]:
        """Running ones that have something to do."""
        with self.state.lock:
            return [
                kept.run.id
                for kept in self._ours()
                if kept.run.books == books
                and kept.run.state is RunState.RUNNING
                and (
                    any(_is_due(claim, now) for claim in kept.claims)
                    or not any(claim.item.state in OPEN for claim in kept.claims)
                )
            ]

    def _claims(self, run_id: str) -> Iterator[Claim]:
        kept = self._one(run_id)
        yield from kept.claims if kept else ()

    def _one(self, run_id: str) -> RunRow | None:
        return next((kept for kept in self._ours() if kept.run.id == run_id), None)

    def _ours(self) -> list[RunRow]:
        with self.state.lock:
            return [kept for kept in self.state.runs.values() if kept.business == self.business]


def _is_due(claim: Claim, now: datetime) -> bool:
    if claim.item.state is ItemState.WAITING and claim.due_at is None:
        return True
    return claim.item.state in OPEN and claim.due_at is not None and claim.due_at <= now
