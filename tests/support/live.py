"""A WSGI app on a real loopback port, for browsers and for FakeStripe's webhooks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server


@dataclass(frozen=True)
class LiveServer:
    """Where the app listens: `url` has no slash at its end."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://{self.host}:{self.port}"


class QuietHandler(WSGIRequestHandler):
    """Logs errors only: a page load is twenty requests."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing about a request that was answered."""


@contextmanager
def served(
    app: Any, host: str = "127.0.0.1", port: int = 0, tls: tuple[str, str] | None = None
) -> Iterator[LiveServer]:
    """Serve the app in threads until the block ends; port 0 takes a free one. ``tls`` is a certificate and its key."""
    server = make_server(host, port, app, threaded=True, request_handler=QuietHandler, ssl_context=tls)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield LiveServer(host, server.server_port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def live_server() -> Iterator[Callable[[Any], LiveServer]]:
    """Serve apps for the length of a test: `live_server(app).url`. Replaces pytest-flask's, which is per session."""
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(served(app))
