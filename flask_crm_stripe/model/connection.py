"""A business's link to its Stripe account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Books = tuple[str, bool]
"""An account and a mode. What belongs to one is never added to what belongs to another."""


class ConnectionKind(StrEnum):
    """How the account was linked; more kinds can follow."""

    OAUTH = "oauth"


class ConnectionState(StrEnum):
    """Where a connection stands in its life. One that is dropped was never live, and has to be given back to Stripe."""

    PENDING = "pending"
    LIVE = "live"
    ENDED = "ended"
    DROPPED = "dropped"


class Ending(StrEnum):
    """How a connection ended. Whoever ended it, what is left is the same: no secrets, a history to read."""

    DISCONNECTED = "disconnected"
    REPLACED = "replaced"
    GONE = "gone"
    REJECTED = "rejected"
    NEUTRALISED = "neutralised"


REPLACED_WORDS = "Another connection took its place."


@dataclass(frozen=True, slots=True)
class TaxSettings:
    """Stripe Tax of an account: ``status`` is active or pending, with the fields that are ``missing``; empty where
    Stripe was not asked or did not tell."""

    status: str = ""
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """A Stripe account as Stripe described it at ``checked_at``, the start of our own fetch.

    ``requirements`` are Stripe's own names of what it wants now (past due first), ``upcoming`` of what it will want
    later, ``verifying`` of what it is looking at. ``capabilities`` says what each is: active, inactive, pending.
    ``currencies`` are those that customers can pay in, lowercase.
    """

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
    upcoming: tuple[str, ...] = ()
    verifying: tuple[str, ...] = ()
    capabilities: dict[str, str] = field(default_factory=dict)
    currencies: tuple[str, ...] = ()
    tax: TaxSettings = field(default_factory=TaxSettings)

    @property
    def rejected(self) -> bool:
        """Whether Stripe has turned the account away for good (``rejected.fraud`` and others)."""
        return (self.disabled_reason or "").startswith("rejected.")


@dataclass(frozen=True, slots=True)
class Connection:
    """One row of our memory: a business, an account, a mode, and how they stand to each other.

    ``fingerprint`` names the environment that made it (no secret in it). ``pending`` connections are not used for
    anything until a person confirms them. ``leaving_by`` is who wanted to disconnect, before Stripe was asked.
    ``change`` is what a person chose where the account replaced another; ``changed_at`` is when all of it was done.
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
    ending: Ending | None = None
    last_event_at: datetime | None = None
    leaving_by: str | None = None
    leaving_reason: str | None = None
    change: AccountChoices | None = None
    changed_at: datetime | None = None

    @property
    def account_id(self) -> str:
        """The ``acct_...`` id."""
        return self.account.id

    @property
    def books(self) -> Books:
        """What is kept together: account and mode. Amounts of two books are never mixed."""
        return self.account.id, self.livemode


@dataclass(frozen=True, slots=True)
class AccountChoices:
    """What a person chose when an account replaced another.

    ``customers`` maps contacts (``kind:ref``) to customers that the new account has already, ``products`` services to
    products; whoever is missing is made anew on first use. ``free_drafts`` gives the work of the old account's drafts
    free. ``previous`` is the connection that is replaced.
    """

    previous: str
    customers: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    free_drafts: bool = False


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
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Installation:
    """This database: a random id, and the Stripe account of the platform that its accounts were connected to."""

    id: str
    platform_account: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteSubscription:
    """A subscription at Stripe, as far as somebody who disconnects has to know of it; ``amount`` in minor units."""

    id: str
    customer: str
    status: str
    amount: int
    currency: str
    interval: str


@dataclass(frozen=True, slots=True)
class RemoteThing:
    """A customer or product that an account has already: what it can be recognised by."""

    id: str
    name: str
    email: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
