"""The README's own registration, run from the wheel where nothing else is installed."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.readme import block

WALK = Path(__file__).with_name("readme_walk.py")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A CRM that is nothing but the README's lines."""
    (tmp_path / "crm.py").write_text(block("registration"))
    return tmp_path


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a reader would: in the CRM's folder, with a plain environment."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        list(map(str, command)), cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_the_registration_is_short() -> None:
    """What a maintainer has to write fits on a page."""
    lines = block("registration").splitlines()
    assert len(lines) < 40
    assert max(map(len, lines)) <= 120


def test_the_commands_beside_it_work(clean_python: Path, folder: Path) -> None:
    """``upgrade`` makes the tables, twice if need be; ``doctor`` then names every missing key, and health is 503."""
    flask = (clean_python, "-m", "flask", "--app", "crm")
    for _ in range(2):
        upgraded = run(folder, *flask, "crm-stripe", "upgrade")
        assert (upgraded.returncode, upgraded.stdout) == (0, "Billing's tables are up to date.\n"), upgraded.stderr
    doctor = run(folder, *flask, "crm-stripe", "doctor")
    assert doctor.returncode == 1
    for key in ("API_KEY", "CLIENT_ID", "ENCRYPTION_KEYS", "PUBLIC_URL"):
        assert f"CRM_STRIPE_{key}" in doctor.stdout
    asked = "from crm import app; answer = app.test_client().get('/stripe/health'); print(answer.status, answer.json)"
    health = run(folder, clean_python, "-c", asked)
    assert health.stdout == "503 SERVICE UNAVAILABLE {'status': 'not set up'}\n", health.stderr


def test_it_bills_and_is_paid(clean_python: Path, folder: Path) -> None:
    """With the keys set, the same lines connect an account, send an invoice, and show it paid, on every page."""
    (folder / "walk.py").write_text(WALK.read_text())
    walked = run(folder, clean_python, "walk.py")
    assert walked.returncode == 0, walked.stderr
    found: dict[str, Any] = json.loads(walked.stdout)
    assert found["health"] == {"status": "ok"}
    assert found["stranger"] == 401
    assert found["before"] == "All is well.\n"
    well = "  default: Customers can pay you, and payouts reach your bank.\nAll is well.\n"
    assert (found["connected"], found["doctor"], found["seller"]) == (303, well, 303)
    assert set(found["pages"].values()) == {200}, found["pages"]
    assert found["styled"] == 200
    assert (found["invoice"]["status"], found["invoice"]["total"]["decimal"]) == ("paid", "490.05")
    assert found["billing"] == ["paid", "paid"]
