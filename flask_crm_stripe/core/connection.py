"""A business connects its Stripe account, and how that account stands.

The consent's ``state`` is a secret of one use: it is claimed in the database before the code is exchanged, because a
second exchange of the same code would revoke the connection at Stripe. What comes back is pending until a person has
seen which account it is and confirmed it.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.core.line import watched
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.notices import Notices, account_notice, ended_notice
from flask_crm_stripe.core.readiness import Diagnosis, diagnose
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import (
    AccountGone,
    ConsentFailed,
    NotConnected,
    NotFound,
    ProviderError,
    Refused,
    WrongPlatform,
)
from flask_crm_stripe.model.business import CONNECT, VIEW
from flask_crm_stripe.model.connection import (
    Account,
    AccountChoices,
    Books,
    Connection,
    ConnectionState,
    Consent,
    Ending,
    Grant,
    Installation,
)
from flask_crm_stripe.model.log import DONE, REFUSED
from flask_crm_stripe.ports.ledger import Ledger, SharedLedger
from flask_crm_stripe.ports.provider import Provider, ProviderSource
from flask_crm_stripe.ports.runtime import Clock, Queue

log = logging.getLogger(__name__)

CONSENT_LIFETIME = timedelta(minutes=15)
CONNECTING = "connect a Stripe account"
GONE = "Stripe no longer lets us act for this account."
REJECTED = "Stripe does not take payments for this account any more."


@dataclass(frozen=True, slots=True)
class Health:
    """The one answer about a connection, and what we know of its news."""

    diagnosis: Diagnosis
    connection: Connection | None
    last_event_at: datetime | None
    waiting_events: int
    failed_events: int

    @property
    def state(self) -> str:
        """ok, warning, problem, disconnected or none."""
        return self.diagnosis.state

    @property
    def headline(self) -> str:
        """The answer in a sentence."""
        return self.diagnosis.headline

    @property
    def detail(self) -> str:
        """What to do about it."""
        return self.diagnosis.detail


@dataclass(frozen=True)
class Connections:
    """Connecting, confirming and checking. ``trace`` collects the ids of our requests to Stripe."""

    ledger: Ledger
    shared: SharedLedger
    providers: ProviderSource
    queue: Queue
    clock: Clock
    livemode: bool
    environment: Environment
    rights: Rights
    log: ActionLog
    notices: Notices
    installation: Installation
    new_secret: Callable[[], str] = secrets.token_urlsafe
    _held: list[Connection | None] = field(default_factory=list, init=False, repr=False, compare=False)

    def live(self) -> Connection | None:
        """The live connection in this installation's mode."""
        return self._held[0] if self._held else self.ledger.connections.live(self.livemode)

    @contextmanager
    def held(self) -> Iterator[Connection | None]:
        """Ask for it once, for many things that are done in a row; until we hear that it is over."""
        self._held[:] = [self.live()]
        try:
            yield self._held[0]
        finally:
            self._held.clear()

    def latest(self) -> Connection | None:
        """The newest connection that was ever live; an ended one keeps the history readable."""
        return self.ledger.connections.latest(self.livemode)

    def books(self) -> Books:
        """The account and mode whose figures are shown and added up now; none that exists before the first one."""
        latest = self.latest()
        return latest.books if latest else ("", self.livemode)

    def require_live(self) -> Connection:
        """The live connection. Raises ``NotConnected``."""
        connection = self.live()
        if connection is None:
            raise NotConnected
        return connection

    def provider(self) -> Provider:
        """Stripe, for the connected account. Raises ``NotConnected``; in a copy it can only be read."""
        connection = self.require_live()
        return watched(self._at(connection.account_id), self.environment, lambda error: self.gone(connection, error))

    def begin(self) -> str:
        """Start a consent; the returned secret goes to Stripe as ``state`` and is stored only as a digest."""
        self.rights.require(CONNECT, CONNECTING)
        self.environment.require_real(CONNECTING)
        state, now, actor = self.new_secret(), self.clock.now(), self.rights.actor
        consent = Consent(self.ledger.business, actor.ref, actor.session, self.livemode, now + CONSENT_LIFETIME)
        self.shared.start_consent(_digest(state), consent, now)
        self.log.note("connect.start", "stripe")
        return state

    def claim(self, state: str) -> None:
        """Use a consent up, before anything else is done with the return. Raises ``ConsentFailed``."""
        consent = self.shared.claim_consent(_digest(state), self.clock.now()) if state else None
        reason = refusal(consent, self.ledger.business, self.rights, livemode=self.livemode)
        if reason:
            self.log.note("connect.return", "stripe", REFUSED, reason)
            raise ConsentFailed(reason, REFUSALS[reason])
        self.rights.require(CONNECT, CONNECTING)
        self.environment.require_real(CONNECTING)

    def accept(self, grant: Grant) -> Connection:
        """What Stripe's token endpoint gave us, held as pending with what the account says of itself."""
        self.rights.require(CONNECT, CONNECTING)
        if grant.livemode != self.livemode:
            raise ConsentFailed("mode", REFUSALS["mode"])
        with self.log.deed("connect.accept", grant.account_id):
            # Stored before anything is asked: what Stripe has given us can be given back, whatever happens now.
            connection = self.ledger.connections.add_pending(
                grant, unknown_account(grant), self.environment.here, self.rights.actor.ref, self.clock.now()
            )
            provider = self.pending_provider(grant.account_id)
            try:
                account = self._everything(provider, self._account(provider))
            except ProviderError:
                self._drop(connection)
                raise
            self._know_platform(provider)
            self.ledger.connections.refresh(connection.id, account)
            return replace(connection, account=account)

    def pending(self, connection_id: str) -> Connection:
        """A connection that waits for a person's word. Raises ``NotFound``."""
        self.rights.require(CONNECT, CONNECTING)
        connection = self.ledger.connections.get(connection_id)
        if connection is None or connection.state is not ConnectionState.PENDING:
            raise NotFound("account to confirm")
        return connection

    def pending_provider(self, account_id: str) -> Provider:
        """Stripe, for an account that nobody has confirmed yet: it is looked at, and given back."""
        return watched(self._at(account_id), self.environment)

    def confirm(self, connection_id: str, change: AccountChoices | None = None) -> Connection:
        """A person has seen the account and wants it for this business. Raises ``AccountTaken``, ``Conflict``."""
        pending = self.pending(connection_id)
        self.environment.require_real(CONNECTING)
        with self.log.deed("connect.confirm", pending.account_id):
            connection = self.ledger.connections.confirm(connection_id, self.rights.actor.ref, self.clock.now(), change)
        self.announce(connection)
        self.queue.put("sync_services", business=self.ledger.business)
        return connection

    def announce(self, connection: Connection) -> None:
        """Tell host and admins that a connection is live, once, whoever comes to do it first."""
        name = connection.account.name or connection.account_id
        words = {"account": name, "account_id": connection.account_id, "by": connection.connected_by}
        self.notices.add("connected", connection.id, connection.connected_at, **words, connection=connection.id)
        self.notices.tell()

    def decline(self, connection_id: str) -> None:
        """Not this account: forget what came back, and give the right to it back to Stripe if nobody else uses it.

        Where Stripe does not answer, upkeep does it. Raises ``NotFound`` where somebody decided before."""
        connection = self.pending(connection_id)
        self.environment.require_real("let go of a Stripe account")
        with self.log.deed("connect.decline", connection.account_id):
            if not self._drop(connection):
                raise NotFound("account to confirm")

    def give_back(self, dropped: Connection) -> None:
        """Tell Stripe that we do not want to act for an account that nobody confirmed, unless somebody has it live or
        may want it yet. Raises ``ProviderError`` where it has to be tried again."""
        if not self.shared.is_wanted(*dropped.books):
            try:
                self.pending_provider(dropped.account_id).deauthorise()
            except (AccountGone, Refused) as error:
                log.warning("The account %s was not given back: %s", dropped.account_id, error.code)
        self.ledger.connections.forget_dropped(dropped.id)

    def _drop(self, connection: Connection) -> bool:
        """Whether it was pending until now: of two who decide at once, one does."""
        if not self.ledger.connections.drop_pending(connection.id):
            return False
        try:
            self.give_back(connection)
        except ProviderError as error:
            log.warning("An account is not given back to Stripe yet (%s); the next round tries again", error.code)
        return True

    def gone(self, connection: Connection, error: AccountGone) -> None:
        """Stripe says that we may no longer act for the account: the connection is over. Not in a copy, whose
        original still has it; and not where it is our own key that is wrong, which Stripe refuses in the same words.

        Raises ``WrongPlatform``.
        """
        if self.environment.is_copy:
            return
        known = self.shared.installation(self.environment.here, self.clock.now()).platform_account
        if known is not None:
            try:
                ours = self._at(connection.account_id).platform_account()
            except ProviderError:
                return  # Nobody can tell now; the next refused call asks again.
            if ours != known:
                raise WrongPlatform from error
        self.end(connection, Ending.GONE, GONE)

    def end(self, connection: Connection, ending: Ending, reason: str) -> None:
        """Note that a connection is over, whoever ended it: once, with a notice for the admins."""
        self._held.clear()
        now, actor = self.clock.now(), self.rights.actor.ref
        notice = ended_notice(connection, ending, reason, actor, now)
        ended = self.ledger.connections.end(connection.id, actor, ending, reason, now, notice)
        if ended is not None:
            self.log.note("disconnect", connection.account_id, DONE, ended.ended_reason, since=0)
            self.notices.tell()

    def refresh(self, *, everything: bool = True) -> Connection:
        """Ask Stripe what the account is and can do now; ``everything`` asks for Stripe Tax and currencies too. A
        revoked or rejected one ends here."""
        self.rights.require(VIEW, "see the connection")
        connection = self.require_live()
        provider = self.provider()
        account = self._account(provider, connection.account)
        if everything:
            account = self._everything(provider, account)
            with suppress(ProviderError):
                self._know_platform(provider)
        stored = self.ledger.connections.refresh(connection.id, account)
        now = replace(connection, account=account)
        if account.rejected and not self.environment.is_copy:
            self.end(connection, Ending.REJECTED, REJECTED)
        elif stored:
            self._tell_change(connection, now)
        return now

    def health(self) -> Health:
        """Whether customers can pay now, in words, from what we last heard."""
        self.rights.require(VIEW, "see the connection")
        connection = self.latest()
        counts = self.ledger.events.counts()
        last = next(iter(self.ledger.events.received()), None)
        return Health(diagnose(connection), connection, last, counts.get("waiting", 0), counts.get("failed", 0))

    def _tell_change(self, before: Connection, after: Connection) -> None:
        notice = account_notice(before, after, self.clock.now())
        if notice is not None and self.ledger.notices.add(notice):
            self.notices.tell()

    def _at(self, account_id: str) -> Provider:
        return self.providers.for_account(account_id, livemode=self.livemode, trace=self.log.trace)

    def _account(self, provider: Provider, known: Account | None = None) -> Account:
        """What the account says, ordered by the start of our own fetch. What was asked elsewhere stays."""
        started = self.clock.now()
        account = replace(provider.account(), checked_at=started)
        return replace(account, currencies=known.currencies, tax=known.tax) if known else account

    def _everything(self, provider: Provider, account: Account) -> Account:
        """With Stripe Tax and currencies: good to know, and no reason to fail."""
        with suppress(ProviderError):
            account = replace(account, tax=provider.tax_settings())
        if account.country:
            with suppress(ProviderError):
                account = replace(account, currencies=provider.currencies(account.country))
        return account

    def _know_platform(self, provider: Provider) -> None:
        if self.installation.platform_account is None:
            with suppress(ProviderError):
                self.shared.note_platform(provider.platform_account())


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


def refusal(consent: Consent | None, business: str, rights: Rights, *, livemode: bool) -> str | None:
    """Why a claimed consent is not good for this person now; None where it is."""
    if consent is None:
        return "unknown"
    if consent.business != business or consent.actor != rights.actor.ref:
        return "foreign"
    if consent.session != rights.actor.session:
        return "new_login"
    return "mode" if consent.livemode != livemode else None


def unknown_account(grant: Grant) -> Account:
    """What is known of an account before Stripe was asked about it: its id."""
    return Account(grant.account_id, "", "", "", None, False, False, False)


def _digest(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()
