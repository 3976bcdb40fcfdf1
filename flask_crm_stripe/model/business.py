"""The business (tenant of the CRM) and the person who acts for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

VIEW = "view"
VIEW_PERSONAL = "view_personal"
DRAFT = "draft"
SEND = "send"
REFUND = "refund"
WRITE_OFF = "write_off"
APPROVE = "approve"
SYNC = "sync"
CONNECT = "connect"
ADMIN = "admin"

ALL_PERMISSIONS = frozenset((VIEW, VIEW_PERSONAL, DRAFT, SEND, REFUND, WRITE_OFF, APPROVE, SYNC, CONNECT, ADMIN))
DEFAULT_BUSINESS = "default"


@dataclass(frozen=True, slots=True)
class Business:
    """A tenant of the CRM: ``ref`` is the CRM's own key as text, ``timezone`` an IANA name, ``locale`` is like
    ``en_GB``. ``address`` (with commas or lines) and ``vat_number`` stand on its invoices, unless an admin has written
    others into the billing settings."""

    ref: str
    name: str
    timezone: str = "UTC"
    locale: str = "en"
    address: str = ""
    vat_number: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """The person (or process) who acts. ``permissions`` are words from ALL_PERMISSIONS.

    ``session`` tells one login from the next, as an opaque digest; the Connect flow is bound to it. ``address`` is
    where the request comes from; in our pages it is the request's own unless the host's loader gives another.
    """

    ref: str
    name: str
    permissions: Iterable[str] = frozenset()
    locale: str | None = None
    session: str = field(default="", repr=False)
    address: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        given = frozenset(self.permissions)
        if unknown := given - ALL_PERMISSIONS:
            raise ValueError(f"Unknown permissions {sorted(unknown)}: use words from {sorted(ALL_PERMISSIONS)}.")
        object.__setattr__(self, "permissions", given)

    def may(self, permission: str) -> bool:
        """Whether the actor holds the permission."""
        return permission in self.permissions


SYSTEM = Actor(ref="system", name="Billing", permissions=ALL_PERMISSIONS)
