"""Several threads of one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from flask_crm_stripe.adapters.hands import ThreadHands

inside = threading.local()


@contextmanager
def around() -> Iterator[None]:
    """What each thread works in."""
    inside.here = True
    yield


def test_all_work_at_the_same_time_each_in_its_own_context() -> None:
    """None begins alone, and when it returns all have ended."""
    together, seen = threading.Barrier(4, timeout=10), list[bool]()

    def work() -> None:
        together.wait()
        seen.append(inside.here)

    ThreadHands(lambda: 4, around).together(work)
    assert seen == [True] * 4


def test_what_one_raises_is_raised_when_all_have_ended() -> None:
    """The others are not left behind."""
    ended, first = list[int](), threading.Lock()

    def work() -> None:
        if first.acquire(blocking=False):
            raise ValueError("One of them.")
        ended.append(1)

    with pytest.raises(ValueError, match="One of them"):
        ThreadHands(lambda: 3, around).together(work)
    assert ended == [1, 1]


def test_one_hand_is_the_callers_own() -> None:
    """On SQLite no other thread is made."""
    threads: list[threading.Thread] = []
    ThreadHands(lambda: 1, around).together(lambda: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()]
