"""The signing secrets that are good now: those of the configuration, and those of endpoints that billing made itself.

What is stored is read now and then, not for each delivery, which so costs one round trip to the database. One that fits
none makes us look again, so a new secret is good at once; an old one may be good for a minute longer.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

FRESH_FOR = 60.0
MOST_LOOKS, WITHIN = 5, 5.0
"""Seconds. Whoever sends what is not signed cannot make us look more often than that."""


class SigningSecrets:
    """Of one app, in one process."""

    def __init__(
        self, given: Sequence[str], stored: Callable[[], Sequence[str]], now: Callable[[], float] = time.monotonic
    ) -> None:
        """``stored`` reads the secrets from the database; ``now`` counts seconds."""
        self._given = tuple(given)
        self._stored = stored
        self._now = now
        self._lock = threading.Lock()
        self._read: tuple[str, ...] = ()
        self._read_at: float | None = None
        self._looks: deque[float] = deque(maxlen=MOST_LOOKS)

    def all(self) -> tuple[str, ...]:
        """Every secret that may have signed."""
        if self._read_at is None or self._now() - self._read_at > FRESH_FOR:
            self._look()
        return (*self._given, *self._read)

    def look_again(self) -> bool:
        """Whether there are others by now."""
        before, now = self._read, self._now()
        if len(self._looks) == MOST_LOOKS and now - self._looks[0] < WITHIN:
            return False
        self._looks.append(now)
        self._look()
        return self._read != before

    def _look(self) -> None:
        with self._lock:
            self._read_at = self._now()
            self._read = tuple(self._stored())

    def __repr__(self) -> str:
        return "SigningSecrets()"
