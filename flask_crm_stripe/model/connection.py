"""A business's link to its Stripe account."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class ConnectionKind(StrEnum):
    """How the account was linked; more kinds can follow."""

    OAUTH = "oauth"


class ConnectionState(StrEnum):
    """Where a connection stands in its life."""

    PENDING = "pending"
    LIVE = "live"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Account:
    """A Stripe account as Stripe described it at ``checked_at``. ``requirements`` are Stripe's own field names."""

    id: str
    name: str
    country: str
    default_currency: str
    created: datetime | None
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool
    requirements: tuple[str, ...] = ()
    requirements_deadline: datetime | None = None
    disabled_reason: str | None = None
    email: str | None = None
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One row of our memory: a business, an account, a mode, and how they stand to each other.

    ``fingerprint`` names the environment that made it (no secret in it). ``pending`` connections are not used for
    anything until a person confirms them.
    """

    id: str
    business: str
    account: Account
    livemode: bool
    kind: ConnectionKind
    state: ConnectionState
    fingerprint: str
    scope: str
    connected_by: str
    connected_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None
    last_event_at: datetime | None = None

    @property
    def account_id(self) -> str:
        """The ``acct_...`` id."""
        return self.account.id


@dataclass(frozen=True, slots=True)
class Consent:
    """A started Connect flow: who started it, for which business, in which login, until when."""

    business: str
    actor: str
    session: str = field(repr=False)
    livemode: bool
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """What Stripe's token endpoint answered. Tokens are deprecated at Stripe and may be missing."""

    account_id: str
    livemode: bool
    scope: str
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
