"""Only this machine: the check in front of FakeStripe's controls and dashboard.

A name that an attacker points at 127.0.0.1 (DNS rebinding) arrives with that name in `Host`, and another site's form
or script arrives with that site in `Origin`: both are refused.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import abort
from werkzeug.wrappers import Request

REFUSED = (
    "FakeStripe's controls answer this machine only. Open them as http://127.0.0.1, http://localhost or http://[::1], "
    "and not from another site."
)


def require(request: Request) -> None:
    """403 unless host, origin and sender are all loopback."""
    origin = request.headers.get("Origin")
    here = is_loopback(f"http://{request.headers.get('Host', '')}") and (origin is None or is_loopback(origin))
    # No sender at all means no socket: a test in this process.
    if not here or not (request.remote_addr is None or _is_loopback_address(request.remote_addr)):
        abort(403, REFUSED)


def is_loopback(url: str) -> bool:
    """Whether an address names this machine: 127.0.0.1, localhost or [::1], with any port."""
    try:
        return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False


def _is_loopback_address(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
