"""Days that people write into filters, in their own time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask_crm_stripe.web.formats import Formats


def day_of(text: str) -> date | None:
    """A day like 2026-11-27; None for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def start_of(day: date | None, f: Formats, days: int = 0) -> datetime | None:
    """When a day begins there, or the one some days later; None where there is none, or no such day."""
    if day is None or (days and day > date.max - timedelta(days=days)):
        return None
    try:
        return datetime.combine(day + timedelta(days=days), time(), f.zone).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day + timedelta(days=days), time(), UTC)
