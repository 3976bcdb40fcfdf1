"""What the demo sets before it starts: ports, keys, and where its data lies."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet

HOST = "127.0.0.1"


class CannotStart(Exception):
    """Why the demo doesn't start, and what to do, in a sentence."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the two servers listen."""

    port: int
    stripe_port: int

    @property
    def crm(self) -> str:
        """The CRM's address, without a slash at its end."""
        return f"http://{HOST}:{self.port}"

    @property
    def stripe(self) -> str:
        """FakeStripe's address, without a slash at its end."""
        return f"http://{HOST}:{self.stripe_port}"


def addresses_from(environ: MutableMapping[str, str]) -> Addresses:
    """The ports that `PORT` and `FAKE_STRIPE_PORT` ask for, or the usual ones."""
    ports = []
    for variable, usual in (("PORT", "5000"), ("FAKE_STRIPE_PORT", "12111")):
        given = environ.get(variable) or usual
        if not given.isdecimal() or not 0 < int(given) < 65536:
            raise CannotStart(f"{variable} is “{given}”; set it to a port, a number from 1 to 65535.")
        ports.append(int(given))
    if ports[0] == ports[1]:
        raise CannotStart(f"PORT and FAKE_STRIPE_PORT are both {ports[0]}; give them different numbers.")
    return Addresses(*ports)


def require_free(port: int, variable: str) -> None:
    """Raise where another program listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CannotStart(
                f"Port {port} can't be used ({error.strerror}). Stop the program that uses it, "
                f"or choose another port: {variable}={port + 1} make demo"
            ) from error


def configure(environ: MutableMapping[str, str], addresses: Addresses, instance: Path) -> None:
    """Set what the CRM reads from the environment. FakeStripe is where its requests go, whatever was set before."""
    environ.update(
        CRM_STRIPE_API_KEY=kept(instance, "demo.platform-key", lambda: f"sk_test_{secrets.token_hex(16)}"),
        CRM_STRIPE_CLIENT_ID=f"ca_{secrets.token_hex(16)}",
        CRM_STRIPE_PUBLIC_URL=addresses.crm,
        CRM_STRIPE_API_BASE=addresses.stripe,
        CRM_STRIPE_CONNECT_BASE=addresses.stripe,
    )
    if not environ.get("DATABASE_URL"):
        environ["DATABASE_URL"] = fresh_file(instance, keep=environ.get("DEMO_KEEP") == "1")
    if not environ.get("CRM_STRIPE_ENCRYPTION_KEYS"):
        environ["CRM_STRIPE_ENCRYPTION_KEYS"] = (
            f'["{kept(instance, "demo.key", lambda: Fernet.generate_key().decode())}"]'
        )


def fresh_file(instance: Path, keep: bool) -> str:
    """The address of a SQLite file. An old one is removed unless it is to be kept: FakeStripe has forgotten it all."""
    instance.mkdir(parents=True, exist_ok=True)
    file = instance / "demo.sqlite3"
    if not keep:
        for left_over in instance.glob("demo.sqlite3*"):
            left_over.unlink()
    return f"sqlite:///{file}"


def kept(instance: Path, name: str, make: Callable[[], str]) -> str:
    """A key that stays the same from one demo to the next: a database that was kept can be read, and is no copy."""
    instance.mkdir(parents=True, exist_ok=True)
    file = instance / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(make())
    return file.read_text().strip()
