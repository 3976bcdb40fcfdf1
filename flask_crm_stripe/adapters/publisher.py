"""Tells the host by its signals."""

from __future__ import annotations

import logging

from flask_crm_stripe import signals

logger = logging.getLogger(__name__)


class BlinkerPublisher:
    """Sends signals with ``sender`` (the Flask app). Each receiver runs alone."""

    def __init__(self, sender: object) -> None:
        self._sender = sender

    def publish(self, signal: str, **payload: object) -> None:
        """Call every receiver. One that raises is logged with its traceback; the others are called all the same."""
        for receiver in signals.BY_NAME[signal].receivers_for(self._sender):
            try:
                receiver(self._sender, **payload)
            except Exception:
                # blinker's own send() stops at the first receiver that raises.
                logger.exception("A receiver of the signal “%s” failed: %r", signal, receiver)
