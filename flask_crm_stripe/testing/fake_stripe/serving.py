"""FakeStripe over real sockets: a threaded server and, beside it, the thread that delivers webhooks."""

from __future__ import annotations

import ssl
import threading
from wsgiref.types import WSGIApplication

from werkzeug.serving import WSGIRequestHandler, make_server

from .deliveries import HTTP_TIMEOUT
from .webhooks import Courier

TLS = ssl.SSLContext | tuple[str, str]
"""A server's context, or the paths of its certificate and its key."""


class _Quiet(WSGIRequestHandler):
    """Logs nothing: requests are on the dashboard, and a hosted address in a log would be a secret told."""

    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing."""


class Postman(threading.Thread):
    """Served mode: a thread that delivers as soon as something is due. `stop()` ends it."""

    def __init__(self, courier: Courier, every: float = 0.5) -> None:
        super().__init__(name="fake-stripe-webhooks", daemon=True)
        self._courier = courier
        self._every = every
        self._stopped = threading.Event()

    def run(self) -> None:
        """Deliver until stopped. The wait is short because FakeStripe's clock may be moved at any time."""
        while not self._stopped.is_set():
            self._courier.deliver()
            self._courier.wake.wait(self._every)

    def stop(self) -> None:
        """End the thread and wait for the attempt that is under way."""
        self._stopped.set()
        self._courier.wake.set()
        self.join(timeout=HTTP_TIMEOUT + 1)


class RunningServer:
    """A served FakeStripe. `url` is its address; `stop()` ends it. Also a context manager."""

    def __init__(
        self,
        app: WSGIApplication,
        courier: Courier,
        host: str,
        port: int,
        threaded: bool = True,
        ssl_context: TLS | None = None,
    ) -> None:
        self._server = make_server(host, port, app, threaded=threaded, request_handler=_Quiet, ssl_context=ssl_context)
        if isinstance(self._server.socket, ssl.SSLSocket):
            # Greeted in the thread that answers: a client that says nothing must not keep all others waiting.
            self._server.socket.do_handshake_on_connect = False  # type: ignore[attr-defined]
        self._postman = Postman(courier)
        self._thread = threading.Thread(target=self._server.serve_forever, name="fake-stripe", daemon=True)
        self.port: int = self._server.server_port
        shown = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if ssl_context else 'http'}://{shown}:{self.port}"

    def start(self) -> RunningServer:
        """Serve in the background."""
        self._thread.start()
        self._postman.start()
        return self

    def stop(self) -> None:
        """End the server and the deliveries, and wait for both."""
        self._server.shutdown()
        self._postman.stop()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> RunningServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
