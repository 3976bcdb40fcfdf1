"""Runs a server as long as the process that started it lives: `keeper.py [--user UID] [--remove DIR] -- command`.

The starter holds this process's standard input open. When it closes that, or dies in whatever way (kill -9 too), the
server is stopped and its folder removed. Imports nothing of ours, so that it starts in 20 ms.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Start the server, wait for its end or for the starter's, and leave nothing behind."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", type=int)
    parser.add_argument("--remove")
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    groups: list[int] | None = [] if arguments.user is not None else None
    server = subprocess.Popen(
        arguments.command,
        stdin=subprocess.DEVNULL,
        cwd=arguments.remove,  # ours may be a folder that the other user cannot enter
        user=arguments.user,
        group=arguments.user,
        extra_groups=groups,
    )
    threading.Thread(target=stop_with_starter, args=[server], daemon=True).start()
    try:
        return server.wait()
    finally:
        if arguments.remove:
            shutil.rmtree(arguments.remove, ignore_errors=True)


def stop_with_starter(server: subprocess.Popen[bytes]) -> None:
    """Wait for the end of standard input, then stop the server: politely at first."""
    sys.stdin.buffer.read()
    server.send_signal(signal.SIGINT)
    try:
        server.wait(timeout=10)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    sys.exit(main())
