"""Run a command, say what it took of a processor, and fail if that was too long: `timed.py --at-most 10 -- command`.

Its own time, not the clock's: what else runs on the machine is not its doing. It never waits, so where nothing else
runs the two are the same.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys


def main() -> int:
    """The command's own exit code, or 1 if it succeeded but took too long."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-most", type=float, required=True, help="seconds")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    code = subprocess.run(arguments.command, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = used.ru_utime + used.ru_stime
    sys.stdout.write(f"The unit ring took {seconds:.1f} s (at most {arguments.at_most:.0f} s).\n")
    return code or int(seconds > arguments.at_most)


if __name__ == "__main__":
    sys.exit(main())
