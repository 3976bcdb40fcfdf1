"""Several people who press at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from werkzeug.test import TestResponse


def at_once(*deeds: Callable[[], TestResponse]) -> list[TestResponse]:
    """All of them begin together, each in a thread of its own."""
    together, answers = threading.Barrier(len(deeds)), list[TestResponse]()

    def run(deed: Callable[[], TestResponse]) -> None:
        together.wait()
        answers.append(deed())

    threads = [threading.Thread(target=run, args=[deed]) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(deeds), "one of them raised an error"
    return answers
