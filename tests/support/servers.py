"""Starting a server program that cannot outlive the test process."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")


def unprivileged_user() -> int | None:
    """The uid for servers that refuse to run as root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    return next((e.pw_uid for e in pwd.getpwall() if e.pw_name == "nobody"), None) or next(
        e.pw_uid for e in pwd.getpwall() if e.pw_uid != 0
    )


def private_folder(prefix: str, user: int | None) -> Path:
    """A new folder that only this uid can read, in the system's own place: the path of a socket must be short."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    if user is not None:
        os.chown(folder, user, user)
    return folder


@contextlib.contextmanager
def kept(
    command: Sequence[str],
    folder: Path,
    ready: Callable[[], bool],
    user: int | None = None,
    stdout: Path | None = None,
    seconds: float = 30,
) -> Iterator[None]:
    """Run the command until the block ends, or this process does; its folder goes with it.

    Raises RuntimeError with the end of its output if it stops, or is not ready in time.
    """
    log = stdout or folder / "server.log"
    options = ["--remove", str(folder), *(["--user", str(user)] if user is not None else [])]
    with log.open("wb") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-I", str(KEEPER), *options, "--", *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us; the keeper follows when our end of the pipe closes
        )
    try:
        wait_until_ready(keeper, ready, log, seconds)
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def wait_until_ready(keeper: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float) -> None:
    """Ask again and again until the server answers."""
    deadline = time.monotonic() + seconds
    while not ready():
        if keeper.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(errors="replace")[-2000:] if log.exists() else "(its folder is gone already)"
            raise RuntimeError(f"{keeper.args!r} did not start: {said}")
        time.sleep(0.01)
