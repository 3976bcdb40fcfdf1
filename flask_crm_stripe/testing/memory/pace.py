"""Turns, handed out in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class MemoryPace:
    """``ports.runtime.Pace``. ``now`` counts seconds."""

    now: Callable[[], float] = time.time
    free_at: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str, per_second: float) -> float:
        """Seconds until the turn, 0 or more."""
        with self._lock:
            now = self.now()
            at = max(now, self.free_at.get(name, now))
            self.free_at[name] = at + 1 / per_second
            return at - now
