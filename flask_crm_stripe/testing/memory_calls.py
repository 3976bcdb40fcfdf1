"""How a call reaches the in-memory Stripe: recorded, perhaps made to fail, and done once per Idempotency-Key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar, cast

from flask_crm_stripe.errors import AccountGone, ProviderError, ProviderFailed, Refused
from flask_crm_stripe.model.codec import digest
from flask_crm_stripe.ports.runtime import Clock

Value = TypeVar("Value")
KEYS_LAST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in: the port's method, its Idempotency-Key, and what it was asked with."""

    method: str
    key: str | None
    request: tuple[object, ...]


@dataclass
class _Fault:
    error: ProviderError
    after: bool


@dataclass
class _Saved:
    request: str
    at: datetime
    result: object = None
    error: ProviderError | None = None


class MemoryCalls:
    """One account's line to Stripe."""

    def __init__(self, clock: Clock, account_id: str) -> None:
        self.calls: list[Call] = []
        self.connected = True
        self.trace: list[str] = []
        self._clock = clock
        self._account_id = account_id
        self._faults: dict[str, list[_Fault]] = {}
        self._saved: dict[str, _Saved] = {}
        self._ids = 0

    def fail_next(self, method: str, error: ProviderError, *, after: bool = False, times: int = 1) -> None:
        """Make the next ``times`` calls of ``method`` raise ``error``; ``after`` the work, where it says so."""
        self._faults.setdefault(method, []).extend(_Fault(error, after) for _ in range(times))

    def _do(self, method: str, key: str | None, request: tuple[object, ...], work: Callable[[str], Value]) -> Value:
        self.calls.append(Call(method, key, request))
        fault = self._next_fault(method)
        if fault and not fault.after:
            raise fault.error
        if not self.connected:
            raise AccountGone("Stripe no longer lets this CRM act for the account.", stripe_code="account_invalid")
        result: Value = self._once(key, f"{method} {digest(request)}", work)
        if fault:
            if key and isinstance(fault.error, ProviderFailed):
                self._saved[key].error = fault.error
            raise fault.error
        return result

    def _once(self, key: str | None, request: str, work: Callable[[str], Value]) -> Value:
        """What an earlier call under the same key gave, else what ``work`` gives; what was refused is not kept."""
        saved = self._saved.get(key) if key else None
        if saved and self._clock.now() - saved.at < KEYS_LAST:
            return cast(Value, _replay(saved, request))
        request_id = self._id("req")
        self.trace.append(request_id)
        result = work(request_id)
        if key:
            self._saved[key] = _Saved(request, self._clock.now(), result)
        return result

    def _next_fault(self, method: str) -> _Fault | None:
        waiting = self._faults.get(method)
        return waiting.pop(0) if waiting else None

    def _id(self, prefix: str) -> str:
        self._ids += 1
        return f"{prefix}_{self._account_id.removeprefix('acct_')}{self._ids:06d}"


def _replay(saved: _Saved, request: str) -> object:
    if saved.request != request:
        raise Refused("The key was used for another request.", stripe_code="idempotency_error")
    if saved.error:
        raise saved.error
    return saved.result
