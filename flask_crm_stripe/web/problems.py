"""Problem details for programs (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response, request

API = "api_"


def is_api() -> bool:
    """Whether the request is for the JSON side, or for one of the pages' small JSON parts."""
    name = (request.endpoint or "").rpartition(".")[2]
    return name.startswith(API) or name == "invoice_status"


def problem(status: int, code: str, detail: str, **more: object) -> Response:
    """``code`` is our stable word; ``field`` names the input at fault."""
    title = HTTPStatus(status).phrase
    body = {"type": f"urn:crm-stripe:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
    body |= {name: value for name, value in more.items() if value is not None}
    response = Response(json.dumps(body), status, mimetype="application/problem+json")
    if status in (429, 503):
        response.headers["Retry-After"] = "60"
    return response
