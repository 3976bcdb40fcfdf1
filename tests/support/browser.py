"""Chromium from the PATH, driven by Playwright, that can reach this machine only."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOCAL_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
PICTURES = Path("test-results")


def chromium_program() -> str | None:
    """The browser's program: CRM_STRIPE_TESTS_CHROMIUM, or the first on the PATH."""
    named = os.environ.get("CRM_STRIPE_TESTS_CHROMIUM")
    return named or next((found for program in PROGRAMS if (found := shutil.which(program))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for one test module (a playwright.sync_api.Browser).

    Not for the session: while Playwright runs, this thread has a running event loop, in which the async loaders of
    other tests could not be called.
    """
    program = chromium_program()
    if program is None:
        pytest.skip("Chromium is not here: apt-get install chromium, or set CRM_STRIPE_TESTS_CHROMIUM to its path")
    with started(program) as chromium:
        yield chromium


@contextmanager
def started(program: str, **hosts: int) -> Iterator[Any]:
    """A Chromium that reaches this machine only; ``hosts`` are names (with ``_`` for a dot) that are a port of it."""
    from playwright.sync_api import sync_playwright

    mapped = "".join(f"MAP {name.replace('_', '.')} 127.0.0.1:{port}, " for name, port in hosts.items())
    local = LOCAL_ONLY.replace("=", f"={mapped}", 1)
    arguments = ["--disable-background-networking", "--disable-dev-shm-usage", local]
    if os.name == "posix" and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open pages: `page = open_page(width=390)`, each in a fresh profile (its own cookies).

    At the end the test fails if a page logged an error or threw one; `open_page(complains=True)` where that is meant.
    If the test has failed, a picture of each page is put into test-results/.
    """
    opened: list[Any] = []
    complaints: list[str] = []

    def open_one(width: int = 1280, height: int = 900, complains: bool = False, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        if not complains:
            page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
            page.on("console", lambda message: complaints.extend([message.text] if message.type == "error" else []))
        opened.append(page)
        return page

    yield open_one
    if getattr(request.node, "failed", False):
        picture(opened, request.node.name)
    for page in opened:
        page.context.close()
    assert not complaints, f"the browser complained: {complaints}"


def picture(pages: list[Any], name: str) -> None:
    """Save what the pages showed when the test failed."""
    PICTURES.mkdir(exist_ok=True)
    for number, page in enumerate(pages):
        page.screenshot(path=PICTURES / f"{re.sub(r'[^A-Za-z0-9]+', '-', name)}-{number}.png", full_page=True)
