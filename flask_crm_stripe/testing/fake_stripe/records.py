"""Small records of FakeStripe's world: a platform, a logged request, a saved answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Platform:
    """A Connect platform: its own account, its client id and keys, and the accounts connected to it."""

    account_id: str
    client_id: str | None = None
    keys: set[str] = field(default_factory=set, repr=False)
    connected: set[str] = field(default_factory=set)


@dataclass
class RequestRecord:
    """One API request as the log shows it. ``account`` is the account acted on; no key is ever kept."""

    request_id: str
    at: int
    method: str
    path: str
    params: dict[str, Any] = field(default_factory=dict)
    account: str | None = None
    idempotency_key: str | None = None
    api_version: str | None = None
    status: int = 0
    error: str | None = None
    replayed: bool = False
    response: dict[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SavedAnswer:
    """The first answer under an idempotency key, given again for 24 hours on FakeStripe's clock."""

    at: int
    method: str
    path: str
    params: dict[str, Any]
    request_id: str
    status: int
    body: dict[str, Any]
