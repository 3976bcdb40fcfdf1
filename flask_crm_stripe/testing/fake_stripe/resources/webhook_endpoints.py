"""/v1/webhook_endpoints."""

from __future__ import annotations

import secrets

from .. import shapes
from ..errors import StripeFault, invalid, unbuilt
from ..paging import page
from ..routing import Call, route
from ..state import API_VERSION, Obj, World
from . import common

MOST = 16


@route(
    "POST",
    "/v1/webhook_endpoints",
    "WebhookEndpointCreateParams",
    "api_version connect description enabled_events metadata url",
)
def create(call: Call) -> Obj:
    """A new endpoint; this is the only answer that ever holds its signing secret."""
    params = call.params
    _check(call)
    if params.get("api_version", API_VERSION) != API_VERSION:
        raise unbuilt(f"events in API version {params['api_version']}; it speaks {API_VERSION} only")
    if len(call.store["webhook_endpoint"]) >= MOST:
        mode = "live" if call.world.livemode else "test"
        raise invalid(f"You have reached the maximum of {MOST} {mode} webhook endpoints.")
    metadata = common.merged_metadata({}, params)
    endpoint = add(
        call.world,
        call.account_id,
        params["url"],
        params["enabled_events"],
        application=_application(call) if params.get("connect") else None,
    )
    endpoint |= {
        "description": params.get("description") or None,
        "metadata": metadata,
        "api_version": params.get("api_version"),
    }
    return endpoint


@route(
    "POST",
    "/v1/webhook_endpoints/{id}",
    "WebhookEndpointUpdateParams",
    "description disabled enabled_events metadata url",
)
def update(call: Call) -> Obj:
    """Change address, events, description, or switch it off and on. Its API version never changes."""
    before = call.named("webhook_endpoint")
    _check(call)
    after = shapes.clone(before) | common.given(call.params, ("description", "enabled_events", "url"))
    after["metadata"] = common.merged_metadata(before["metadata"], call.params)
    if "disabled" in call.params:
        after["status"] = "disabled" if call.params["disabled"] else "enabled"
    return _public(common.keep_changed(call, before, after, None))


@route("GET", "/v1/webhook_endpoints/{id}", "WebhookEndpointRetrieveParams")
def retrieve(call: Call) -> Obj:
    """One endpoint, without its secret."""
    return _public(call.named("webhook_endpoint"))


@route("GET", "/v1/webhook_endpoints", "WebhookEndpointListParams", "ending_before limit starting_after")
def list_all(call: Call) -> Obj:
    """Endpoints, newest first."""
    return page(call, [_public(each) for each in call.store["webhook_endpoint"].values()])


@route("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams")
def delete(call: Call) -> Obj:
    """Delete an endpoint; nothing more is delivered to it."""
    return common.remove(call, call.named("webhook_endpoint"), None)


def add(
    world: World,
    account_id: str,
    url: str,
    events: list[str],
    *,
    application: str | None = None,
    secret: str | None = None,
) -> Obj:
    """Store an endpoint with its secret (a new one unless given) in an account.

    ``application`` is the platform's client id when the endpoint listens to connected accounts, else None.
    """
    endpoint = world.blank("webhook_endpoint") | {
        "id": world.new_id("we"),
        "created": world.now(),
        "enabled_events": list(events),
        "status": "enabled",
        "url": url,
        "api_version": API_VERSION,
        "application": application,
        "secret": secret or f"whsec_{secrets.token_urlsafe(24)}",
    }
    return world.put(account_id, endpoint)


def _application(call: Call) -> str:
    return call.platform.client_id or f"ca_{call.platform.account_id.removeprefix('acct_')}"


def _public(endpoint: Obj) -> Obj:
    return {name: value for name, value in endpoint.items() if name != "secret"}


def _check(call: Call) -> None:
    params = call.params
    if "url" in params:
        common.check_url(params["url"], "url")
        if call.world.livemode and not params["url"].lower().startswith("https://"):
            raise StripeFault("Invalid URL: in live mode it must begin with https://.", param="url", code="url_invalid")
    events = params.get("enabled_events")
    if events is not None and not events:
        raise invalid("Missing required param: enabled_events.", "enabled_events", "parameter_missing")
    if events and "*" in events and len(events) > 1:
        raise invalid("You may either pass `*` or a list of event types, not both.", "enabled_events")
