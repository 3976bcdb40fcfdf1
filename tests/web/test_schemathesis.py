"""The JSON side against its own OpenAPI document: schemathesis makes requests that it allows and requests that it
refuses. No answer is a fault of ours, and nothing is accepted that the schemas refuse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode
from werkzeug.http import parse_cookie

from tests.web.api_world import NORTH, ORDER, ROOT, SOUTH, World, running_world

CHOSEN = (
    *("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance"),
    *("response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method"),
)
OPERATIONS = [
    *("GET /csrf", "GET /connection", "GET /services", "POST /services/sync", "GET /invoices"),
    *("POST /sources/{kind}/{ref}/preview", "POST /sources/{kind}/{ref}/invoices", "GET /invoices/{invoice_id}"),
    *("POST /invoices/{invoice_id}/send", "POST /invoices/{invoice_id}/approval", "GET /approvals"),
    *("GET /approvals/{approval_id}", "POST /approvals/{approval_id}/agree", "POST /approvals/{approval_id}/refuse"),
    "POST /approvals/{approval_id}/withdraw",
    *(f"POST /invoices/{{invoice_id}}/{deed}" for deed in ("void", "uncollectible", "paid-elsewhere", "resend")),
    *("POST /invoices/{invoice_id}/credit/preview", "POST /invoices/{invoice_id}/credit"),
    *("POST /invoices/{invoice_id}/correct", "POST /credits/{credit_id}/continue"),
    *("POST /runs", "GET /runs/{run_id}"),
    *(f"POST /runs/{{run_id}}/{deed}" for deed in ("start", "stop", "resume", "retry")),
]
ONE_ANSWER = (
    "GET /csrf",
    "GET /connection",
    "GET /services",
    "GET /invoices",
    "GET /approvals",
    "POST /credits/{credit_id}/continue",
)
MODES = {"allowed": GenerationMode.POSITIVE, "refused": GenerationMode.NEGATIVE}
SOME = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two businesses, both connected, with work to bill."""
    with running_world(tmp_path_factory.mktemp("document")) as found:
        for business in (NORTH, SOUTH):
            found.connect(business)
        yield found


@pytest.fixture(scope="module")
def schema(world: World) -> Any:
    """What the app says of itself."""
    load_all_checks()
    return schemathesis.openapi.from_wsgi(f"{ROOT}/openapi.json", logged_in(world))


@pytest.fixture(scope="module")
def known(world: World) -> dict[str, str]:
    """Parts of paths that lead to something: an order with work, a draft, and a request about it."""
    caller = world.caller()
    made = caller.made(world.order(NORTH, 77), "77", key="known-to-the-north", send=False)
    form = {"csrf_token": caller.csrf(), "permission": "send", "currency": made["currency"], "amount": "0.01"}
    assert caller.client.post("/stripe/settings/safety/limits", data=form).status_code == 303
    asked = caller.post(f"/invoices/{made['id']}/approval", {"reason": "A large order"})
    run = caller.post("/runs", {"sources": [{"kind": "order", "ref": ORDER[NORTH]}], "send": False}, 201)
    return {
        "kind": "order",
        "ref": ORDER[NORTH],
        "invoice_id": made["id"],
        "approval_id": asked["id"],
        "run_id": run["id"],
        "credit_id": "none",
    }


def logged_in(world: World) -> Any:
    """The app as a program sees it that has a login and a token: where a request has any, they are the ones of the
    north's admin. A request without stays without."""
    caller = world.caller()
    token, kept = caller.csrf(), caller.client.get_cookie("session")
    assert kept is not None

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        given = dict(environ)
        if "session" in parse_cookie(environ) or environ["PATH_INFO"].endswith("/openapi.json"):
            given["HTTP_COOKIE"] = f"session={kept.value}"
        if "HTTP_X_CSRFTOKEN" in environ:
            given["HTTP_X_CSRFTOKEN"] = token
        return world.host.app(given, start_response)

    return app


def test_every_operation_is_tried(schema: Any) -> None:
    """A new one has to be named here."""
    assert {each.ok().label for each in schema.get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_documented(schema: Any, known: dict[str, str], label: str, mode: str) -> None:
    """Whatever the document allows is answered as it says; whatever it refuses is refused."""
    operation = next(each.ok() for each in schema.get_all_operations() if each.ok().label == label)
    seen: Counter[int] = Counter()
    checks: list[Any] = CHECKS.get_by_names(CHOSEN)

    @SOME
    @given(case=operation.as_strategy(generation_mode=MODES[mode]), real=st.booleans())
    def check(case: Case[Any], real: bool) -> None:
        if real and mode == "allowed":
            case.path_parameters = {name: known[name] for name in case.path_parameters or {}}
            if isinstance(case.body, dict) and "billables" in case.body:
                case.body = {**case.body, "billables": ["11"]}
        answer = case.call()
        seen[answer.status_code] += 1
        case.validate_response(answer, checks=checks)

    check()
    assert len(seen) > 1 or label in ONE_ANSWER or mode == "refused"
