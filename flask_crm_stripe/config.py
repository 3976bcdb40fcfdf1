"""The configuration: read once, frozen, checked while the app starts.

A malformed key stops the app with one sentence that says what to do. A missing key does not: builds and migrations run
without any; the pages and the webhook answer 503 and name what is missing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask_crm_stripe.errors import ConfigurationError

PREFIX = "CRM_STRIPE_"
STRIPE_API = "https://api.stripe.com"
STRIPE_CONNECT = "https://connect.stripe.com"
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1"))
NEEDED = ("API_KEY", "CLIENT_ID", "ENCRYPTION_KEYS", "PUBLIC_URL")
FROM_ENVIRONMENT_ONLY = frozenset(("API_BASE", "CONNECT_BASE"))


@dataclass(frozen=True, slots=True)
class Config:
    """Every key, without its prefix ``CRM_STRIPE_``, in lowercase."""

    api_key: str = field(default="", repr=False)
    """The platform's secret key (sk_test_..., sk_live_... or a restricted rk_...). Its mode is the app's mode."""
    client_id: str = ""
    """The Connect client id (ca_...) of the same mode."""
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Signing secrets (whsec_...) of endpoints that were made by hand, a JSON list: several are valid while one is
    rolled. Those of endpoints that billing makes itself are stored, encrypted."""
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    """Fernet keys, a JSON list: the first encrypts, all decrypt."""
    public_url: str = ""
    """Where the CRM is reached from outside, like https://crm.example.com. Never taken from a Host header."""
    host: str = ""
    """What this environment is called, for a database that is used from several machines or from containers; else the
    machine's own name counts. A database that is met under another name is a copy."""
    bind: str | None = None
    """The host's bind key for our tables; None is its default database."""
    url_prefix: str = "/stripe"
    """Where our pages are."""
    tasks: str = "inline"
    """Who does work for later: ``inline`` (after the response) or ``celery``."""
    hands: int = 12
    """How many invoices of a run one worker makes at the same time. Each needs a database connection while it writes;
    on SQLite it is one."""
    all_requests: int = 0
    """Stripe's limit of requests a second of one account; 0: Stripe's own for the key's mode (100 live, 25 test)."""
    endpoint_requests: int = 25
    """Stripe's limit of requests a second of each endpoint."""
    limits_of: str = "account"
    """Whose limits these are: of each connected ``account``, or of the ``platform`` with all of them."""
    api_base: str = STRIPE_API
    """Another host than Stripe's API (FakeStripe, a proxy). From the environment only."""
    connect_base: str = STRIPE_CONNECT
    """Another host than Stripe's Connect. From the environment only."""

    @property
    def livemode(self) -> bool:
        """Whether the key moves real money."""
        return "_live_" in self.api_key

    @property
    def most_requests(self) -> int:
        """Requests a second of one account: as set, else Stripe's own."""
        return self.all_requests or (100 if self.livemode else 25)

    @property
    def missing(self) -> tuple[str, ...]:
        """The keys that billing needs and that are not set, with their prefix."""
        return tuple(PREFIX + name for name in NEEDED if not getattr(self, name.lower()))


def read_config(settings: Mapping[str, Any], environment: Mapping[str, str]) -> Config:
    """The configuration of an app; what is set in ``app.config`` wins over the environment.

    Raises ``ConfigurationError`` for the first key that is malformed.
    """
    values: dict[str, Any] = {}
    for name, check in CHECKS.items():
        key = PREFIX + name
        given = settings.get(key)
        if name in FROM_ENVIRONMENT_ONLY and given is not None:
            raise _wrong(
                name, "is read from the environment only, so that code cannot send money elsewhere. Export it."
            )
        if given is None:
            given = environment.get(key)
        if given not in (None, "", [], ()):
            values[name.lower()] = check(name, given)
    config = Config(**values)
    _check_together(config)
    return config


def _check_together(config: Config) -> None:
    elsewhere = config.api_base != STRIPE_API or config.connect_base != STRIPE_CONNECT
    if config.livemode and elsewhere:
        raise _wrong("API_KEY", "is a live key, and API_BASE or CONNECT_BASE is not Stripe's. Use a test key there.")
    if config.livemode and config.public_url and not config.public_url.startswith("https://"):
        raise _wrong("PUBLIC_URL", "must begin with https:// where the key is live: Stripe redirects nowhere else.")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or value != value.strip() or any(ord(letter) < 32 for letter in value):
        raise _wrong(name, "must be one line of text without spaces around it.")
    return value


def _shaped(pattern: str, help_text: str) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        text = _text(name, value)
        if not re.fullmatch(pattern, text):
            raise _wrong(name, help_text)
        return text

    return check


def _list(pattern: str, help_text: str) -> Callable[[str, object], tuple[str, ...]]:
    def check(name: str, value: object) -> tuple[str, ...]:
        items = _json_list(name, value) if isinstance(value, str) else value
        if not isinstance(items, Sequence) or not all(
            isinstance(item, str) and re.fullmatch(pattern, item) for item in items
        ):
            raise _wrong(name, help_text)
        return tuple(items)

    return check


def _json_list(name: str, value: str) -> object:
    try:
        return json.loads(value)
    except ValueError:
        raise _wrong(name, 'must be a JSON list of texts, like ["..."].') from None


def _address(name: str, value: object) -> str:
    text = _text(name, value).rstrip("/")
    parts = urlsplit(text)
    try:
        loopback = parts.hostname in LOOPBACK
        usable = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = loopback = False
    extras = parts.query or parts.fragment or parts.username or parts.password
    if not usable or extras or parts.scheme not in ("http", "https") or (parts.scheme == "http" and not loopback):
        raise _wrong(name, "must be an address like https://crm.example.com (http:// only for 127.0.0.1 or localhost).")
    return text


def _number(least: int, most: int) -> Callable[[str, object], int]:
    def check(name: str, value: object) -> int:
        text = str(value)
        if isinstance(value, bool) or not text.isdecimal() or not least <= int(text) <= most:
            raise _wrong(name, f"must be a whole number from {least} to {most}.")
        return int(text)

    return check


def _wrong(name: str, what: str) -> ConfigurationError:
    return ConfigurationError(f"{PREFIX}{name} {what}", field=PREFIX + name)


CHECKS: dict[str, Callable[[str, Any], object]] = {
    "API_KEY": _shaped(
        r"(sk|rk)_(test|live)_\w+",
        "must be a secret key of your platform, beginning with sk_test_, sk_live_, rk_test_ or rk_live_. "
        "Copy it from your Stripe dashboard, Developers, API keys.",
    ),
    "CLIENT_ID": _shaped(
        r"ca_\w+", "must begin with ca_. Copy it from your Stripe dashboard, Settings, Connect, OAuth."
    ),
    "WEBHOOK_SECRETS": _list(
        r"whsec_\S+",
        'must be a list of signing secrets, like ["whsec_..."]. Each endpoint in your dashboard shows its own.',
    ),
    "ENCRYPTION_KEYS": _list(
        r"[A-Za-z0-9_-]{43}=",
        "must be a list of Fernet keys. Make one with: "
        'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
    ),
    "PUBLIC_URL": _address,
    "HOST": _text,
    "BIND": _text,
    "URL_PREFIX": _shaped(r"(/[\w.~-]+)+", "must begin with a slash and not end with one, like /stripe."),
    "TASKS": _shaped(r"inline|celery", "must be inline (after the response) or celery."),
    "HANDS": _number(1, 64),
    "ALL_REQUESTS": _number(1, 10_000),
    "ENDPOINT_REQUESTS": _number(1, 10_000),
    "LIMITS_OF": _shaped(r"account|platform", "must be account (each connected one has these limits) or platform."),
    "API_BASE": _address,
    "CONNECT_BASE": _address,
}
