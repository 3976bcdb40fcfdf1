"""``CRMStripe``: what a host registers, and the only module that knows every adapter."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from flask import Flask, appcontext_pushed, current_app, has_request_context
from requests import Session as HTTPSession

from flask_crm_stripe import web
from flask_crm_stripe.adapters.celery_queue import CeleryQueue, register
from flask_crm_stripe.adapters.clock import SystemClock
from flask_crm_stripe.adapters.environment import fingerprint, host_of
from flask_crm_stripe.adapters.hands import ThreadHands
from flask_crm_stripe.adapters.mailer import HostMailer, SendMail
from flask_crm_stripe.adapters.publisher import BlinkerPublisher
from flask_crm_stripe.adapters.queues import InlineQueue
from flask_crm_stripe.adapters.signing import SigningSecrets
from flask_crm_stripe.adapters.sqlalchemy.autogenerate import hide_from_migrate
from flask_crm_stripe.adapters.sqlalchemy.create_all import follow_create_all
from flask_crm_stripe.adapters.sqlalchemy.crm import SQLAlchemyCRM
from flask_crm_stripe.adapters.sqlalchemy.database import Database
from flask_crm_stripe.adapters.sqlalchemy.host import HostSession, session_source
from flask_crm_stripe.adapters.sqlalchemy.identity import identity, name_of
from flask_crm_stripe.adapters.sqlalchemy.ledger import SqlSharedLedger
from flask_crm_stripe.adapters.sqlalchemy.outbox import record_changes
from flask_crm_stripe.adapters.sqlalchemy.pace import SqlPace
from flask_crm_stripe.adapters.sqlalchemy.upgrade import is_current, upgrade
from flask_crm_stripe.adapters.stripe.pacing import Limits
from flask_crm_stripe.adapters.stripe.provider import StripeProviders
from flask_crm_stripe.adapters.stripe.webhooks import parse_event, verify
from flask_crm_stripe.adapters.vault import FernetVault
from flask_crm_stripe.cli import commands
from flask_crm_stripe.config import STRIPE_API, STRIPE_CONNECT, Config, read_config
from flask_crm_stripe.core.billing import Platform
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import InvalidInput, SetupMissing
from flask_crm_stripe.model.business import ALL_PERMISSIONS, DEFAULT_BUSINESS, Actor, Business
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.events import IncomingEvent
from flask_crm_stripe.ports.crm import CRMSource
from flask_crm_stripe.ports.runtime import Clock, Queue
from flask_crm_stripe.state import EXTENSION, State
from flask_crm_stripe.tasks import Worker
from flask_crm_stripe.web.automatic import bill_by_itself
from flask_crm_stripe.web.i18n import translator
from flask_crm_stripe.web.login import forget_login
from flask_crm_stripe.web.notices import place_of

LoadBusiness = Callable[[], str | Business | None]
LoadActor = Callable[[], Actor | None]
FinanceModule = Callable[[str], bool]
BusinessLoaderT = TypeVar("BusinessLoaderT", bound=LoadBusiness)
ActorLoaderT = TypeVar("ActorLoaderT", bound=LoadActor)
FinanceModuleT = TypeVar("FinanceModuleT", bound=FinanceModule)
SendMailT = TypeVar("SendMailT", bound=SendMail)

HOUSEKEEPING_SECONDS = 60


class Transport(Protocol):
    """Another way to Stripe than the network: FakeStripe is one, mounted without sockets."""

    def http_client(self) -> Any:
        """A ``stripe.HTTPClient``."""
        ...

    def mount(self, session: HTTPSession) -> None:
        """Put itself under a requests session."""
        ...


class CRMStripe:
    """Billing through Stripe for a Flask CRM.

        crm_stripe = CRMStripe()
        crm_stripe.init_app(app, crm=SQLAlchemyCRM(...), db=db)

    One object may serve several apps: it keeps the loaders and nothing of an app.
    """

    def __init__(self) -> None:
        self._load_business: LoadBusiness | None = None
        self._load_actor: LoadActor | None = None
        self._finance_module: FinanceModule | None = None
        self._mailer: SendMail | None = None

    def business_loader(self, load: BusinessLoaderT) -> BusinessLoaderT:
        """Register what tells the business of a request: a ref, a ``Business``, or None where there is none."""
        self._load_business = load
        return load

    def actor_loader(self, load: ActorLoaderT) -> ActorLoaderT:
        """Register what tells the person of a request, with permissions; None where nobody is logged in.

        Without it Flask-Login's user counts, if it is logged in and ``is_admin``, with every permission.
        """
        self._load_actor = load
        return load

    def finance_module(self, enabled: FinanceModuleT) -> FinanceModuleT:
        """Register what tells whether a business (by its ref) has the finance module on; asked per request."""
        self._finance_module = enabled
        return enabled

    def mailer(self, send: SendMailT) -> SendMailT:
        """Register what sends a ``Mail`` (``to``, ``subject``, ``text``, ``business``); what it raises counts as not
        certain to be sent. Without it, notices for admins stand on the pages only."""
        self._mailer = send
        return send

    def init_app(
        self, app: Flask, *, crm: CRMSource | SQLAlchemyCRM, db: Any, transport: Transport | None = None
    ) -> None:
        """Add pages, webhook route, commands and the outbox to ``app``.

        ``crm`` is a ``SQLAlchemyCRM`` or has ``for_business(ref)``; ``db`` is Flask-SQLAlchemy's, a scoped session or a
        sessionmaker; ``transport`` is for tests. Raises ``ConfigurationError`` for malformed keys and mappings.
        """
        wiring = Wiring(app, self, crm, db, read_config(app.config, os.environ), transport)
        app.extensions[EXTENSION] = wiring.state()
        pages, hooks, assets = web.blueprints()
        for blueprint in (hooks, assets, pages):
            app.register_blueprint(blueprint, url_prefix=wiring.config.url_prefix)
        app.cli.add_command(commands())
        wiring.join_host()

    def bill(self, kind: str, ref: object, *, business: Business | str | None = None, send: bool = True) -> str:
        """Bill all that is ready of an opportunity, ticket or order by itself, in the background, on the terms of the
        business's settings: where an order is confirmed, say. Call it after your commit; the business is the request's
        unless one is given. Again for the same work it makes nothing a second time.

        Gives the id of the run, whose page (``/stripe/runs/<id>``) says what came of it or why nothing did. Raises
        ``HostTransactionOpen``, ``FinanceModuleOff``, ``NotConnected``, ``Conflict``, and ``NotFound`` for a source or
        a business that is not there.
        """
        return bill_by_itself(SourceRef(kind, str(ref)), business, send=send).id

    def register_tasks(self, celery: Any, app: Flask) -> None:
        """Let the workers of ``celery`` (a ``Celery`` app) do billing's work for ``app``.

        For CRM_STRIPE_TASKS = "celery". Call it where the workers' app is made, after ``init_app``.
        """

        def run(task: str, arguments: Mapping[str, str | int]) -> None:
            with app.app_context():
                state: State = app.extensions[EXTENSION]
                worker = Worker(state.ready(), cast(Inbox, state.inbox), cast(Upkeep, state.upkeep))
                worker.run(task, arguments)

        register(celery, run)


@dataclass(frozen=True)
class Wiring:
    """One app's adapters, put together."""

    app: Flask
    extension: CRMStripe
    declared: CRMSource | SQLAlchemyCRM
    db: Any
    config: Config
    transport: Transport | None
    clock: Clock = field(default_factory=SystemClock)

    def state(self) -> State:
        """Everything a request needs; without keys there is no platform, and pages answer 503."""
        sessions = session_source(self.db)
        database = Database(sessions, self.config.bind)
        host = HostSession(self.db)
        platform, worker = self._platform() if not self.config.missing else (None, None)
        return State(
            config=self.config,
            platform=platform,
            inbox=worker.inbox if worker else None,
            upkeep=worker.upkeep if worker else None,
            tables_ready=_once_true(lambda: is_current(_engine(database))),
            load_business=self._business,
            load_actor=self._actor,
            finance_enabled=self._finance_enabled,
            release_host_session=host.release,
            read_event=self._event_reader(platform),
            send_http=self.transport.mount if self.transport else lambda _: None,
            housekeep=_now_and_then(platform.queue if platform else None),
            upgrade=lambda: upgrade(_engine(database)),
            check_mapping=self.declared.check_fully if isinstance(self.declared, SQLAlchemyCRM) else list,
            database_name=lambda: name_of(database),
        )

    def join_host(self) -> None:
        """What needs the host's other extensions waits for the first app context: they may come after us."""
        joined: list[bool] = []

        def join(app: Flask, **_: object) -> None:
            if not joined:
                joined.append(True)
                self._join(app)

        # Flask holds receivers weakly; the app keeps this one.
        appcontext_pushed.connect(join, self.app)
        self.app.extensions[f"{EXTENSION}_join"] = join

    def _join(self, app: Flask) -> None:
        if "migrate" in app.extensions:
            hide_from_migrate(app.extensions["migrate"].configure_args)
        if "csrf" in app.extensions:
            app.extensions["csrf"].exempt(app.blueprints["crm_stripe_hooks"])
        metadatas = getattr(self.db, "metadatas", {})
        if self.config.bind in metadatas:
            follow_create_all(metadatas[self.config.bind], self._is_current_app)
        if isinstance(self.declared, SQLAlchemyCRM):
            engines = list(self.db.engines.values()) if hasattr(self.db, "engines") else []
            record_changes(self.db, self.declared, self._is_current_app, _note_committed, engines, self.config.bind)
        _follow_logins(app)

    def _is_current_app(self) -> bool:
        return bool(current_app) and current_app._get_current_object() is self.app  # type: ignore[attr-defined]

    def _platform(self) -> tuple[Platform, Worker]:
        workers: list[Worker] = []
        queue: Queue = (
            CeleryQueue()
            if self.config.tasks == "celery"
            else InlineQueue(lambda task, arguments: workers[0].run(task, arguments))
        )
        platform = Platform(
            shared=SqlSharedLedger(session_source(self.db), FernetVault(self.config.encryption_keys), self.config.bind),
            crm=self._crm(),
            providers=self._providers(),
            publisher=BlinkerPublisher(self.app),
            mailer=HostMailer(self._mailer),
            queue=queue,
            clock=self.clock,
            livemode=self.config.livemode,
            fingerprint=_once(self._fingerprint),
            address=lambda notice: self.config.public_url + self.config.url_prefix + place_of(notice),
            translator=translator,
            webhook_url=f"{self.config.public_url}{self.config.url_prefix}/webhooks",
            secrets_given=bool(self.config.webhook_secrets),
            hands=ThreadHands(self._hands, self.app.app_context),
        )
        inbox = Inbox(platform.shared, platform.system, queue, self.clock)
        workers.append(Worker(platform, inbox, Upkeep(platform, inbox)))
        return platform, workers[0]

    def _fingerprint(self) -> str:
        """Asked for at the first use: it needs the database."""
        database = Database(session_source(self.db), self.config.bind)
        host = host_of(self.config.host, self.config.public_url)
        return fingerprint(host, identity(database), self.config.api_key)

    def _mailer(self) -> SendMail | None:
        send = self.extension._mailer
        return self.app.ensure_sync(send) if send else None

    def _providers(self) -> StripeProviders:
        config = self.config
        return StripeProviders(
            config.api_key,
            client_id=config.client_id,
            api_base=config.api_base if config.api_base != STRIPE_API else None,
            connect_base=config.connect_base if config.connect_base != STRIPE_CONNECT else None,
            http_client=self.transport.http_client() if self.transport else None,
            clock=self.clock,
            pace=None if self.transport else SqlPace(Database(session_source(self.db), config.bind)),
            limits=Limits(config.most_requests, config.endpoint_requests, config.limits_of == "platform"),
        )

    def _hands(self) -> int:
        """SQLite has one writer at a time, and one in memory is another for each thread."""
        engine = _engine(Database(session_source(self.db), self.config.bind))
        return 1 if engine.dialect.name == "sqlite" else self.config.hands

    def _crm(self) -> CRMSource:
        if not isinstance(self.declared, SQLAlchemyCRM):
            return self.declared
        if self.extension._load_business is not None:
            self.declared.require_business()
        return self.declared.connect(session_source(self.db))

    def _event_reader(self, platform: Platform | None) -> Callable[[bytes, str | None], IncomingEvent]:
        stored = platform.shared.endpoints.secrets if platform else tuple
        secrets = SigningSecrets(self.config.webhook_secrets, stored)

        def read(body: bytes, header: str | None) -> IncomingEvent:
            try:
                verify(body, header, secrets.all(), self.clock.now())
            except (InvalidInput, SetupMissing):
                if not secrets.look_again():
                    raise
                verify(body, header, secrets.all(), self.clock.now())
            return parse_event(body)

        return read

    def _business(self) -> Business | None:
        load = self.extension._load_business
        if load is None:
            return Business(DEFAULT_BUSINESS, self.app.name)
        if isinstance(self.declared, SQLAlchemyCRM):
            self.declared.require_business()
        found = self.app.ensure_sync(load)()
        return Business(found, found) if isinstance(found, str) else found

    def _actor(self) -> Actor | None:
        load = self.extension._load_actor
        found: Actor | None = self.app.ensure_sync(load)() if load else flask_login_admin(self.app)
        return found

    def _finance_enabled(self, business: str) -> bool:
        enabled = self.extension._finance_module
        return enabled is None or bool(self.app.ensure_sync(enabled)(business))


def flask_login_admin(app: Flask) -> Actor | None:
    """Flask-Login's user, if there is one. ``is_admin`` counts only if it is True, or a call that returns True: a bound
    method by itself is truthy."""
    if not hasattr(app, "login_manager"):
        return None
    from flask_login import current_user

    if not current_user or not current_user.is_authenticated:
        return None
    admin = getattr(current_user, "is_admin", False)
    permitted = (admin() if callable(admin) else admin) is True
    name = getattr(current_user, "name", None) or getattr(current_user, "email", None) or current_user.get_id()
    return Actor(str(current_user.get_id()), str(name), ALL_PERMISSIONS if permitted else ())


def _engine(database: Database) -> Any:
    with database.reading() as connection:
        return connection.engine


def _once_true(check: Callable[[], bool]) -> Callable[[], bool]:
    """Asks until the answer is yes, and then no more."""
    seen: list[bool] = []

    def asked() -> bool:
        if not seen and check():
            seen.append(True)
        return bool(seen)

    return asked


def _once(ask: Callable[[], str]) -> Callable[[], str]:
    """Asks until there is an answer, and remembers it."""
    found: list[str] = []

    def asked() -> str:
        if not found:
            found.append(ask())
        return found[0]

    return asked


def _now_and_then(queue: Queue | None) -> Callable[[], None]:
    """Every so often a request gives the work that was left behind another try, after its answer."""
    due = [time.monotonic() + HOUSEKEEPING_SECONDS]

    def housekeep() -> None:
        if isinstance(queue, InlineQueue):
            queue.take_up()
        if queue is not None and time.monotonic() >= due[0]:
            due[0] = time.monotonic() + HOUSEKEEPING_SECONDS
            queue.put("keep_up")

    return housekeep


def _note_committed() -> None:
    """The host saved something that Stripe should hear of: after the response, never inside its commit.

    Outside a request (a script, a shell) the note waits for ``flask crm-stripe work`` or the next request.
    """
    state: State = current_app.extensions[EXTENSION]
    if state.platform is not None and (has_request_context() or state.config.tasks == "celery"):
        state.platform.queue.put("sync_noted")


def _follow_logins(app: Flask) -> None:
    """A sign-in at Stripe is void after a new login, also where the same person comes back."""
    if not hasattr(app, "login_manager"):
        return
    from flask_login import user_logged_in, user_logged_out

    for signal in (user_logged_in, user_logged_out):
        signal.connect(forget_login, app)
