"""The demo on many processes: one command, and the same main job."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.conftest import Demo
from tests.browser.test_main_job import the_main_job

pytestmark = pytest.mark.parametrize("demo", ["distributed"], indirect=True)


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="Redis is not here: apt-get install redis-server")
def test_a_stranger_sees_an_invoice_paid_on_many_processes(demo: Demo, log_in: Callable[..., Any]) -> None:
    """PostgreSQL, Redis, two web processes and two workers: connect, bill, pay, and Paid appears by itself."""
    the_main_job(demo, log_in, 1280)
