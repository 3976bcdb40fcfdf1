"""Who did, saw, or was refused what. Lines keep a person's ref only; the name is kept once, and read with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from flask_crm_stripe.errors import ApprovalNeeded, BillingError, CopyLocked, NotPermitted, OwnRequest, ProviderError
from flask_crm_stripe.model.business import SYSTEM, Actor
from flask_crm_stripe.model.log import DONE, FAILED, REFUSED, SEEN, LogEntry
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

LONGEST_TARGET, LONGEST_REASON, LONGEST_ADDRESS, LONGEST_IDS = 500, 1000, 64, 255
ONCE_PER = timedelta(hours=24)
UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""What could start a line of its own, turn the reading direction, or not be stored."""

REFUSALS = (NotPermitted, CopyLocked, ApprovalNeeded, OwnRequest)


@dataclass
class Deed:
    """What is being done; its target may be known only when it is done."""

    target: str
    reason: str | None = None


@dataclass(frozen=True)
class ActionLog:
    """The log in one actor's hands. ``trace`` collects the ids of the requests to Stripe."""

    actor: Actor
    ledger: Ledger
    clock: Clock
    trace: list[str] = field(default_factory=list)

    def note(self, action: str, target: str, outcome: str = DONE, reason: str | None = None, since: int = -1) -> None:
        """Add a line, and remember what its actor is called. The software itself is nobody to remember. Requests from
        the ``since``-th on belong to the line."""
        now, actor = self.clock.now(), self.actor
        entry = LogEntry(
            now,
            actor.ref,
            action,
            clean(target, LONGEST_TARGET),
            outcome,
            clean(reason, LONGEST_REASON) if reason else None,
            clean(actor.address, LONGEST_ADDRESS) or None,
            fitting(self.trace[since:]) if since >= 0 else None,
        )
        self.ledger.log.add(entry)
        if actor.ref != SYSTEM.ref:
            self.ledger.people.remember(actor.ref, actor.name, now)

    def seen(self, action: str, target: str) -> None:
        """Note that the actor looked at something personal or secret, once a day for each thing."""
        since = self.clock.now() - ONCE_PER
        if not self.ledger.log.seen_since(self.actor.ref, action, clean(target, LONGEST_TARGET), since):
            self.note(action, target, SEEN)

    @contextmanager
    def deed(self, action: str, target: str, reason: str | None = None) -> Iterator[Deed]:
        """Note what became of what is done inside: done, refused, or failed with the error's code."""
        deed, since = Deed(target, reason), len(self.trace)
        try:
            yield deed
        except BillingError as error:
            if isinstance(error, ProviderError) and error.request_id and error.request_id not in self.trace[since:]:
                self.trace.append(error.request_id)
            self.note(action, deed.target, REFUSED if isinstance(error, REFUSALS) else FAILED, error.code, since)
            raise
        except Exception:
            self.note(action, deed.target, FAILED, "internal", since)
            raise
        self.note(action, deed.target, DONE, deed.reason, since)


def clean(text: str, longest: int) -> str:
    """One line, without what could be read as something else."""
    return UNSEEN.sub(" ", text).strip()[:longest]


def fitting(ids: list[str]) -> str | None:
    """As many request ids as there is room for, each whole and once."""
    found = ""
    for each in dict.fromkeys(ids):
        if len(found) + len(each) < LONGEST_IDS:
            found = f"{found} {each}".strip()
    return found or None
