"""Who is calling, for which account, in which API version: the headers that Stripe reads before anything else."""

from __future__ import annotations

import re

from stripe._api_version import _ApiVersion
from werkzeug.wrappers import Request

from .errors import StripeFault, invalid, unbuilt
from .records import Platform
from .state import World

_TEST_KEY = re.compile(r"(?!.*_live_)sk_test_[A-Za-z0-9_]{3,}")
_FAKE_LIVE_KEY = re.compile(r"sk_live_fake[A-Za-z0-9_]*")
_VERSION = re.compile(r"^(\d{4}-\d{2}-\d{2})(\.[a-z]+)?$")

NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we "
    "can help at https://support.stripe.com/."
)
LIVE_KEY = (
    "FakeStripe is not Stripe and takes no live key. Use one that begins with sk_test_, and never send a live key here."
)
REAL_LIVE_KEY = (
    "FakeStripe is not Stripe, in live mode either, and takes no real live key. Use one that begins with sk_live_fake, "
    "and never send a real one here."
)


def platform_of(request: Request, world: World) -> Platform:
    """The platform whose secret key the request carries (Bearer, or Basic user); else a 401."""
    key = _key(request)
    check_key(key, world)
    return world.platform_of_key(key)


def check_key(key: str, world: World) -> None:
    """A 401 unless it is a secret key of this world's mode. A live key is one that could never be real."""
    if not key:
        raise _unauthorized(NO_KEY)
    if (_FAKE_LIVE_KEY if world.livemode else _TEST_KEY).fullmatch(key):
        return
    if "_live_" in key:
        raise _unauthorized(REAL_LIVE_KEY if world.livemode else LIVE_KEY)
    raise _unauthorized(f"Invalid API Key provided: {masked(key)}")


def account_of(request: Request, world: World, platform: Platform) -> str:
    """The account to act on: the platform's own, or the connected one that Stripe-Account names; else a 403."""
    wanted = request.headers.get("Stripe-Account")
    if wanted is None or wanted == platform.account_id:
        return platform.account_id
    if wanted in platform.connected and wanted in world.accounts:
        return wanted
    raise StripeFault(
        f"The provided key '{masked(_key(request))}' does not have access to account '{wanted}' (or that account does "
        "not exist). Application access may have been revoked.",
        status=world.switches.error_for_revoked,
        code="account_invalid",
    )


def check_version(request: Request) -> None:
    """Refuse a Stripe-Version that does not exist, and answer 501 to those that FakeStripe does not speak."""
    version = request.headers.get("Stripe-Version", _ApiVersion.CURRENT)
    if version == _ApiVersion.CURRENT:
        return
    found = _VERSION.match(version)
    if found is None or found[1] >= _ApiVersion.CURRENT[:10]:
        raise invalid(f"Invalid Stripe API version: {version}")
    raise unbuilt(f"the API version {version}; it speaks {_ApiVersion.CURRENT} only")


def masked(key: str) -> str:
    """A key as Stripe shows it in errors: the beginning, stars, the last four characters."""
    return f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 14 else "*" * len(key)


def _key(request: Request) -> str:
    found = request.authorization
    if found is None:
        return ""
    return (found.token if found.type == "bearer" else found.username) or ""


def _unauthorized(message: str) -> StripeFault:
    return StripeFault(message, status=401, headers={"WWW-Authenticate": 'Bearer realm="Stripe"'})
