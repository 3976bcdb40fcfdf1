"""`/_fake/*`: FakeStripe's controls, for tests in another process and for people with curl. JSON in and out.

    GET              /_fake/requests     what was asked (filters: account, method, path)
    GET POST DELETE  /_fake/faults       set the fields of `faults.Fault`, or lift all
    GET POST         /_fake/limits       {"total", "endpoint": requests a second, "seconds": an answer takes, ...}
    GET POST         /_fake/webhooks     {"do": hold, release, drop, duplicate, reorder, resend or deliver}
    GET POST         /_fake/clock        {"advance": seconds}
    GET POST         /_fake/switches     {name: position}
    POST             /_fake/accounts     {"name", "country", "currency", "id"}: one more account to connect
    POST             /_fake/account      {"account", "set": {field: value}}: the owner or Stripe changes an account
    POST             /_fake/reject       {"account", "reason"}: Stripe rejects it
    POST             /_fake/close        {"account"}: the business closes it
    POST             /_fake/disconnect   {"account"}: the business disconnects in its own dashboard
    POST             /_fake/payment      {"account", "customer", "amount", "currency"}: one that no invoice asked for
    POST             /_fake/fail_refund  {"account", "refund", "reason"}: a refund fails after all
    GET              /_fake/state        all accounts and their objects

They answer on this machine only (see loopback.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, Flask, jsonify, request
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.wrappers import Response

from . import accounts, loopback, payments, refunds
from .desk import Desk
from .faults import BadFault, Fault, Faults
from .limits import BadLimit, Limits
from .records import RequestRecord
from .state import World
from .webhooks import Courier

SECRETS = ("client_secret", "secret")


@dataclass
class Controls:
    """The use cases behind the addresses."""

    world: World
    faults: Faults
    limits: Limits
    courier: Courier
    desk: Desk

    def requests(self) -> Any:
        """The request log, oldest first, without the answers."""
        wanted = {name: request.args[name] for name in ("account", "method", "path") if name in request.args}
        found = [_record(each) for each in self.world.requests]
        return [each for each in found if all(each[name] == value for name, value in wanted.items())]

    def list_faults(self) -> Any:
        """The faults that are set."""
        return self.faults.listed()

    def add_fault(self) -> Any:
        """Set one."""
        body = _body()
        unknown = sorted(set(body) - set(Fault.__dataclass_fields__) | ({"hits"} & set(body)))
        if unknown or "kind" not in body:
            raise BadRequest(f"Not a field of a fault: {', '.join(unknown)}." if unknown else "kind is missing.")
        try:
            self.faults.add(**body)
        except (BadFault, TypeError) as error:
            raise BadRequest(str(error)) from error
        return self.faults.listed()

    def clear_faults(self) -> Any:
        """Lift all."""
        return {"lifted": self.faults.clear()}

    def show_limits(self) -> Any:
        """How much is taken, and how long an answer takes."""
        return self.limits.as_dict()

    def set_limits(self) -> Any:
        """Change some."""
        try:
            self.limits.set(**_body())
        except BadLimit as error:
            raise BadRequest(str(error)) from error
        return self.show_limits()

    def list_deliveries(self) -> Any:
        """The delivery log, oldest first."""
        with self.world.lock:
            return {"held": self.courier.held, "deliveries": [each.as_dict() for each in self.courier.deliveries]}

    def webhooks(self) -> Any:
        """Hold, release, drop, duplicate, reorder, resend, or deliver what is due."""
        body = _body()
        times = _whole(body.get("times", 1), "times")
        actions: dict[str, Callable[[], Any]] = {
            "hold": self.courier.hold,
            "release": self.courier.release,
            "drop": lambda: self.courier.drop(times),
            "duplicate": lambda: self.courier.duplicate(times),
            "reorder": self.courier.reorder,
            "resend": lambda: self._resend(str(body.get("event", ""))),
            "deliver": self.courier.deliver,
        }
        if body.get("do") not in actions:
            raise BadRequest(f"do is {body.get('do')!r}; it must be one of {', '.join(actions)}.")
        actions[body["do"]]()
        return self.list_deliveries()

    def _resend(self, event_id: str) -> None:
        try:
            self.courier.resend(event_id)
        except KeyError as error:
            raise BadRequest(f"event: there is no event {event_id!r}.") from error

    def clock(self) -> Any:
        """FakeStripe's time."""
        return {"now": self.world.now()}

    def advance(self) -> Any:
        """Move it on; what becomes due is delivered."""
        self.world.clock.advance(_whole(_body().get("advance"), "advance"))
        self.courier.wake.set()
        return self.clock()

    def switches(self) -> Any:
        """All switches and their positions."""
        return self.world.switches.as_dict()

    def turn(self) -> Any:
        """Turn some; nothing is turned when one cannot be."""
        body, before = _body(), self.world.switches.as_dict()
        try:
            for name, value in body.items():
                self.world.switches.set(name, value)
        except ValueError as error:
            for name, value in before.items():
                self.world.switches.set(name, value)
            raise BadRequest(str(error)) from error
        return self.switches()

    def add_account(self) -> Any:
        """One more account that can be connected."""
        body = _body()
        name, country, currency = (body.get(field, default) for field, default in ACCOUNT_FIELDS)
        if not all(isinstance(each, str) and each for each in (name, country, currency)):
            raise BadRequest("name, country and currency are texts; name must be given.")
        wanted = None if body.get("id") is None else str(body["id"])
        with self.world.lock, _refusing():
            return self.world.create_account(str(name), str(country), str(currency), id=wanted)

    def update_account(self) -> Any:
        """The owner or Stripe changes an account."""
        body = _body()
        fields = body.get("set")
        if not isinstance(fields, dict):
            raise BadRequest("set is an object with the fields to set.")
        with self.world.lock, _refusing():
            return accounts.update(self.world, str(body.get("account", "")), fields)

    def reject_account(self) -> Any:
        """Stripe rejects an account."""
        body = _body()
        with self.world.lock, _refusing():
            return accounts.reject(self.world, str(body.get("account", "")), str(body.get("reason", "fraud")))

    def close_account(self) -> Any:
        """The business closes its account."""
        account_id = str(_body().get("account", ""))
        with self.world.lock, _refusing():
            accounts.close(self.desk, account_id)
        return {"account": account_id}

    def disconnect(self) -> Any:
        """The business ends the connection in its own dashboard."""
        account_id = str(_body().get("account", ""))
        with self.world.lock:
            if not self.desk.revoke(account_id):
                raise BadRequest(f"account: {account_id!r} is not connected.")
        return {"account": account_id}

    def take_payment(self) -> Any:
        """A customer pays without an invoice."""
        body = _body()
        account, customer, currency = (str(body.get(name, "")) for name in ("account", "customer", "currency"))
        with self.world.lock, _refusing():
            return payments.take(self.world, account, customer, _whole(body.get("amount"), "amount"), currency)

    def fail_refund(self) -> Any:
        """A refund fails after all."""
        body = _body()
        account, refund = str(body.get("account", "")), str(body.get("refund", ""))
        with self.world.lock, _refusing():
            return refunds.fail(self.world, account, refund, str(body.get("reason", refunds.USUAL_REASON)))

    def state(self) -> Any:
        """Everything there is, except secrets."""
        with self.world.lock:
            return {
                account_id: {
                    "account": account,
                    "connected": any(account_id in each.connected for each in self.world.platforms),
                    "platform": any(account_id == each.account_id for each in self.world.platforms),
                    "closed": account_id in self.world.closed,
                    "objects": {kind: list(found.values()) for kind, found in self.world.store(account_id).items()},
                }
                for account_id, account in self.world.accounts.items()
            }


ACCOUNT_FIELDS = (("name", ""), ("country", "NL"), ("currency", "eur"))


def register(app: Flask, controls: Controls) -> None:
    """Add the addresses to the app."""
    pages = Blueprint("control", __name__, url_prefix="/_fake")
    pages.before_request(lambda: loopback.require(request))
    pages.register_error_handler(HTTPException, _refused)
    for method, path, action in (
        ("GET", "/requests", controls.requests),
        ("GET", "/faults", controls.list_faults),
        ("POST", "/faults", controls.add_fault),
        ("DELETE", "/faults", controls.clear_faults),
        ("GET", "/limits", controls.show_limits),
        ("POST", "/limits", controls.set_limits),
        ("GET", "/webhooks", controls.list_deliveries),
        ("POST", "/webhooks", controls.webhooks),
        ("GET", "/clock", controls.clock),
        ("POST", "/clock", controls.advance),
        ("GET", "/switches", controls.switches),
        ("POST", "/switches", controls.turn),
        ("POST", "/accounts", controls.add_account),
        ("POST", "/account", controls.update_account),
        ("POST", "/reject", controls.reject_account),
        ("POST", "/close", controls.close_account),
        ("POST", "/disconnect", controls.disconnect),
        ("POST", "/payment", controls.take_payment),
        ("POST", "/fail_refund", controls.fail_refund),
        ("GET", "/state", controls.state),
    ):
        pages.add_url_rule(path, view_func=_answered(action), endpoint=action.__name__, methods=[method])
    app.register_blueprint(pages)


def _answered(action: Callable[[], Any]) -> Callable[[], Any]:
    return lambda: jsonify(without_secrets(action()))


def _refused(error: HTTPException) -> tuple[Response, int]:
    return jsonify({"error": error.description}), error.code or 500


@contextmanager
def _refusing() -> Iterator[None]:
    """A 400 with the sentence of a ValueError."""
    try:
        yield
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise BadRequest("Send a JSON object, with the content type application/json.")
    return body


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise BadRequest(f"{name} is {value!r}; it must be a whole number, 0 or more.")
    return value


def _record(record: RequestRecord) -> dict[str, Any]:
    return {name: value for name, value in asdict(record).items() if name != "response"}


def without_secrets(value: Any) -> Any:
    """A copy without the values of `secret` and `client_secret`, at any depth."""
    if isinstance(value, dict):
        return {k: "(hidden)" if k in SECRETS and v else without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_secrets(each) for each in value]
    return value
