"""Real time."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """The machine's clock, aware and in UTC."""

    def now(self) -> datetime:
        """The present moment."""
        return datetime.now(UTC)
