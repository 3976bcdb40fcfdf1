"""Signals reach the host's receivers, each alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from flask_crm_stripe import signals
from flask_crm_stripe.adapters.publisher import BlinkerPublisher


@pytest.fixture
def heard() -> Iterator[list[tuple[object, dict[str, object]]]]:
    """What a receiver of `service_synced` hears; one that fails is called before and after it."""
    calls: list[tuple[object, dict[str, object]]] = []

    def broken(sender: object, **payload: object) -> None:
        raise ZeroDivisionError("receiver's own fault")

    def also_broken(sender: object, **payload: object) -> None:
        raise KeyError("another")

    def listen(sender: object, **payload: object) -> None:
        calls.append((sender, payload))

    receivers = (broken, listen, also_broken)
    for receiver in receivers:
        signals.service_synced.connect(receiver)
    yield calls
    for receiver in receivers:
        signals.service_synced.disconnect(receiver)


def test_a_receiver_that_fails_stops_nobody(
    heard: list[tuple[object, dict[str, object]]], caplog: pytest.LogCaptureFixture
) -> None:
    """The others hear the news all the same, and each failure is logged with its traceback."""
    app = object()
    with caplog.at_level(logging.ERROR):
        BlinkerPublisher(app).publish("service_synced", business="one", entry="entry")
    assert heard == [(app, {"business": "one", "entry": "entry"})]
    kinds = {record.exc_info[0] for record in caplog.records if record.exc_info}
    assert kinds == {ZeroDivisionError, KeyError}


def test_only_receivers_of_this_sender_hear() -> None:
    """With two apps in one process, a receiver that asked for one app hears of that one only."""
    one, two = object(), object()
    calls: list[str] = []

    def listen(sender: object, *, business: str, **_: object) -> None:
        calls.append(business)

    with signals.payment_failed.connected_to(listen, sender=one):
        BlinkerPublisher(one).publish("payment_failed", business="of one")
        BlinkerPublisher(two).publish("payment_failed", business="of two")
    assert calls == ["of one"]


def test_the_seven_signals_are_there_by_name_and_documented() -> None:
    """The names are public: a change here breaks hosts."""
    assert sorted(signals.BY_NAME) == [
        "connection_changed",
        "invoice_created",
        "invoice_status_changed",
        "notice_raised",
        "payment_failed",
        "payment_succeeded",
        "service_synced",
    ]
    for name, signal in signals.BY_NAME.items():
        assert getattr(signals, name) is signal
        assert "business: str" in (signal.__doc__ or "")


def test_an_unknown_signal_is_a_mistake_of_ours() -> None:
    """A misspelt name is not swallowed."""
    with pytest.raises(KeyError):
        BlinkerPublisher(object()).publish("invoice_payed")
