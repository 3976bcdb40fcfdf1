"""The system's clock."""

from __future__ import annotations

from datetime import UTC, datetime

from flask_crm_stripe.adapters.clock import SystemClock


def test_now_is_aware_and_in_utc() -> None:
    """Moments can be compared with stored ones: they have a time zone, and it is UTC."""
    before = datetime.now(UTC)
    now = SystemClock().now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC
