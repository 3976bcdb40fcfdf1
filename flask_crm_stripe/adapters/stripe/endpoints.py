"""The platform's own webhook endpoints, and Stripe's list of an account's events."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import stripe
from stripe.params import EventListParams, WebhookEndpointCreateParams, WebhookEndpointUpdateParams

from flask_crm_stripe.adapters.stripe.client import AccountCalls
from flask_crm_stripe.adapters.stripe.values import PAGE, every, plain
from flask_crm_stripe.adapters.stripe.webhooks import parse_event
from flask_crm_stripe.errors import InvalidInput, Refused
from flask_crm_stripe.model.endpoints import RemoteEndpoint
from flask_crm_stripe.model.events import EventsPage

MARK, MISSING = "crm_installation", "resource_missing"


class EndpointCalls(AccountCalls):
    """Endpoints belong to the platform: none of these calls names an account. Events belong to the account."""

    @property
    def api_version(self) -> str:
        """The version that this package's Stripe SDK speaks."""
        return str(stripe.api_version)

    def list_endpoints(self) -> tuple[RemoteEndpoint, ...]:
        """Every endpoint of the platform in this mode."""

        def page(after: str | None) -> stripe.ListObject[stripe.WebhookEndpoint]:
            params: Any = {"limit": PAGE, **({"starting_after": after} if after else {})}
            return self.call(lambda: self.client.v1.webhook_endpoints.list(params))

        return tuple(read_endpoint(row) for row in every(page))

    def create_endpoint(self, url: str, events: Sequence[str], installation: str, key: str) -> RemoteEndpoint:
        """A new one for events of connected accounts, with its secret: Stripe tells it this once."""
        params: WebhookEndpointCreateParams = {
            "url": url,
            "enabled_events": cast(Any, list(events)),
            "connect": True,
            "api_version": cast(Any, self.api_version),
            "description": "Billing of the CRM. It looks after this endpoint itself.",
            "metadata": {MARK: installation},
        }
        made = self.call(lambda: self.client.v1.webhook_endpoints.create(params, {"idempotency_key": key}))
        return read_endpoint(plain(made))

    def update_endpoint(self, endpoint_id: str, url: str, events: Sequence[str]) -> RemoteEndpoint:
        """Bring address and events up to date, and switch it on."""
        params: WebhookEndpointUpdateParams = {
            "url": url,
            "enabled_events": cast(Any, list(events)),
            "disabled": False,
        }
        return read_endpoint(plain(self.call(lambda: self.client.v1.webhook_endpoints.update(endpoint_id, params))))

    def delete_endpoint(self, endpoint_id: str) -> None:
        """Nothing more is delivered to it. One that is gone already counts as deleted."""
        try:
            self.call(lambda: self.client.v1.webhook_endpoints.delete(endpoint_id))
        except Refused as error:
            if error.stripe_code != MISSING:
                raise

    def list_events(self, types: Sequence[str], since: datetime, after: str | None = None) -> EventsPage:
        """One page of the account's events of at most 20 types, newest first; of the last 30 days. One request."""
        params: EventListParams = {
            "types": list(types),
            "created": {"gte": int(since.timestamp())},
            "limit": PAGE,
        }
        if after:
            params["starting_after"] = after
        answer = self.call(lambda: self.client.v1.events.list(params, self.options()))
        rows = answer.to_dict(for_json=True)["data"]
        found = []
        for row in rows:
            try:
                found.append(parse_event(json.dumps({**row, "account": self.account_id}).encode()))
            except InvalidInput:
                continue  # Of a shape that a delivery of it would be refused for, too.
        return EventsPage(tuple(found), rows[-1]["id"] if rows and answer.has_more else None)


def read_endpoint(row: Mapping[str, Any]) -> RemoteEndpoint:
    """An endpoint as Stripe tells of it. Those of connected accounts name the application."""
    return RemoteEndpoint(
        id=str(row["id"]),
        url=str(row.get("url") or ""),
        enabled=row.get("status") == "enabled",
        connect=row.get("application") is not None,
        events=tuple(row.get("enabled_events") or ()),
        api_version=row.get("api_version"),
        secret=row.get("secret"),
    )
