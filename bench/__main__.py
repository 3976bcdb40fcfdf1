"""`python -m bench [name]`: run the measurements, print a table, and write bench/results/<name>.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from bench import catalogue, history, invoices, webhooks

RESULTS = Path(__file__).parent / "results"
ALL: dict[str, Callable[[], dict[str, float]]] = {
    "invoices": invoices.measure,
    "catalogue": catalogue.measure,
    "webhooks": webhooks.measure,
    "history": history.measure,
}


def main(arguments: list[str]) -> int:
    """Run the named measurements, or all."""
    unknown = [name for name in arguments if name not in ALL]
    if unknown:
        print(f"There is no measurement called {unknown[0]}. There are: {', '.join(ALL)}.", file=sys.stderr)
        return 2
    RESULTS.mkdir(exist_ok=True)
    for name in arguments or ALL:
        figures = ALL[name]()
        print(f"\n{name}")
        for what, value in figures.items():
            print(f"  {what:32} {value:>12.10g}")
        (RESULTS / f"{name}.json").write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
