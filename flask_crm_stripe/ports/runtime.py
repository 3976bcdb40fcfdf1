"""The rest of the outside: time, secrets, work for later, and news for the host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Protocol

from flask_crm_stripe.model.notices import Mail


class Clock(Protocol):
    """Time, aware and in UTC."""

    def now(self) -> datetime: ...


class Vault(Protocol):
    """Encrypts what is stored. ``current`` names the key that seals, ``known`` all that can open; no name tells
    anything of its key."""

    @property
    def current(self) -> str: ...
    @property
    def known(self) -> Sequence[str]: ...

    def seal(self, secret: bytes) -> bytes:
        """Encrypt with the first key."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Decrypt with any key. Raises ``SecretUnreadable``."""
        ...


class Queue(Protocol):
    """Runs a task by its name, later: after the response, or in a worker."""

    @property
    def settles(self) -> timedelta:
        """How long what arrives waits for its like, so that one look at Stripe serves all of it."""
        ...

    def put(self, task: str, **arguments: str | int) -> None: ...


class Hands(Protocol):
    """Several threads of this process."""

    def together(self, work: Callable[[], object]) -> None:
        """Do the same work in each of them at once, until all have returned. What one raises is raised at the end."""
        ...


class OneHand:
    """The thread that is here already."""

    def together(self, work: Callable[[], object]) -> None:
        """Do it, once."""
        work()


class Pace(Protocol):
    """How often Stripe may be asked, for all processes together."""

    def take(self, name: str, per_second: float) -> float:
        """Take the next turn at ``name``, of which there are so many a second, spread evenly: how many seconds are to
        be waited before it."""
        ...


_nobody_waits: ContextVar[bool] = ContextVar("crm_stripe_nobody_waits", default=False)


@contextmanager
def nobody_waits() -> Iterator[None]:
    """What is done inside is done for nobody who looks on: a person's click goes first."""
    token = _nobody_waits.set(True)
    try:
        yield
    finally:
        _nobody_waits.reset(token)


def is_patient() -> bool:
    """Whether nobody waits for what is being done now."""
    return _nobody_waits.get()


class Mailer(Protocol):
    """Sends a mail the way the host does."""

    def send(self, mail: Mail) -> bool:
        """False where the host has not said how it sends mails. Raises what the host's function raises."""
        ...


class Publisher(Protocol):
    """Tells the host. ``signal`` is a name from ``flask_crm_stripe.signals``; payload values are frozen model values.

    Each receiver runs on its own; one that raises is logged and does not stop the others.
    """

    def publish(self, signal: str, **payload: object) -> None: ...


Headers = Mapping[str, str]
