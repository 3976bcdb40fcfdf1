"""What a catalogue costs at Stripe: the first sync, and the second, which has nothing to say."""

from __future__ import annotations

import time

from bench.world import service, world

SERVICES = 50


def measure() -> dict[str, float]:
    """Fifty services with two prices each."""
    with world() as here:
        here.crm.add("hp", *(service(number) for number in range(SERVICES)))
        before, began = len(here.fake.requests), time.perf_counter()
        here.billing.catalogue.sync()
        took = time.perf_counter() - began
        first = here.calls(before, "POST")
        again = len(here.fake.requests)
        here.billing.catalogue.sync()
        return {
            "services": SERVICES,
            "writes_first_run": first,
            "writes_second_run": here.calls(again, "POST"),
            "seconds_first_run": round(took, 3),
        }
