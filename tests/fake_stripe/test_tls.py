"""FakeStripe served over TLS on this machine."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.serving import RunningServer
from tests.support.tls import certificate

from . import raw


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, signed by itself, and its key."""
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def context(pair: tuple[Path, Path]) -> ssl.SSLContext:
    """A server's context with that certificate."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*pair)
    return made


@pytest.fixture
def live(context: ssl.SSLContext) -> Iterator[tuple[raw.Api, RunningServer]]:
    """A live FakeStripe behind TLS."""
    api, _ = raw.connected(livemode=True)
    with api.fake.serve(ssl_context=context) as server:
        yield api, server


def test_pages_and_api_are_served_over_tls(live: tuple[raw.Api, RunningServer], pair: tuple[Path, Path]) -> None:
    """The address begins with https, so do hosted pages, and a client that trusts the certificate reads them."""
    api, server = live
    assert server.url == f"https://127.0.0.1:{server.port}"
    trust = str(pair[0])
    url = raw.opened(api)["hosted_invoice_url"]
    assert url.startswith(server.url)
    assert "It is not Stripe" in requests.get(url, verify=trust, timeout=10).text
    account = {"Authorization": f"Bearer {raw.LIVE_KEY}", "Stripe-Account": api.account or ""}
    found = requests.get(f"{server.url}/v1/account", headers=account, verify=trust, timeout=10)
    assert found.json()["id"] == api.account
    posted = requests.post(
        f"{server.url}/_fake/clock", json={"advance": 5}, headers={"Origin": server.url}, verify=trust, timeout=10
    )
    assert posted.status_code == 200
    with pytest.raises(requests.exceptions.SSLError):
        requests.get(server.url, timeout=10)


def test_clients_that_say_nothing_or_no_tls_keep_nobody_waiting(
    live: tuple[raw.Api, RunningServer], pair: tuple[Path, Path]
) -> None:
    """A silent connection and one without TLS are open while another is answered; the end does not wait for them."""
    _, server = live
    with (
        socket.create_connection(("127.0.0.1", server.port)),
        socket.create_connection(("127.0.0.1", server.port)) as plain,
    ):
        plain.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert requests.get(server.url, verify=str(pair[0]), timeout=10).status_code == 200
        server.stop()
        with pytest.raises(requests.ConnectionError):
            requests.get(server.url, verify=str(pair[0]), timeout=10)


def test_a_fault_cuts_the_line_under_tls_too(live: tuple[raw.Api, RunningServer], pair: tuple[Path, Path]) -> None:
    """The client sees a broken connection, and the next request is answered."""
    api, server = live
    api.fake.faults.add("cut_before", "GET", "/")
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, verify=str(pair[0]), timeout=10)
    assert requests.get(server.url, verify=str(pair[0]), timeout=10).status_code == 200


def test_certificate_and_key_may_be_given_as_paths(pair: tuple[Path, Path]) -> None:
    """As werkzeug takes them; without either it is plain http as before."""
    with FakeStripe().serve(ssl_context=(str(pair[0]), str(pair[1]))) as server:
        assert requests.get(server.url, verify=str(pair[0]), timeout=10).status_code == 200
    with FakeStripe().serve() as server:
        assert server.url.startswith("http://")
