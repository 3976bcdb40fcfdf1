"""Make a virtual environment and install one lock into it, quickly: `python3 requirements/install.py demo .venv`.

Needs Python 3.11+ and pip, nothing else. The lock's hashes are checked. uv (itself a wheel that pip installs) does the
work; where uv is not to be had, or cannot reach the registry that pip is set up for, pip does the same from that lock.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "requirements"
LOCKS = ("demo", "dev")
VERSION = sys.version.split()[0]


def main(arguments: list[str]) -> int:
    """Install the lock named by the first argument into the folder named by the second (default `.venv`)."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python reaches
        print(f"Python 3.11 or newer is needed; {sys.executable} is {VERSION}. Say make PYTHON=/path/to/python3.11")
        return 1
    if not arguments or arguments[0] not in LOCKS:
        print(f"Usage: install.py {'|'.join(LOCKS)} [folder]")
        return 1
    lock = str(HERE / f"{arguments[0]}.txt")
    python = make_environment(ROOT / (arguments[1] if len(arguments) > 1 else ".venv"))
    if not (install_with_uv(python, lock) or install_with_pip(python, lock)):
        print(f"Installing {lock} failed: see above. Is the package registry reachable from here?")
        return 1
    return 0


def make_environment(home: Path) -> str:
    """The environment's Python; a folder that is broken, or of a Python that is gone, is made again."""
    python = str(home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    if not run(python, "-m", "pip", "--version", quiet=True):
        print(f"Making {home.name} with Python {VERSION} ...", flush=True)
        shutil.rmtree(home, ignore_errors=True)
        if not run(sys.executable, "-m", "venv", str(home), quiet=True):
            # Debian without python3-venv has no ensurepip, but its pip can fill an environment from outside.
            shutil.rmtree(home, ignore_errors=True)
            run(sys.executable, "-m", "venv", "--without-pip", str(home))
            run(sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "pip")
    return python


def install_with_uv(python: str, lock: str) -> bool:
    """Whether uv installed exactly the lock, and the project."""
    # Tests start many processes at once, and the first are timed; for the demo, what it imports compiles soon enough.
    compiled = ("--compile-bytecode",) if lock.endswith("dev.txt") else ()
    return (
        pip(python, "--require-hashes", "--requirement", str(HERE / "uv.txt"))
        and run(python, "-m", "uv", "pip", "sync", *compiled, "--quiet", "--python", python, "--require-hashes", lock)
        and run(python, "-m", "uv", "pip", "install", "--quiet", "--python", python, *project())
    )


def install_with_pip(python: str, lock: str) -> bool:
    """Whether pip installed the lock, and the project."""
    print("Without uv: installing with pip, which takes about half a minute ...", flush=True)
    return pip(python, "--require-hashes", "--requirement", lock) and pip(python, *project())


def pip(python: str, *arguments: str) -> bool:
    """Whether `pip install` of these succeeded."""
    return run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def project() -> tuple[str, ...]:
    """The project itself; its build backend is in the lock, so the network is not asked."""
    return ("--no-deps", "--no-build-isolation", "--editable", str(ROOT))


def run(*command: str, quiet: bool = False) -> bool:
    """Whether the command could be started and succeeded."""
    output = subprocess.DEVNULL if quiet else None
    try:
        return subprocess.run(command, cwd=ROOT, stdout=output, stderr=output, check=False).returncode == 0
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
