"""Run a command, say how long it took, and fail if it was too long: `timed.py --at-most 10 -- command`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time


def main() -> int:
    """The command's own exit code, or 1 if it succeeded but took too long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-most", type=float, required=True, help="seconds")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    started = time.monotonic()
    code = subprocess.run(arguments.command, check=False).returncode
    seconds = time.monotonic() - started
    sys.stdout.write(f"The unit ring took {seconds:.1f} s (at most {arguments.at_most:.0f} s).\n")
    return code or int(seconds > arguments.at_most)


if __name__ == "__main__":
    sys.exit(main())
