"""The provider: all capabilities of one account, and the source that gives one per account."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import stripe

from flask_crm_stripe.adapters.clock import SystemClock
from flask_crm_stripe.adapters.stripe.afterwards import AfterwardsCalls
from flask_crm_stripe.adapters.stripe.catalogue import CatalogueCalls
from flask_crm_stripe.adapters.stripe.client import make_client, straight_client
from flask_crm_stripe.adapters.stripe.connection import ConnectionCalls
from flask_crm_stripe.adapters.stripe.crediting import CreditCalls
from flask_crm_stripe.adapters.stripe.customers import CustomerCalls
from flask_crm_stripe.adapters.stripe.endpoints import EndpointCalls
from flask_crm_stripe.adapters.stripe.invoicing import InvoicingCalls
from flask_crm_stripe.adapters.stripe.pacing import Limits, PacedClient
from flask_crm_stripe.adapters.stripe.payments import PaymentCalls
from flask_crm_stripe.adapters.stripe.retries import Retries, Sleep
from flask_crm_stripe.errors import ConfigurationError
from flask_crm_stripe.ports.runtime import Clock, Pace

STRIPES = Limits(25, 25)
"""Stripe's own, in test mode."""

_MODES = {"test": False, "live": True}


@dataclass(frozen=True)
class StripeProvider(
    ConnectionCalls,
    CatalogueCalls,
    CustomerCalls,
    InvoicingCalls,
    AfterwardsCalls,
    CreditCalls,
    PaymentCalls,
    EndpointCalls,
):
    """One connected account in one mode. Its repr shows the account and the mode, nothing more."""


class StripeProviders:
    """Gives the provider of one account, all over one shared client."""

    def __init__(
        self,
        api_key: str,
        *,
        client_id: str | None = None,
        api_base: str | None = None,
        connect_base: str | None = None,
        http_client: stripe.HTTPClient | None = None,
        clock: Clock | None = None,
        sleep: Sleep = time.sleep,
        pace: Pace | None = None,
        limits: Limits = STRIPES,
    ) -> None:
        """``api_key`` is the platform's; bases and ``http_client`` put another host or transport in Stripe's place.
        Without a ``pace`` nothing waits for its turn at ``limits``."""
        self._livemode = livemode_of(api_key)
        http = http_client or straight_client()
        if pace is not None:
            http = PacedClient(http, pace, limits, sleep)
        self._client = make_client(
            api_key, client_id=client_id, api_base=api_base, connect_base=connect_base, http_client=http
        )
        self._clock = clock or SystemClock()
        self._retries = Retries(sleep)

    def for_account(self, account_id: str, *, livemode: bool, trace: list[str] | None = None) -> StripeProvider:
        """Raises ``ConfigurationError`` where our key is of the other mode: test and live are never mixed. ``trace`` is
        given Stripe's id of every request."""
        if livemode is not self._livemode:
            ours, theirs = ("live", "test") if self._livemode else ("test", "live")
            raise ConfigurationError(
                f"CRM_STRIPE_API_KEY is a {ours} mode key, and this Stripe connection is in {theirs} mode. "
                f"Set the {theirs} mode key, or connect Stripe again in {ours} mode.",
                field="CRM_STRIPE_API_KEY",
            )
        ids = [] if trace is None else trace
        return StripeProvider(self._client, account_id, livemode, self._clock, self._retries, ids)

    def __repr__(self) -> str:
        return f"StripeProviders(livemode={self._livemode})"


def livemode_of(api_key: str) -> bool:
    """The mode of a secret or restricted key, by its prefix. Raises ``ConfigurationError`` for anything else."""
    shape = re.match(r"(?:sk|rk)_(test|live)_\w", api_key)
    if not shape:
        raise ConfigurationError(
            "CRM_STRIPE_API_KEY is not a secret key of Stripe's. One begins with sk_test_ or sk_live_ (or rk_).",
            field="CRM_STRIPE_API_KEY",
        )
    return _MODES[shape[1]]
