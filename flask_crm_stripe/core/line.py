"""The line to one account at Stripe, watched: it is cut in a copy of the database, and tells when the account is gone.

Everything that billing asks of Stripe goes through here, so neither can be forgotten by a use case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, cast

from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.errors import AccountGone
from flask_crm_stripe.ports.provider import READS, Provider


@dataclass(frozen=True)
class Line:
    """Stands before a provider. ``gone`` is called when Stripe says that we may no longer act for the account."""

    provider: Provider
    environment: Environment
    gone: Callable[[AccountGone], None] | None = None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.provider, name)
        if not callable(method):
            return method

        @wraps(method)
        def watched(*args: Any, **kwargs: Any) -> Any:
            if name not in READS:
                self.environment.require_real(name.replace("_", " "))
            try:
                return method(*args, **kwargs)
            except AccountGone as error:
                if self.gone is not None:
                    self.gone(error)
                raise

        return watched


def watched(
    provider: Provider, environment: Environment, gone: Callable[[AccountGone], None] | None = None
) -> Provider:
    """The provider, behind a line."""
    return cast(Provider, Line(provider, environment, gone))
