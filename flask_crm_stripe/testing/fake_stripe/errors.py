"""Refusals as Stripe words and shapes them."""

from __future__ import annotations

from typing import Any


class StripeFault(Exception):
    """Ends a request with Stripe's error body.

    ``executed`` is False where Stripe saves nothing under the idempotency key: refusals made before the work began.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = False,
        headers: dict[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.message = message
        self.executed = executed
        self.headers = headers or {}
        self.extra = extra

    def body(self, request_id: str | None = None, base_url: str = "") -> dict[str, Any]:
        """The JSON object of the answer: ``{"error": {...}}`` with only the fields that apply."""
        error: dict[str, Any] = {"message": self.message, "type": self.type}
        if self.code:
            page = self.code.replace("_", "-")
            error |= {"code": self.code, "doc_url": f"https://stripe.com/docs/error-codes/{page}"}
        if self.param:
            error["param"] = self.param
        if request_id and self.status != 401:
            error["request_log_url"] = f"{base_url}/?request={request_id}"
        return {"error": error | self.extra}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeFault:
    """A 400 invalid_request_error."""
    return StripeFault(message, param=param, code=code)


def missing(kind: str, object_id: str, param: str = "id", status: int = 400) -> StripeFault:
    """No such object in this account: 404 when it is what the address names, 400 when a parameter names it.

    Looked up while the request is executed, so the refusal is saved under the idempotency key.
    """
    words = f"No such {kind}: '{object_id}'"
    return StripeFault(words, status=status, code="resource_missing", param=param, executed=True)


def unbuilt(what: str) -> StripeFault:
    """501 for what the real Stripe has and FakeStripe has not."""
    words = f"FakeStripe has not built {what}. The real Stripe may answer this; FakeStripe does not pretend to."
    return StripeFault(words, status=501, type="fake_stripe_error", code="not_built")
