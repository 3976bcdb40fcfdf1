"""FakeStripe's face: one object that holds the world and serves it, over sockets or without them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import flask
from requests import Session

from . import (
    accounts,
    api,
    connect,
    control,
    credit_pdf,
    dashboard,
    hosted,
    payments,
    refunds,
    shapes,
    subscriptions,
    tax,
    walks,
)
from .deliveries import Delivery, Send
from .faults import Answer, Fault, Faults, FaultyApp
from .limits import LimitedApp, Limits
from .records import RequestRecord
from .resources import webhook_endpoints
from .serving import TLS, RunningServer
from .state import Clock, World
from .switches import Switches
from .transport import RequestsAdapter, StripeHTTPClient
from .webhooks import Courier

DEFAULT_URL = "http://127.0.0.1:12111"
STRIPE_URLS = ("https://connect.stripe.com", "https://api.stripe.com")


class FakeStripe:
    """A stateful Stripe for one's own machine. See the package's docstring for how to use it.

    `faults`, `limits` (requests a second, and how long an answer takes), `webhooks` (hold, drop, duplicate, reorder,
    resend) and `clock` are the same controls that `/_fake/*` offers over HTTP. `base_url` is where people's browsers
    find the pages; serving sets it unless it is given. With `livemode` it is a Stripe in live mode, which takes no key
    but those that begin with `sk_live_fake`. `platform_id` is the account id of the first platform, which at Stripe is
    the same in both modes.
    """

    def __init__(
        self,
        *,
        switches: Switches | None = None,
        platform_name: str = "Platform",
        platform_id: str | None = None,
        base_url: str | None = None,
        public: bool = False,
        livemode: bool = False,
    ) -> None:
        self.world = World(
            base_url=(base_url or DEFAULT_URL).rstrip("/"),
            platform_name=platform_name,
            platform_id=platform_id,
            livemode=livemode,
            switches=switches or Switches(),
        )
        self.public = public
        self.faults = Faults()
        self.limits = Limits()
        self.webhooks = Courier(self.world)
        self._fixed_url = base_url is not None
        self.app = flask.Flask(__name__.rpartition(".")[0], template_folder="templates", static_folder="static")
        self.app.extensions["fake_stripe"] = self
        self.app.context_processor(lambda: {"livemode": livemode})
        api.register(self.app, self.world)
        self.connect = connect.register(self.app, self.world)
        hosted.register(self.app, self.world)
        credit_pdf.register(self.app, self.world)
        control.register(self.app, control.Controls(self.world, self.faults, self.limits, self.webhooks, self.connect))
        dashboard.register(self.app, self.world, self.webhooks, self.connect)
        self.wsgi_app = LimitedApp(FaultyApp(self.app.wsgi_app, self.faults, self._note), self.limits, self._refused)

    # -- looking at it -----------------------------------------------------------------------------------------------

    @property
    def livemode(self) -> bool:
        """Whether this is a Stripe in live mode."""
        return self.world.livemode

    @property
    def requests(self) -> list[RequestRecord]:
        """Every API and OAuth request so far, oldest first."""
        return self.world.requests

    @property
    def clock(self) -> Clock:
        """FakeStripe's clock; `advance(seconds)` moves it."""
        return self.world.clock

    # -- setting it up -----------------------------------------------------------------------------------------------

    def create_account(
        self, name: str, country: str = "NL", currency: str = "eur", *, id: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """A connectable Standard account. By its `id` one can be in a test and in a live FakeStripe, as at Stripe."""
        with self.world.lock:
            return self.world.create_account(name, country, currency, id=id, **fields)

    def add_endpoint(
        self, url: str, secret: str | None = None, events: Sequence[str] = ("*",), connect: bool = True
    ) -> dict[str, Any]:
        """A webhook endpoint of the first platform, with its `secret` (a new one unless given)."""
        with self.world.lock:
            platform = self.world.first_platform()
            client = platform.client_id or f"ca_{platform.account_id.removeprefix('acct_')}"
            return webhook_endpoints.add(
                self.world,
                platform.account_id,
                url,
                list(events),
                application=client if connect else None,
                secret=secret,
            )

    def deauthorize(self, account_id: str) -> None:
        """The business disconnects every platform in its own Stripe dashboard."""
        with self.world.lock:
            self.connect.revoke(account_id)

    # -- what happens at Stripe --------------------------------------------------------------------------------------

    def update_account(self, account_id: str, **fields: Any) -> dict[str, Any]:
        """The owner or Stripe changes the account; an object such as `requirements` is merged one level deep. Says
        `account.updated` and `capability.updated` for what changed. ValueError for a field that cannot be."""
        with self.world.lock:
            return shapes.clone(accounts.update(self.world, account_id, fields))

    def reject_account(self, account_id: str, reason: str = "fraud") -> dict[str, Any]:
        """Stripe rejects the account: charges and payouts off for good. The API goes on answering for it."""
        with self.world.lock:
            return shapes.clone(accounts.reject(self.world, account_id, reason))

    def close_account(self, account_id: str) -> None:
        """The business closes its account: every platform is disconnected, and nothing reaches it any more."""
        with self.world.lock:
            accounts.close(self.connect, account_id)

    def update_tax_settings(self, account_id: str, **fields: Any) -> dict[str, Any]:
        """The owner sets `defaults` or `head_office` of the account's tax settings; says `tax.settings.updated`."""
        with self.world.lock:
            return shapes.clone(tax.update(self.world, account_id, fields))

    def add_subscription(
        self,
        account_id: str,
        customer: str,
        *,
        amount: int,
        currency: str,
        interval: str = "month",
        status: str = "active",
        description: str = "",
        collection_method: str = "charge_automatically",
    ) -> dict[str, Any]:
        """The business makes a subscription for a customer (by id) in its own dashboard, with a product and a price.
        ValueError for what Stripe would refuse."""
        wanted = {"amount": amount, "currency": currency, "interval": interval, "status": status}
        wanted |= {"description": description, "collection_method": collection_method}
        with self.world.lock:
            made = subscriptions.add(self.world, account_id, customer, wanted)
            return subscriptions.shown(self.world, account_id, made)

    def take_payment(self, account_id: str, customer: str, *, amount: int, currency: str) -> dict[str, Any]:
        """A customer (by id) pays by card without an invoice; gives the payment intent. ValueError for what Stripe
        would refuse."""
        with self.world.lock:
            return shapes.clone(payments.take(self.world, account_id, customer, amount, currency))

    def fail_refund(self, account_id: str, refund: str, reason: str = refunds.USUAL_REASON) -> dict[str, Any]:
        """A refund (by id) fails after all, even one that had succeeded: the charge counts as not refunded again."""
        with self.world.lock:
            return shapes.clone(refunds.fail(self.world, account_id, refund, reason))

    # -- mounted: no sockets -----------------------------------------------------------------------------------------

    def http_client(self, timeout: float = 80.0) -> StripeHTTPClient:
        """The HTTP client to give to `StripeClient`; `timeout` is its patience in seconds."""
        return StripeHTTPClient(self.wsgi_app, timeout)

    def mount(self, session: Session) -> None:
        """Answer this session's requests to Stripe's addresses and to `base_url`."""
        for url in (*STRIPE_URLS, self.world.base_url):
            session.mount(url, RequestsAdapter(self.wsgi_app))

    def on_delivery(self, send: Send) -> None:
        """How webhooks are posted: `send(url, body, headers)` returns the receiver's HTTP status."""
        self.webhooks.send = send

    def deliver(self) -> list[Delivery]:
        """Send every webhook that is due now, and those that this brings about."""
        return self.webhooks.deliver()

    # -- walking it --------------------------------------------------------------------------------------------------

    def authorize(self, url: str, account: str, allow: bool = True) -> str:
        """Walk the Connect page at `url` for this account id; returns the address it redirects back to."""
        return walks.authorize(self.wsgi_app, url, account, allow)

    def pay(self, hosted_invoice_url: str, card: str = "4242424242424242") -> dict[str, Any]:
        """Post a card to the hosted page; returns the invoice as it is afterwards."""
        walks.submit_card(self.wsgi_app, hosted_invoice_url, card)
        account_id, invoice_id = self.world.hosted[hosted.token_of(hosted_invoice_url)]
        with self.world.lock:
            return shapes.render(deepcopy(self.world.store(account_id)["invoice"][invoice_id]))

    # -- served ------------------------------------------------------------------------------------------------------

    def serve(
        self, host: str = "127.0.0.1", port: int = 0, threaded: bool = True, ssl_context: TLS | None = None
    ) -> RunningServer:
        """Serve in background threads (port 0: a free one) and deliver webhooks over HTTP until `.stop()`.

        With an `ssl_context`, or the paths of a certificate and its key, over TLS: `.url` begins with https.
        ValueError for an address that others can reach, unless this FakeStripe was made with `public=True`.
        """
        if not self.public and host not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError(f"FakeStripe serves this machine only, not {host}. To share it, make it with public=True.")
        server = RunningServer(self.wsgi_app, self.webhooks, host, port, threaded, ssl_context)
        if not self._fixed_url:
            self.world.base_url = server.url
        return server.start()

    def _note(self, environ: dict[str, Any], fault: Fault, status: int | None) -> None:
        if fault.kind in ("cut_after", "delay"):
            return  # The API did the work and has logged it.
        self._log(environ, status or 0, f"A fault was set here: {fault.kind}.")

    def _refused(self, environ: dict[str, Any], answer: Answer) -> None:
        self._log(environ, answer.status, answer.error["message"])

    def _log(self, environ: dict[str, Any], status: int, error: str) -> None:
        record = RequestRecord(
            self.world.new_id("req"), self.world.now(), environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        )
        record.account = environ.get("HTTP_STRIPE_ACCOUNT")
        record.idempotency_key = environ.get("HTTP_IDEMPOTENCY_KEY")
        record.status = status
        record.error = error
        with self.world.lock:
            self.world.requests.append(record)
