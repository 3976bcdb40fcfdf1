"""Journal and settings, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.model.connection import Books
from flask_crm_stripe.model.journal import Outcome, Step
from flask_crm_stripe.testing.memory.state import State


@dataclass(frozen=True)
class MemoryJournal:
    """``ports.ledger.JournalStore``."""

    business: str
    state: State

    def last(self, subject: str, name: str, books: Books | None = None) -> Step | None:
        """The newest attempt of this step."""
        steps = [step for step in reversed(self.steps(subject)) if step.name == name]
        return next((step for step in steps if books in (None, self.state.step_books[step.id])), None)

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
            self.state.step_books[step.id] = (account_id, livemode)
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
