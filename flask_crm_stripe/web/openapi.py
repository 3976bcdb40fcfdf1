"""The OpenAPI document, made from the very operations and schemas that answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from marshmallow import Schema

from flask_crm_stripe.web.api.answers import ProblemDetails
from flask_crm_stripe.web.api.given import KEY
from flask_crm_stripe.web.api.operations import KEY_HEADER, Operation

OPENAPI = "3.1.0"
VERSION = "1"
PROBLEM = "application/problem+json"
ABOUT = (
    "Billing through Stripe for the business and the person of the CRM's own login. Amounts are minor units and exact "
    "decimals as text, never floats. Every refusal is a problem document that says what to do. A POST carries the "
    "header X-CSRFToken; GET csrf gives the token."
)
REFUSALS = {
    400: "The body is not JSON, or the CSRF token is missing or old.",
    401: "Nobody is logged in.",
    403: "The person may not do this.",
    404: "There is no such thing in this business.",
    409: "The world is not as it was: taken meanwhile, other figures, not connected, stopped at the check, or busy.",
    411: "The body came in pieces, without its length.",
    413: "The body is too large.",
    415: "The body is not declared as JSON.",
    422: "A field is wrong; it is named by its path.",
    500: "A fault of ours, with a reference to quote.",
    502: "Stripe refused, or failed.",
    503: "Not set up, finance module off, or Stripe does not answer. Try again after Retry-After seconds.",
}
ANY_TIME = (401, 403, 500, 503)


def document(operations: Iterable[Operation], root: str, session_cookie: str) -> dict[str, Any]:
    """The whole document; ``root`` is the path of the JSON side."""
    spec = APISpec(
        title="CRM billing",
        version=VERSION,
        openapi_version=OPENAPI,
        plugins=[MarshmallowPlugin(schema_name_resolver=name_of)],
        info={"description": ABOUT},
        servers=[{"url": root}],
    )
    spec.components.security_scheme("login", {"type": "apiKey", "in": "cookie", "name": session_cookie})
    spec.components.security_scheme("csrf", {"type": "apiKey", "in": "header", "name": "X-CSRFToken"})
    for status, words in REFUSALS.items():
        spec.components.response(str(status), {"description": words, "content": content(PROBLEM, ProblemDetails)})
    for operation in operations:
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
        spec.path(path=path, operations={operation.method.lower(): described(operation)})
    made: dict[str, Any] = spec.to_dict()
    return made


def name_of(schema: Any) -> str:
    """A component is called as its schema is."""
    kind = schema if isinstance(schema, type) else type(schema)
    return str(kind.__name__)


def described(operation: Operation) -> dict[str, Any]:
    """One operation."""
    unsafe = operation.method != "GET"
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "security": [{"login": [], "csrf": []} if unsafe else {"login": []}],
        "parameters": parameters(operation),
        "responses": responses(operation),
    }
    if operation.description:
        made["description"] = operation.description
    if operation.body:
        made["requestBody"] = {
            "required": operation.body_needed,
            "content": content("application/json", operation.body),
        }
    return made


def parameters(operation: Operation) -> list[dict[str, Any]]:
    """Of the path, the query and the header."""
    found: list[dict[str, Any]] = [
        {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(\w+)>", operation.path)
    ]
    if operation.query:
        found.append({"in": "query", "schema": operation.query})
    if operation.keyed:
        key = {"type": "string", "pattern": KEY}
        words = "Never used before for another invoice, such as a UUID."
        found.append({"in": "header", "name": KEY_HEADER, "required": True, "schema": key, "description": words})
    return found


def responses(operation: Operation) -> dict[str, Any]:
    """Answers, and every refusal that this operation can give."""
    found: dict[str, Any] = {
        str(status): {"description": description_of(schema), "content": content("application/json", schema)}
        for status, schema in operation.answers.items()
    }
    return found | {str(status): str(status) for status in refusals(operation)}


def refusals(operation: Operation) -> list[int]:
    """By what the operation takes."""
    found = {*ANY_TIME, *operation.refusals}
    found |= {422} if operation.query else set()
    found |= {400} if operation.method != "GET" else set()
    found |= {411, 413, 415, 422} if operation.body else set()
    return sorted(found)


def content(media: str, schema: type[Schema]) -> dict[str, Any]:
    """A body of one kind."""
    return {media: {"schema": schema}}


def description_of(schema: type[Schema]) -> str:
    """The first line of what the schema says of itself."""
    return (schema.__doc__ or "").partition("\n")[0]
