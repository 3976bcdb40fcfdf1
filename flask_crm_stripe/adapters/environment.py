"""Where billing runs, as a fingerprint of three parts: host, database, key. Nothing can be read out of it."""

from __future__ import annotations

import hashlib
import re
import socket
from urllib.parse import urlsplit

PART_LENGTH = 16
EPHEMERAL = re.compile(r"[0-9a-f]{12}|.+-[a-z0-9]{8,10}-[bcdfghjklmnpqrstvwxz2456789]{5}")
"""Names that a container gets anew each time it starts (Docker's, and those of Kubernetes' deployments)."""


def fingerprint(host: str, database: str, api_key: str) -> str:
    """The three parts, each a digest of its own: so it can be told which of them is another."""
    return ".".join(_digest(part) for part in (host, database, api_key))


def host_of(name: str, public_url: str) -> str:
    """What stands for the host: the name that was set (else the machine's own) and the host of the public address.

    A container's name says nothing, for the next one has another: there the public address has to do.
    """
    machine = name or socket.gethostname()
    known = "" if not name and EPHEMERAL.fullmatch(machine) else machine
    return f"{known}\0{urlsplit(public_url).hostname or ''}"


def _digest(part: str) -> str:
    return hashlib.sha256(f"crm_stripe environment\0{part}".encode()).hexdigest()[:PART_LENGTH]
