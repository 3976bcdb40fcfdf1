"""Several threads of this process, each in an application context of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True)
class ThreadHands:
    """``ports.runtime.Hands``. ``count`` is asked each time; with one hand the work is done in the caller's thread.
    ``around`` gives what each thread works in."""

    count: Callable[[], int]
    around: Callable[[], AbstractContextManager[object]]

    def together(self, work: Callable[[], object]) -> None:
        """Do the same work in each of them at once. What one raises is raised when all have returned."""
        count, failed = self.count(), list[BaseException]()
        if count <= 1:
            work()
            return

        def one() -> None:
            try:
                with self.around():
                    work()
            except BaseException as error:  # It belongs into the caller's thread.
                failed.append(error)

        threads = [threading.Thread(target=one, name=f"crm-stripe-{number}") for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]
