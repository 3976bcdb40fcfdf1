"""A business connects its Stripe account, and lets go of it again.

The consent's ``state`` is a secret of one use: it is claimed in the database before the code is exchanged, because a
second exchange of the same code would revoke the connection at Stripe. What comes back is pending until a person has
seen which account it is and confirmed it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask_crm_stripe.core.log import note
from flask_crm_stripe.core.rights import require
from flask_crm_stripe.errors import AccountGone, ConsentFailed, NotConnected, NotFound
from flask_crm_stripe.model.business import CONNECT, VIEW, Actor
from flask_crm_stripe.model.connection import Account, Connection, ConnectionState, Consent, Grant
from flask_crm_stripe.ports.ledger import Ledger, SharedLedger
from flask_crm_stripe.ports.provider import Provider, ProviderSource
from flask_crm_stripe.ports.runtime import Clock, Publisher, Queue

CONSENT_LIFETIME = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Health:
    """The one answer about a connection: ``state`` is ok, warning, problem, disconnected or none."""

    state: str
    headline: str
    detail: str
    connection: Connection | None
    last_event_at: datetime | None
    waiting_events: int
    failed_events: int


@dataclass(frozen=True)
class Connections:
    """Connecting, confirming, checking and disconnecting."""

    actor: Actor
    ledger: Ledger
    shared: SharedLedger
    providers: ProviderSource
    publisher: Publisher
    queue: Queue
    clock: Clock
    livemode: bool
    fingerprint: str
    new_secret: Callable[[], str] = secrets.token_urlsafe

    def live(self) -> Connection | None:
        """The live connection in this installation's mode."""
        return self.ledger.connections.live(self.livemode)

    def latest(self) -> Connection | None:
        """The newest connection that was ever live; an ended one keeps the history readable."""
        return self.ledger.connections.latest(self.livemode)

    def require_live(self) -> Connection:
        """The live connection. Raises ``NotConnected``."""
        connection = self.live()
        if connection is None:
            raise NotConnected
        return connection

    def provider(self) -> Provider:
        """Stripe, for the connected account. Raises ``NotConnected``."""
        connection = self.require_live()
        return self.providers.for_account(connection.account_id, livemode=connection.livemode)

    def begin(self) -> str:
        """Start a consent; the returned secret goes to Stripe as ``state`` and is stored only as a digest."""
        require(self.actor, CONNECT, "connect a Stripe account")
        state = self.new_secret()
        now = self.clock.now()
        consent = Consent(
            self.ledger.business, self.actor.ref, self.actor.session, self.livemode, now + CONSENT_LIFETIME
        )
        self.shared.start_consent(_digest(state), consent, now)
        self._log("connect.start", "stripe", "done")
        return state

    def claim(self, state: str) -> None:
        """Use a consent up, before anything else is done with the return. Raises ``ConsentFailed``."""
        consent = self.shared.claim_consent(_digest(state), self.clock.now()) if state else None
        reason = refusal(consent, self.ledger.business, self.actor, livemode=self.livemode)
        if reason:
            self._log("connect.return", "stripe", "refused", reason)
            raise ConsentFailed(reason, REFUSALS[reason])
        require(self.actor, CONNECT, "connect a Stripe account")

    def accept(self, grant: Grant) -> Connection:
        """What Stripe's token endpoint gave us, held as pending with what the account says of itself."""
        require(self.actor, CONNECT, "connect a Stripe account")
        if grant.livemode != self.livemode:
            raise ConsentFailed("mode", REFUSALS["mode"])
        account = self._ask(grant.account_id)
        connection = self.ledger.connections.add_pending(
            grant, account, self.fingerprint, self.actor.ref, self.clock.now()
        )
        self._log("connect.accept", grant.account_id, "done")
        return connection

    def pending(self, connection_id: str) -> Connection:
        """A connection that waits for a person's word. Raises ``NotFound``."""
        require(self.actor, CONNECT, "connect a Stripe account")
        connection = self.ledger.connections.get(connection_id)
        if connection is None or connection.state is not ConnectionState.PENDING:
            raise NotFound("account to confirm")
        return connection

    def confirm(self, connection_id: str) -> Connection:
        """A person has seen the account and wants it for this business. Raises ``AccountTaken``."""
        self.pending(connection_id)
        connection = self.ledger.connections.confirm(connection_id, self.actor.ref, self.clock.now())
        self._log("connect.confirm", connection.account_id, "done")
        self.publisher.publish("connection_changed", business=self.ledger.business, connection=connection)
        self.queue.put("sync_services", business=self.ledger.business)
        return connection

    def decline(self, connection_id: str) -> None:
        """Not this account: forget what came back, and give the right to it back to Stripe if nobody else uses it."""
        connection = self.pending(connection_id)
        if self.shared.live_connection(connection.account_id, connection.livemode) is None:
            self.providers.for_account(connection.account_id, livemode=connection.livemode).deauthorise()
        self.ledger.connections.drop_pending(connection_id)
        self._log("connect.decline", connection.account_id, "done")

    def disconnect(self, reason: str) -> None:
        """Revoke at Stripe, erase what is secret, keep the history. Already revoked at Stripe is as good."""
        require(self.actor, CONNECT, "disconnect the Stripe account")
        connection = self.require_live()
        self.providers.for_account(connection.account_id, livemode=connection.livemode).deauthorise()
        self.end(connection, reason)

    def end(self, connection: Connection, reason: str) -> None:
        """Note that a connection is over, whoever ended it."""
        now = self.clock.now()
        self.ledger.connections.end(connection.id, self.actor.ref, reason, now)
        self._log("disconnect", connection.account_id, "done", reason)
        ended = replace(connection, state=ConnectionState.ENDED, ended_at=now, ended_reason=reason)
        self.publisher.publish("connection_changed", business=self.ledger.business, connection=ended)

    def refresh(self) -> Connection:
        """Ask Stripe what the account is and can do now. A revoked one ends here."""
        require(self.actor, VIEW, "see the connection")
        connection = self.require_live()
        try:
            account = self._ask(connection.account_id)
        except AccountGone:
            self.end(connection, "Stripe no longer lets us act for this account")
            raise
        self.ledger.connections.refresh(connection.id, account)
        return replace(connection, account=account)

    def health(self) -> Health:
        """Whether customers can pay now, in words, from what we last heard."""
        require(self.actor, VIEW, "see the connection")
        connection = self.latest()
        state, headline, detail = diagnose(connection)
        counts = self.ledger.events.counts()
        return Health(
            state,
            headline,
            detail,
            connection,
            self.ledger.events.last_received(),
            counts.get("waiting", 0),
            counts.get("failed", 0),
        )

    def _ask(self, account_id: str) -> Account:
        account = self.providers.for_account(account_id, livemode=self.livemode).account()
        return replace(account, checked_at=self.clock.now())

    def _log(self, action: str, target: str, outcome: str, reason: str | None = None) -> None:
        note(self.ledger, self.actor, self.clock, action, target, outcome, reason)


REFUSALS = {
    "unknown": "This sign-in has expired or was used already. Please start again.",
    "foreign": "This sign-in was started by someone else or for another business. Please start again.",
    "new_login": "You have logged in again since this sign-in was started. Please start again.",
    "mode": "Stripe answered for the other mode (test or live) than this CRM uses. Nothing was connected.",
    "denied": "You didn't allow the connection at Stripe. Nothing changed.",
    "exchange": "Stripe did not accept this sign-in. Nothing was connected. Please start again.",
    "unanswered": "Stripe did not answer while the account was being connected. Nothing was connected. "
    "Please start again in a minute.",
}


def refusal(consent: Consent | None, business: str, actor: Actor, *, livemode: bool) -> str | None:
    """Why a claimed consent is not good for this person now; None where it is."""
    if consent is None:
        return "unknown"
    if consent.business != business or consent.actor != actor.ref:
        return "foreign"
    if consent.session != actor.session:
        return "new_login"
    return "mode" if consent.livemode != livemode else None


def diagnose(connection: Connection | None) -> tuple[str, str, str]:
    """(state, headline, detail) of a connection, from what Stripe last said about the account."""
    if connection is None:
        return "none", "Stripe is not connected yet.", "Connect a Stripe account to send invoices."
    if connection.state is ConnectionState.ENDED:
        return "disconnected", "Stripe is disconnected.", "What you see is as of then. Reconnect to send invoices."
    account = connection.account
    if not account.charges_enabled:
        return "problem", "Customers can't pay you at the moment.", _why_paused(account)
    if not account.payouts_enabled:
        return "warning", "Customers can pay you, but payouts are paused.", _why_paused(account)
    if account.requirements:
        return "warning", "Customers can pay you.", _still_wanted(account)
    return "ok", "Customers can pay you,", "and payouts reach your bank."


def _why_paused(account: Account) -> str:
    if account.requirements:
        return "Stripe asks for more about you first. Give it to Stripe in your Stripe dashboard."
    if not account.details_submitted:
        return "The account is not set up completely. Finish it in your Stripe dashboard."
    return "Stripe paused it. Your Stripe dashboard says why."


def _still_wanted(account: Account) -> str:
    if account.requirements_deadline is None:
        return "Stripe will ask for more about you. Until then all works."
    return f"Stripe needs more about you by {account.requirements_deadline:%-d %B %Y}. Until then all works."


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
