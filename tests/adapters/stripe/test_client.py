"""The shared client: time-outs, other hosts, what is shown and logged, and real sockets."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

import pytest
import stripe

from flask_crm_stripe.adapters.stripe.client import make_client
from flask_crm_stripe.adapters.stripe.provider import StripeProviders, livemode_of
from flask_crm_stripe.errors import ConfigurationError, ProviderFailed, Unreachable
from flask_crm_stripe.model.invoices import CustomerDraft
from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.adapters.stripe.scripted import CUSTOMER, KEY, ok, scripted
from tests.contracts.provider_drafts import line, open_invoice
from tests.contracts.provider_worlds import SDKWorld, provider_of
from tests.support.live import served


def test_the_client_waits_shortly_and_tells_nobody_about_this_machine() -> None:
    """3.05 s to connect, 20 s to read, no retries of the SDK's own, no telemetry."""
    client = make_client(KEY)
    transport = cast(stripe.RequestsClient, client._requestor._get_http_client())
    assert transport._timeout == (3.05, 20.0)
    assert stripe.enable_telemetry is False
    provider, scripted_transport, _ = scripted(ok(CUSTOMER))
    for key in ("k1", "k2"):
        provider.create_customer(CustomerDraft("Ada", None, None, None), key)
    for *_, headers in scripted_transport.requests:
        assert "X-Stripe-Client-Telemetry" not in headers
        assert "telemetry_id" not in headers["X-Stripe-Client-User-Agent"]


def test_one_client_serves_all_accounts() -> None:
    """Two businesses' providers share the client, so connections are kept."""
    providers = StripeProviders(KEY)
    one, two = (providers.for_account(name, livemode=False) for name in ("acct_1", "acct_2"))
    assert one.client is two.client
    assert (one.account_id, two.account_id) == ("acct_1", "acct_2")


@pytest.mark.parametrize(
    ("key", "live"), [("sk_test_a", False), ("rk_test_a", False), ("sk_live_a", True), ("rk_live_a", True)]
)
def test_the_mode_of_a_key(key: str, live: bool) -> None:
    """Secret and restricted keys tell their mode, and the other mode's accounts are refused in words."""
    assert livemode_of(key) is live
    providers = StripeProviders(key)
    assert providers.for_account("acct_1", livemode=live).livemode is live
    with pytest.raises(ConfigurationError) as refusal:
        providers.for_account("acct_1", livemode=not live)
    assert key not in refusal.value.message


@pytest.mark.parametrize("key", ["", "pk_test_canary", "sk_test_", "whsec_canary", "sk_no_canary", " sk_test_canary"])
def test_what_is_no_secret_key(key: str) -> None:
    """Anything else is refused with the name of the setting, without showing it."""
    with pytest.raises(ConfigurationError) as refusal:
        livemode_of(key)
    assert refusal.value.field == "CRM_STRIPE_API_KEY"
    assert "canary" not in refusal.value.message


def test_nothing_shows_the_key() -> None:
    """Neither the source's nor a provider's repr holds the key or anything but account and mode."""
    providers = StripeProviders(KEY)
    provider = providers.for_account("acct_1", livemode=False)
    assert repr(providers) == "StripeProviders(livemode=False)"
    assert repr(provider) == "StripeProvider(account_id='acct_1', livemode=False)"


def test_logs_at_debug_hold_no_bodies(caplog: pytest.LogCaptureFixture) -> None:
    """A whole invoice at DEBUG: no key, no hosted address, no customer's name or mail in any record."""
    world = SDKWorld()
    with caplog.at_level(logging.DEBUG):
        invoice = open_invoice(provider_of(world, world.one), line("a", 10_000))
    assert invoice.hosted_url
    assert "/v1/invoices" in caplog.text
    page_token = invoice.hosted_url.rpartition("/")[2]
    for secret in (world.KEY, invoice.hosted_url, page_token, "ada@example.com", "Ada Byron"):
        assert secret not in caplog.text
    assert invoice.hosted_url not in repr(invoice)


def test_another_host_in_stripes_place_over_real_sockets() -> None:
    """With API_BASE the same client talks to FakeStripe on this machine."""
    fake = FakeStripe()
    server = fake.serve()
    try:
        world = SDKWorld(fake)
        providers = StripeProviders(world.KEY, client_id=world.CLIENT_ID, api_base=f"{server.url}/")
        provider = providers.for_account(world.one, livemode=False)
        assert provider.account().name == "Harbour Physio"
    finally:
        server.stop()


def test_silence_on_a_real_socket_is_tried_once_more() -> None:
    """A read time-out is told from a cut: one extra try, and "not certain" in the end."""
    fake = FakeStripe()
    server = fake.serve()
    try:
        world = SDKWorld(fake)
        transport = stripe.RequestsClient(timeout=(1, 0.1))
        providers = StripeProviders(world.KEY, api_base=server.url, http_client=transport, sleep=world.slept.append)
        fault = fake.faults.add("delay", "GET", "/v1/account", seconds=0.5, times=5)
        with pytest.raises(Unreachable):
            providers.for_account(world.one, livemode=False).account()
        assert len(world.slept) == 1
        assert fault.hits == 2
    finally:
        server.stop()


def test_a_redirect_is_not_followed() -> None:
    """The key and the body stay here, wherever somebody points: the answer counts as a failure of Stripe's."""
    caught: list[str] = []

    def elsewhere(environ: dict[str, object], start: Callable[..., object]) -> list[bytes]:
        caught.append(str(environ["PATH_INFO"]))
        start("307 Temporary Redirect", [("Location", "/stolen")])
        return [b""]

    with served(elsewhere) as server:
        provider = StripeProviders(KEY, api_base=server.url, sleep=lambda _: None).for_account("acct_1", livemode=False)
        with pytest.raises(ProviderFailed):
            provider.create_customer(CustomerDraft("Ada", None, None, None), "k1")
    assert set(caught) == {"/v1/customers"}
