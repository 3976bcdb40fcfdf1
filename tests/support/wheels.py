"""The wheel, and an empty environment to install it into, without the network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def build_wheel(folder: Path) -> Path:
    """Build the wheel with the backend that is installed here."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, home: Path, *extras: str) -> Path:
    """Make an environment with the wheel and what its metadata asks for (extras too), and return its Python.

    The dependencies are linked from the environment that runs the tests, so nothing is downloaded; a library that the
    wheel uses and does not declare is missing, as it would be at a host's.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    options = ["--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, "install", *options, wheel], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    (metadata,) = packages.glob("flask_crm_stripe-*.dist-info")
    for needed in closure(Distribution.at(metadata), extras):
        link(needed, packages)
    return python


def closure(root: Distribution, extras: tuple[str, ...]) -> list[Distribution]:
    """All distributions that this one needs, directly or not, on this Python."""
    found: dict[str, Distribution] = {}
    waiting = list(requirements(root, extras))
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        fresh = name not in found
        found.setdefault(name, distribution(wanted.name))
        if fresh or wanted.extras:
            new = requirements(found[name], tuple(wanted.extras))
            waiting += [r for r in new if fresh or canonicalize_name(r.name) not in found]
    return list(found.values())


def requirements(package: Distribution, extras: tuple[str, ...]) -> Iterator[Requirement]:
    """What the package asks for on this Python, with these extras."""
    for line in package.requires or []:
        wanted = Requirement(line)
        chosen = [{"extra": extra} for extra in ("", *extras)]
        if wanted.marker is None or any(wanted.marker.evaluate(environment) for environment in chosen):
            yield wanted


def link(package: Distribution, packages: Path) -> None:
    """Put links to the package's files into another environment."""
    installed = Path(sysconfig.get_path("purelib"))
    tops = {file.parts[0] for file in package.files or [] if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        target = packages / top
        if not target.exists():
            target.symlink_to(installed / top)


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that holds the wheel and its declared dependencies, nothing else."""
    return install(wheel, tmp_path_factory.mktemp("clean") / "venv")
