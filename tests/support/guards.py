"""What holds for every test: nothing leaves this machine, and no variable of the developer's shell gets in.

``tests/live`` is the one exception: given a key, it may reach Stripe, and nobody else.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

SETTINGS = ("CRM_STRIPE_", "FLASK_", "STRIPE_")
EXACT = ("DATABASE_URL", "PORT", "FAKE_STRIPE_PORT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


_names: set[str] = set()
_addresses: set[str] = set()


class NetworkBlockedError(RuntimeError):
    """A test tried to reach another machine. Not an OSError: no code under test shall take it for a fault of Stripe."""


def is_loopback(host: object) -> bool:
    """Whether the host is this machine: localhost, 127.0.0.0/8 or ::1."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False


@contextmanager
def reaching(name: str) -> Iterator[None]:
    """Let one host of this name be reached while the block runs, under the addresses that are looked up in it."""
    _names.add(name)
    try:
        yield
    finally:
        _names.discard(name)
        _addresses.clear()


def refuse_other_machines(host: object) -> None:
    """Raise NetworkBlockedError unless the host is this machine, or the one that may be reached now."""
    if not is_loopback(host) and host not in _names | _addresses:
        raise NetworkBlockedError(f"A test tried to reach {host!r}. Tests talk to this machine only; use FakeStripe.")


@pytest.fixture(autouse=True, scope="session")
def _loopback_only() -> Iterator[None]:
    """Sockets reach this machine only, and no other name is looked up."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("connect", "connect_ex"):
            patch.setattr(socket.socket, method, guarded_connect(getattr(socket.socket, method)))
        patch.setattr(socket, "getaddrinfo", guarded_lookup(socket.getaddrinfo))
        yield


def guarded_connect(connect: Any) -> Any:
    """The socket method, refusing addresses of other machines; Unix sockets are on this machine by nature."""

    def connect_to_this_machine(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_other_machines(address[0])
        return connect(self, address)

    return connect_to_this_machine


def guarded_lookup(lookup: Any) -> Any:
    """The look-up function, refusing names of other machines: a name server is another machine too. What is found for
    the name that may be reached may be connected to."""

    def look_up_this_machine(host: Any, *arguments: Any, **options: Any) -> Any:
        refuse_other_machines(host)
        found = lookup(host, *arguments, **options)
        if host in _names:
            _addresses.update(str(each[4][0]) for each in found)
        return found

    return look_up_this_machine


def pytest_configure() -> None:
    """Remove the settings of the developer's own shell, except those that steer the tests."""
    for name in list(os.environ):
        if name.upper() in EXACT or (name.startswith(SETTINGS) and not name.startswith("CRM_STRIPE_TESTS_")):
            del os.environ[name]
