"""Journal, log, names and settings, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.events import LogEntry
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.testing.memory.state import State, page_of


@dataclass(frozen=True)
class MemoryJournal:
    """``ports.ledger.JournalStore``."""

    business: str
    state: State

    def last(self, subject: str, name: str) -> Step | None:
        """The newest attempt of this step."""
        return next((step for step in reversed(self.steps(subject)) if step.name == name), None)

    def start(
        self,
        subject: str,
        name: str,
        generation: int,
        key: str,
        request_hash: str,
        now: datetime,
        *,
        account_id: str = "",
        livemode: bool = False,
    ) -> Step:
        """Written before the call."""
        with self.state.lock:
            step = Step(self.state.number(), subject, name, generation, key, request_hash, now)
            self.state.steps[step.id] = (self.business, step)
            return step

    def finish(
        self,
        step_id: int,
        outcome: Outcome,
        now: datetime,
        *,
        result_id: str | None = None,
        request_id: str | None = None,
        error: str | None = None,
    ) -> None:
        """Written after it. Raises ``NotFound``."""
        with self.state.lock:
            business, step = self.state.steps.get(step_id, ("", None))
            if step is None or business != self.business:
                raise NotFound("step")
            done = replace(
                step, outcome=outcome, finished_at=now, result_id=result_id, request_id=request_id, error=error
            )
            self.state.steps[step_id] = (business, done)

    def steps(self, subject: str) -> list[Step]:
        """Oldest first."""
        with self.state.lock:
            ours = [step for business, step in self.state.steps.values() if business == self.business]
        return [step for step in ours if step.subject == subject]


@dataclass(frozen=True)
class MemoryLog:
    """``ports.ledger.LogStore``."""

    business: str
    state: State

    def add(self, entry: LogEntry) -> None:
        """One more line."""
        with self.state.lock:
            self.state.log.append((self.business, replace(entry, id=self.state.number())))

    def page(self, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]:
        """Newest first."""
        with self.state.lock:
            ours = [(entry.id, entry) for business, entry in self.state.log if business == self.business]
        return page_of(ours, cursor, limit)


@dataclass(frozen=True)
class MemoryPeople:
    """``ports.ledger.PeopleStore``."""

    business: str
    state: State

    def remember(self, ref: str, name: str, now: datetime) -> None:
        """Keep the name."""
        with self.state.lock:
            self.state.people[self.business, ref] = name

    def names(self, refs: Sequence[str]) -> dict[str, str]:
        """Name by ref, of those that are known."""
        with self.state.lock:
            known = {ref: self.state.people.get((self.business, ref)) for ref in refs}
        return {ref: name for ref, name in known.items() if name is not None}


@dataclass(frozen=True)
class MemorySettings:
    """``ports.ledger.SettingStore``."""

    business: str
    state: State

    def all(self) -> dict[str, str]:
        """Those that were ever saved."""
        with self.state.lock:
            return dict(self.state.settings.get(self.business, {}))

    def save(self, values: Mapping[str, str], actor: str, now: datetime) -> None:
        """Set these; others stay."""
        with self.state.lock:
            self.state.settings.setdefault(self.business, {}).update(values)
