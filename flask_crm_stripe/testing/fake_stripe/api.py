"""/v1: the order in which Stripe looks at a request, and the answer it gives."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

import flask
from werkzeug.wrappers import Request, Response

from . import auth, forms, known, resources, schema, shapes
from .errors import StripeFault, invalid, unbuilt
from .expand import Expander
from .faults import ANSWER_KEY
from .idempotency import Ledger
from .records import Platform, RequestRecord
from .routing import Call, Route, match, unbuilt_params
from .state import API_VERSION, World

resources.load()

log = logging.getLogger(__name__)

BODIES_KEPT = 1000
"""So many of the latest requests are logged with their answers, older ones without."""

BUG = "FakeStripe itself failed here, which says nothing about Stripe. The traceback is in the log."
METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH")


@dataclass
class Answer:
    """What goes back to the client."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)


def register(app: flask.Flask, world: World) -> None:
    """Serve the API of this world under /v1 of the app."""
    api = Api(world)

    @app.route("/v1", defaults={"rest": ""}, methods=METHODS, provide_automatic_options=False)
    @app.route("/v1/<path:rest>", methods=METHODS, provide_automatic_options=False)
    def v1(rest: str) -> Response:
        return api.respond(flask.request)


class Api:
    """Answers /v1 requests, one at a time, and logs each."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ledger = Ledger(world)

    def respond(self, request: Request) -> Response:
        """The whole way of one request, refusals included."""
        record = RequestRecord(
            request_id=self.world.new_id("req"),
            at=self.world.now(),
            method=request.method,
            path=request.path,
            account=request.headers.get("Stripe-Account"),
            idempotency_key=request.headers.get("Idempotency-Key"),
            api_version=request.headers.get("Stripe-Version", API_VERSION),
        )
        try:
            with self.ledger.exclusive(request):
                answer = self._checked(request, record)
        except StripeFault as fault:
            answer = self._refusal(fault, record)
        except Exception:
            log.exception("FakeStripe failed at %s %s", record.method, record.path)
            answer = self._refusal(StripeFault(BUG, status=500, type="api_error"), record)
        return self._response(answer, record)

    # -- the order of things -----------------------------------------------------------------------------------------

    def _checked(self, request: Request, record: RequestRecord) -> Answer:
        with self.world.lock:
            record.params = _params(request)
            platform = auth.platform_of(request, self.world)
            auth.check_version(request)
            _check_content_type(request)
            record.account = auth.account_of(request, self.world, platform)
            route, ids = _routed(request)
        key = record.idempotency_key if request.method == "POST" else None
        if not key:
            with self.world.lock:
                return self._work(request, record, platform, route, ids)
        return self._once(request, record, platform, route, ids, key)

    def _once(
        self, request: Request, record: RequestRecord, platform: Platform, route: Route, ids: dict[str, str], key: str
    ) -> Answer:
        """Execute under an idempotency key, or give the saved answer again."""
        slot = self.ledger.slot(platform, record.account or "", key)
        with self.world.lock:
            saved = self.ledger.saved(slot, record)
            if saved is not None:
                record.replayed = True
                headers = {"Idempotent-Replayed": "true", "Original-Request": saved.request_id}
                return Answer(saved.status, shapes.clone(saved.body), headers)
            try:
                answer = self._work(request, record, platform, route, ids)
            except StripeFault as fault:
                if fault.executed:
                    self.ledger.save(slot, record, fault.status, self._refusal(fault, record).body)
                raise
            self.ledger.save(slot, record, answer.status, shapes.clone(answer.body))
            return answer

    def _work(
        self, request: Request, record: RequestRecord, platform: Platform, route: Route, ids: dict[str, str]
    ) -> Answer:
        params = schema.check(record.params, route.params)
        left = unbuilt_params(params, route.built)
        if left:
            raise unbuilt(f"the parameter {left[0]} of {route.method} {route.path}")
        call = Call(self.world, platform, record.account or "", params, ids, record.path)
        self.world.current = record
        try:
            expander = Expander(self.world, call.account_id)
            expander.check(route, params.get("expand", []))
            answer = Answer(200, expander.answer(route, route.handler(call), params.get("expand", [])))
        finally:
            self.world.current = None
        instead = request.environ.get(ANSWER_KEY)
        if instead is not None:
            return Answer(instead.status, {"error": instead.error}, dict(instead.headers))
        return answer

    # -- answers -----------------------------------------------------------------------------------------------------

    def _refusal(self, fault: StripeFault, record: RequestRecord) -> Answer:
        return Answer(fault.status, fault.body(record.request_id, self.world.base_url), fault.headers)

    def _response(self, answer: Answer, record: RequestRecord) -> Response:
        record.status, record.response = answer.status, answer.body
        error = answer.body.get("error")
        record.error = error.get("message") if isinstance(error, dict) else None
        with self.world.lock:
            self.world.requests.append(record)
            if len(self.world.requests) > BODIES_KEPT:
                self.world.requests[-BODIES_KEPT - 1].response = None
        headers = {"Request-Id": record.request_id, "Stripe-Version": record.api_version or API_VERSION}
        if record.account:
            headers["Stripe-Account"] = record.account
        if record.idempotency_key:
            headers["Idempotency-Key"] = record.idempotency_key
        # Stripe indents; the standard library does that ten times slower, and nobody reads it.
        text = json.dumps(answer.body, separators=(",", ":")) + "\n"
        return Response(text, answer.status, headers | answer.headers, content_type="application/json")


def _params(request: Request) -> dict[str, Any]:
    query = forms.decode(request.query_string.decode("latin-1"))
    if request.mimetype not in ("application/x-www-form-urlencoded", ""):
        return query
    try:
        return query | forms.decode(request.get_data().decode())
    except UnicodeDecodeError as error:
        raise invalid("Invalid request: the body is not UTF-8.") from error


def _check_content_type(request: Request) -> None:
    if request.method == "GET" or request.mimetype in ("application/x-www-form-urlencoded", ""):
        return
    if request.get_data():
        raise invalid(
            f"Invalid request: the content type {request.mimetype} is not supported here. Send "
            "application/x-www-form-urlencoded."
        )


def _routed(request: Request) -> tuple[Route, dict[str, str]]:
    found = match(request.method, request.path)
    if found is not None:
        return found
    if known.to_sdk(request.path):
        raise unbuilt(f"{request.method} {request.path}")
    raise StripeFault(
        f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we can "
        "help at https://support.stripe.com/.",
        status=404,
    )
