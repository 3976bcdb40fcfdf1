"""One operation of the JSON side: what it takes, what it answers, and how a request becomes the one and the other.

The OpenAPI document is made from the same objects, so what is documented is what is done.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, LengthRequired, RequestEntityTooLarge, UnsupportedMediaType

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.errors import NotFound
from flask_crm_stripe.web.api.fields import UNSTORABLE
from flask_crm_stripe.web.api.given import KEY
from flask_crm_stripe.web.context import current_billing
from flask_crm_stripe.web.problems import problem

LARGEST_BODY = 200_000
"""Bytes: 250 billables with the longest keys come to a quarter of it."""

MOST_ERRORS = 20
LONGEST_PATH = 120
KEY_HEADER = "Idempotency-Key"


@dataclass(frozen=True)
class Given:
    """A request, read and checked. ``key`` is the Idempotency-Key."""

    path: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""


@dataclass(frozen=True)
class Reply:
    """The values of an answer; its operation's schema turns them into JSON."""

    value: Mapping[str, Any]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """``name`` is the endpoint's, without ``api_``. ``refusals`` are statuses beside what any request can meet."""

    name: str
    method: str
    path: str
    view: Callable[[Billing, Given], Reply]
    summary: str
    answers: Mapping[int, type[Schema]]
    description: str = ""
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    body_needed: bool = True
    keyed: bool = False
    refusals: tuple[int, ...] = ()

    def __call__(self, **path: str) -> Response:
        """Answer the current request."""
        try:
            given = self._given(path)
        except ValidationError as error:
            return invalid(error)
        reply = self.view(current_billing, given)
        text = json.dumps(self.answers[reply.status]().dump(reply.value))
        return Response(text, reply.status, dict(reply.headers), mimetype="application/json")

    def _given(self, path: Mapping[str, str]) -> Given:
        if any(UNSTORABLE.search(part) for part in path.values()):
            raise NotFound("thing")
        query = read_query(self.query) if self.query else {}
        body = read_body(self.body, needed=self.body_needed) if self.body else {}
        return Given(path, query, body, read_key() if self.keyed else "")


def read_query(schema: type[Schema]) -> dict[str, Any]:
    """The query string, by its schema. Raises ``ValidationError``."""
    twice = {name: ["Give this once."] for name, values in request.args.lists() if len(values) > 1}
    if twice:
        raise ValidationError(twice)
    found: dict[str, Any] = schema().load(request.args.to_dict())
    return found


def read_body(schema: type[Schema], *, needed: bool) -> dict[str, Any]:
    """The body, by its schema. Raises ``ValidationError``; 411 or 413 before it is read, 415 or 400 for no JSON."""
    if request.content_length is None and "Transfer-Encoding" in request.headers:
        raise LengthRequired("Send the body in one piece, with its Content-Length.")
    if (request.content_length or 0) > LARGEST_BODY:
        raise RequestEntityTooLarge(f"The body is larger than {LARGEST_BODY} bytes. Send less at once.")
    data = request.get_data()
    if not data and not needed:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("Send JSON, with the header Content-Type: application/json.")
    found: dict[str, Any] = schema().load(parsed(data))
    return found


def parsed(data: bytes) -> Any:
    """JSON as its standard has it. Raises 400 for NaN and Infinity, for a name that stands twice, for endless depth."""
    try:
        return json.loads(data.decode(), parse_constant=_no_constant, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        why = str(error) if isinstance(error, json.JSONDecodeError | _Doubtful) else "it can't be read"
        raise BadRequest(f"The body is not JSON: {why}.") from None


def read_key() -> str:
    """The Idempotency-Key. Raises ``ValidationError``."""
    key = request.headers.get(KEY_HEADER, "")
    if not re.fullmatch(KEY, key):
        words = "Send 8 to 64 letters, digits or -_.: that you never used before, such as a UUID. The same key again "
        raise ValidationError({KEY_HEADER: [words + "gives the same invoice, so a request can be repeated safely."]})
    return key


def invalid(error: ValidationError) -> Response:
    """422, naming each field by its path."""
    found = flat(error.messages)[:MOST_ERRORS]
    first = found[0]
    return problem(422, "invalid_input", first["message"], field=first["field"], errors=found)


def flat(messages: Any, path: str = "") -> list[dict[str, str]]:
    """Marshmallow's tree of messages as one list: ``terms.note``, ``billables.3``; ``body`` for the whole."""
    if isinstance(messages, Mapping):
        return [
            each
            for name, below in messages.items()
            for each in flat(below, path if name == "_schema" else f"{path}.{name}".lstrip("."))
        ]
    return [{"field": path[:LONGEST_PATH] or "body", "message": str(message)} for message in messages]


class _Doubtful(ValueError):
    """JSON that two programs would read differently."""


def _no_constant(word: str) -> None:
    raise _Doubtful(f"{word} is no number there")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubtful("a name stands in one object twice")
    return found
