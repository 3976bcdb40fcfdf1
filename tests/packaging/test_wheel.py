"""What is in the wheel, and that it works where nothing else is installed."""

from __future__ import annotations

import subprocess
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "flask_crm_stripe"


@pytest.fixture(scope="module")
def contents(wheel: Path) -> list[str]:
    """The names of the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_every_file_of_the_package_is_in_the_wheel(contents: list[str]) -> None:
    """Nothing is lost on the way (an ignore pattern can swallow a folder of static files), nothing else slips in."""
    files = {str(file.relative_to(ROOT)) for file in PACKAGE.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    packed = {name for name in contents if ".dist-info/" not in name}
    assert packed == files


@pytest.mark.parametrize(
    "pattern",
    [
        "flask_crm_stripe/py.typed",
        "flask_crm_stripe/web/templates/**/*.html",
        "flask_crm_stripe/web/static/**/*.css",
        "flask_crm_stripe/adapters/sqlalchemy/migrations/versions/*.py",
        "flask_crm_stripe/testing/fake_stripe/templates/**/*.html",
    ],
)
def test_the_wheel_has_what_is_not_only_code(pattern: str, contents: list[str]) -> None:
    """Types, pages, static files and migrations travel with the code."""
    found = [str(file.relative_to(ROOT)) for file in ROOT.glob(pattern)]
    assert found
    assert set(found) <= set(contents)


def test_metadata_says_what_a_host_needs_to_know(wheel: Path) -> None:
    """Licence, Python, extras, and the dependencies of pyproject.toml."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = message_from_bytes(archive.read(name))
        assert any(name.endswith("/licenses/LICENSE") for name in archive.namelist())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == project["requires-python"]
    assert set(metadata.get_all("Provides-Extra", [])) == {"celery", "testing"}
    assert len(required) == len(project["dependencies"])


def test_every_module_imports_where_only_declared_dependencies_are(clean_python: Path) -> None:
    """In an empty environment each module imports, except those that an extra is for."""
    code = (
        "import importlib, pkgutil, flask_crm_stripe as package\n"
        "names = [m.name for m in pkgutil.walk_packages(package.__path__, 'flask_crm_stripe.')]\n"
        "assert 'site-packages' in package.__file__, package.__file__\n"
        "skip = ('.migrations.', '.testing.fixtures', '.__main__')\n"
        "[importlib.import_module(n) for n in names if not any(part in n for part in skip)]\n"
        "print(len(names))\n"
    )
    run = subprocess.run([clean_python, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert int(run.stdout) > 10
