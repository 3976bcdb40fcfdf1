"""What a probe can come to, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import stripe

from flask_crm_stripe.testing.fake_stripe import Switches
from tests.live.account import Live

Done = TypeVar("Done")
SWITCHES = "flask_crm_stripe/testing/fake_stripe/switches.py"


@dataclass(frozen=True)
class Refusal:
    """Stripe's no, in its own words."""

    words: str


@dataclass(frozen=True)
class Finding:
    """The position that Stripe is in; where it refused something, in which words: it may be for another reason."""

    position: Any
    words: str = ""


class NotTold(Exception):
    """This account cannot show it; the words say what would."""


class SomethingElse(Exception):
    """Stripe did what FakeStripe has no position for; the words say what."""


Probe = Callable[[Live], Finding]


def attempt(deed: Callable[[], Done]) -> Done | Refusal:
    """What the deed gives, or Stripe's refusal of it. A parameter that Stripe does not know is a fault of the probe."""
    try:
        return deed()
    except (stripe.InvalidRequestError, stripe.CardError) as error:
        if error.code in ("parameter_unknown", "resource_missing") or error.http_status == 404:
            raise
        return Refusal(said(error))


def allowed(deed: Callable[[], object]) -> Finding:
    """``accept`` or ``refuse``."""
    done = attempt(deed)
    return Finding("refuse", done.words) if isinstance(done, Refusal) else Finding("accept")


def said(error: stripe.StripeError) -> str:
    """The error's own message and nothing more: the whole of it can hold addresses and secrets."""
    return " ".join((error.user_message or type(error).__name__).split())[:200]


def line_of(name: str, finding: Finding) -> str:
    """One line for the summary."""
    return _line(name, str(finding.position), f'("{finding.words}")' if finding.words else "")


def untold_line(name: str, reason: object) -> str:
    """The line of a switch whose position was not found."""
    return _line(name, "?", f"({reason})")


def _line(name: str, found: str, words: str) -> str:
    return f"{name:31}{found:18}{default_of(name)!s:18}{words}".rstrip()


def default_of(name: str) -> Any:
    """FakeStripe's own position."""
    return getattr(Switches(), name)


def complaint(name: str, finding: Finding) -> str:
    """What is to be done about it; empty where FakeStripe is right."""
    found, default = finding.position, default_of(name)
    try:
        Switches(**{name: found})
    except ValueError as error:
        return f"{name}: Stripe is at {found!r}, and FakeStripe has no such position: {error}"
    if found == default:
        return ""
    words = f' It said: "{finding.words}".' if finding.words else ""
    return (
        f"{name}: Stripe is at {found!r}, FakeStripe's default is {default!r}.{words} Make {found!r} the default in "
        f"{SWITCHES} and the first position in docs/fake-stripe.md."
    )
