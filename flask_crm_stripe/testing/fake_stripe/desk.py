"""Behind the Connect pages: codes, connections and their end.

A code works once and for five minutes; using it again revokes the connection, as Stripe's does ("Consuming an
authorization code more than once revokes the account connection").
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from flask import Response
from werkzeug.exceptions import HTTPException

from . import shapes
from .records import Platform
from .state import Obj, World

CODE_LIFETIME = 5 * 60
"""Seconds on FakeStripe's clock [DOC oauth-reference]."""


class OAuthRefusal(HTTPException):
    """OAuth's own error: a word, a sentence and a status."""

    def __init__(self, error: str, description: str, code: int = 400) -> None:
        super().__init__(description, response=as_json({"error": error, "error_description": description}, code))
        self.error = error
        self.code = code


@dataclass
class Code:
    """An authorization code: for which client and account, since when, and whether it was used."""

    client_id: str
    account_id: str
    scope: str
    at: int
    used: bool = False


@dataclass
class Desk:
    """What the Connect pages remember: codes, refresh tokens and registered redirect addresses per client id."""

    world: World
    codes: dict[str, Code] = field(default_factory=dict)
    refresh_tokens: dict[str, Code] = field(default_factory=dict, repr=False)
    redirect_uris: dict[str, list[str]] = field(default_factory=dict)

    def issue(self, client_id: str, account_id: str, scope: str) -> str:
        """A fresh code for this account."""
        code = f"ac_{secrets.token_hex(16)}"
        self.codes[code] = Code(client_id, account_id, scope, self.world.now())
        return code

    def exchange(self, platform: Platform, value: str) -> dict[str, Any]:
        """Trade the platform's own code for a connection. OAuthRefusal `invalid_grant`; a second use also revokes."""
        code = self.codes.get(value)
        if code is None:
            raise OAuthRefusal("invalid_grant", f"Authorization code does not exist: {value}")
        if code.used:
            self.disconnect(platform, code.account_id)
            words = "This authorization code has already been used. All tokens issued with this code have been revoked."
            raise OAuthRefusal("invalid_grant", words)
        if self.world.now() - code.at > CODE_LIFETIME:
            raise OAuthRefusal("invalid_grant", f"Authorization code expired: {value}")
        if code.account_id in self.world.closed:
            raise OAuthRefusal("invalid_grant", f"The account of this authorization code is closed: {value}")
        code.used = True
        self.world.connect(platform, code.account_id)
        self.world.emit("account.application.authorized", self._application(platform), code.account_id)
        return self._token(code)

    def refresh(self, platform: Platform, value: str) -> dict[str, Any]:
        """A new token of the same scope for a connection that still stands."""
        code = self.refresh_tokens.get(value)
        if code is None or platform.client_id != code.client_id or code.account_id not in platform.connected:
            raise OAuthRefusal("invalid_grant", f"Refresh token does not exist: {value}")
        return self._token(code)

    def disconnect(self, platform: Platform, account_id: str) -> bool:
        """End a connection and tell the Connect endpoints; False when there was none."""
        if account_id not in platform.connected:
            return False
        # While it still stands: the event is the last thing that a platform hears of the account.
        self.world.emit("account.application.deauthorized", self._application(platform), account_id)
        self.world.disconnect(platform, account_id)
        return True

    def revoke(self, account_id: str) -> int:
        """The business disconnects every platform in its own dashboard; returns how many there were."""
        return sum(self.disconnect(platform, account_id) for platform in list(self.world.platforms))

    def _application(self, platform: Platform) -> Obj:
        return shapes.blank("application") | {"id": platform.client_id, "name": self.world.platform_name}

    def _token(self, code: Code) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "stripe_user_id": code.account_id,
            "scope": code.scope,
            "livemode": self.world.livemode,
            "token_type": "bearer",
        }
        if self.world.switches.token_fields == "present":
            # Of live mode only what nobody could take for a real key, here or anywhere.
            mode = "live_fake" if self.world.livemode else "test_"
            refresh = f"rt_{secrets.token_hex(16)}"
            self.refresh_tokens[refresh] = code
            answer |= {
                "access_token": f"sk_{mode}{secrets.token_hex(16)}",
                "refresh_token": refresh,
                "stripe_publishable_key": f"pk_{mode}{secrets.token_hex(16)}",
            }
        return answer


def as_json(body: dict[str, Any], status: int) -> Response:
    """A JSON answer, indented as Stripe's are."""
    return Response(json.dumps(body, indent=2) + "\n", status, mimetype="application/json")
