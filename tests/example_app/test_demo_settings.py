"""What the demo sets before it starts, and when it refuses to."""

from __future__ import annotations

import json
import socket
import stat
from pathlib import Path

import pytest

from example_app.demo_settings import Addresses, CannotStart, addresses_from, configure, require_free
from flask_crm_stripe.config import read_config

USUAL = Addresses(5000, 12111)


def configured(instance: Path, **given: str) -> dict[str, str]:
    """The environment after the demo has set what it needs."""
    environ = dict(given)
    configure(environ, USUAL, instance)
    return environ


def test_the_usual_ports_and_others() -> None:
    """PORT and FAKE_STRIPE_PORT choose the ports; without them the usual ones are taken."""
    assert addresses_from({}) == USUAL
    assert addresses_from({"PORT": ""}) == USUAL
    chosen = addresses_from({"PORT": "5001", "FAKE_STRIPE_PORT": "12112"})
    assert (chosen.crm, chosen.stripe) == ("http://127.0.0.1:5001", "http://127.0.0.1:12112")


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PORT": "web"}, "PORT is “web”"),
        ({"PORT": "0"}, "a number from 1 to 65535"),
        ({"FAKE_STRIPE_PORT": "70000"}, "FAKE_STRIPE_PORT is “70000”"),
        ({"PORT": "12111"}, "are both 12111"),
    ],
)
def test_a_port_that_cannot_be_is_named(environ: dict[str, str], words: str) -> None:
    """The message names the variable and says what to set."""
    with pytest.raises(CannotStart, match=words):
        addresses_from(environ)


def test_a_taken_port_is_named_with_the_way_out() -> None:
    """Another program on the port: the message says which port, and how to choose another one."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} can't be used.*PORT={port + 1} make demo"):
            require_free(port, "PORT")
    require_free(port, "PORT")


def test_billing_gets_every_key_that_it_needs(tmp_path: Path) -> None:
    """Nothing is missing, all of it is well-formed, in test mode, and requests go to FakeStripe."""
    config = read_config({}, configured(tmp_path))
    assert config.missing == ()
    assert not config.livemode
    assert (config.public_url, config.api_base, config.connect_base) == (USUAL.crm, USUAL.stripe, USUAL.stripe)


def test_a_key_from_the_shell_never_reaches_fakestripe(tmp_path: Path) -> None:
    """A platform key that lies in the environment is replaced: the demo holds no real key and calls no real Stripe."""
    given = {"CRM_STRIPE_API_KEY": "sk_live_abc", "CRM_STRIPE_API_BASE": "https://api.stripe.com"}
    environ = configured(tmp_path, **given)
    assert environ["CRM_STRIPE_API_KEY"].startswith("sk_test_")
    assert environ["CRM_STRIPE_API_BASE"] == USUAL.stripe


def test_each_demo_starts_with_a_clean_file(tmp_path: Path) -> None:
    """FakeStripe forgets everything, so the old file goes too; files of other names stay."""
    for name in ("demo.sqlite3", "demo.sqlite3-wal", "northlight.sqlite3"):
        (tmp_path / name).touch()
    environ = configured(tmp_path)
    assert environ["DATABASE_URL"] == f"sqlite:///{tmp_path / 'demo.sqlite3'}"
    assert [file.name for file in tmp_path.glob("*.sqlite3*")] == ["northlight.sqlite3"]


def test_a_file_is_kept_where_that_is_wished(tmp_path: Path) -> None:
    """DEMO_KEEP=1 leaves the file, and DATABASE_URL leaves everything."""
    (tmp_path / "demo.sqlite3").touch()
    configured(tmp_path, DEMO_KEEP="1")
    assert configured(tmp_path, DATABASE_URL="postgresql:///crm")["DATABASE_URL"] == "postgresql:///crm"
    assert (tmp_path / "demo.sqlite3").exists()


def test_keys_last_and_are_private(tmp_path: Path) -> None:
    """A database that is kept can be read by the next demo, and is no copy there; only the owner can read the files."""
    first, second = configured(tmp_path), configured(tmp_path)
    assert first["CRM_STRIPE_ENCRYPTION_KEYS"] == second["CRM_STRIPE_ENCRYPTION_KEYS"]
    assert len(json.loads(first["CRM_STRIPE_ENCRYPTION_KEYS"])) == 1
    assert first["CRM_STRIPE_API_KEY"] == second["CRM_STRIPE_API_KEY"]
    for name in ("demo.key", "demo.platform-key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
