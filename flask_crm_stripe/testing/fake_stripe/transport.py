"""FakeStripe without sockets: mounted under the Stripe SDK and under a requests session.

Both run the WSGI app in the calling thread, so a test is exact: when a call returns, its work is done.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

import requests
import stripe
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

from .faults import TIMEOUT_KEY, ConnectionCut

SDK_TIMEOUT = 80.0
"""Seconds the SDK's own clients wait by default [stripe-python _http_client.py]; a longer delay is a timeout."""

NETWORK_ERROR = (
    "Unexpected error communicating with Stripe.  If this problem persists, let us know at support@stripe.com.\n\n"
    "(Network error: {reason})"
)


def call(
    app: WSGIApplication, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes, timeout: float | None
) -> tuple[bytes, int, str, list[tuple[str, str]]]:
    """One request through `app`: body, status, reason, headers. Raises ConnectionCut where a fault cuts the line."""
    environ = _environ(method, url, headers, body)
    environ[TIMEOUT_KEY] = timeout
    chunks, status, response_headers = run_wsgi_app(app, environ, buffered=True)
    code, _, reason = status.partition(" ")
    return b"".join(chunks), int(code), reason, list(response_headers.items())


def _environ(method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> WSGIEnvironment:
    parts = urlsplit(url)
    builder = EnvironBuilder(
        path=parts.path or "/",
        base_url=f"{parts.scheme}://{parts.netloc}",
        query_string=parts.query,
        method=method.upper(),
        headers=list(headers),
        input_stream=io.BytesIO(body),
        content_length=len(body),
        environ_base={"REMOTE_ADDR": "127.0.0.1"},
    )
    try:
        return builder.get_environ()
    finally:
        builder.close()


class StripeHTTPClient(stripe.HTTPClient):
    """The HTTP client to give to `StripeClient(..., http_client=)`. `timeout` is its patience, in seconds."""

    name = "fake-stripe"

    def __init__(self, app: WSGIApplication, timeout: float = SDK_TIMEOUT) -> None:
        super().__init__()
        self._app = app
        self._timeout = timeout

    def _sleep_time_seconds(self, num_retries: int) -> float:
        return 0.0  # Waiting between retries would prove nothing here.

    def request(  # type: ignore[override]  # the SDK's annotation says str, its clients return bytes
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Send one request. Raises `stripe.APIConnectionError` (worth a retry) where the line is cut."""
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            content, status, _reason, answered = call(
                self._app, method, url, (headers or {}).items(), body, self._timeout
            )
        except ConnectionCut as cut:
            message = NETWORK_ERROR.format(reason=cut)
            raise stripe.APIConnectionError(message, should_retry=True) from cut  # type: ignore[no-untyped-call]
        # Like requests' own: the SDK looks headers up in any case.
        return content, status, CaseInsensitiveDict(answered)

    def request_stream(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[Any, int, Mapping[str, str]]:
        """The same, with a file-like body (the SDK streams PDFs)."""
        content, status, answered = self.request(method, url, headers, post_data)
        return io.BytesIO(content), status, answered

    def close(self) -> None:
        """Nothing to close."""


class RequestsAdapter(BaseAdapter):
    """A transport for `requests.Session.mount`: Authlib's token exchange goes through it."""

    def __init__(self, app: WSGIApplication) -> None:
        super().__init__()
        self._app = app

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send one request. Raises requests' ConnectionError where the line is cut, ReadTimeout where it is slow."""
        patience = timeout[1] if isinstance(timeout, tuple) else timeout
        body = request.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        method, url = request.method or "GET", request.url or ""
        try:
            answer = call(self._app, method, url, request.headers.items(), content, patience)
        except ConnectionCut as cut:
            failure = requests.ReadTimeout if cut.timed_out else requests.ConnectionError
            raise failure(str(cut), request=request) from cut
        return _response(request, *answer)

    def close(self) -> None:
        """Nothing to close."""


def _response(
    request: requests.PreparedRequest, content: bytes, status: int, reason: str, headers: list[tuple[str, str]]
) -> requests.Response:
    raw = HTTPResponse(io.BytesIO(content), HTTPHeaderDict(headers), status, reason=reason, preload_content=False)
    response = requests.Response()
    response.status_code = status
    response.reason = reason
    response.headers = CaseInsensitiveDict(headers)
    response.encoding = get_encoding_from_headers(response.headers)
    response.raw = raw
    response.url = request.url or ""
    response.request = request
    return response
