"""Plain HTTP to FakeStripe, without the SDK: what a test wants to see is the answer itself."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from requests.structures import CaseInsensitiveDict
from werkzeug.test import Client, EnvironBuilder

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches, forms

KEY = "sk_test_raw_platform"
LIVE_KEY = "sk_live_fake_raw_platform"


@dataclass
class Reply:
    """One answer."""

    status: int
    body: dict[str, Any]
    headers: CaseInsensitiveDict[str]

    @property
    def error(self) -> dict[str, Any]:
        """The error object; fails the test when there is none."""
        found: dict[str, Any] = self.body["error"]
        return found


@dataclass
class Api:
    """Calls for one account. ``ok`` wants a 200 and gives the body, ``no`` wants a refusal and gives the error."""

    fake: FakeStripe
    account: str | None
    key: str = KEY
    environ: dict[str, Any] = field(default_factory=dict)

    def call(self, method: str, path: str, params: Mapping[str, Any] | None = None, **headers: str) -> Reply:
        """Send a request as a form or a query; header names are given with underscores."""
        sent = {"Authorization": f"Bearer {self.key}"}
        if self.account:
            sent["Stripe-Account"] = self.account
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        text = forms.encode(params or {})
        builder = EnvironBuilder(path, method=method, headers=list(sent.items()), environ_overrides=self.environ)
        if method == "POST":
            builder.content_type = "application/x-www-form-urlencoded"
            builder.input_stream = io.BytesIO(text.encode())
        else:
            builder.query_string = text
        response = Client(self.fake.wsgi_app).open(builder)
        return Reply(response.status_code, response.get_json(), CaseInsensitiveDict(response.headers))

    def ok(self, method: str, path: str, params: Mapping[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The body of a 200."""
        reply = self.call(method, path, params, **headers)
        assert reply.status == 200, reply.body
        return reply.body

    def no(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, *, status: int = 400, **headers: str
    ) -> dict[str, Any]:
        """The error of a refusal with this status."""
        reply = self.call(method, path, params, **headers)
        assert reply.status == status, reply.body
        return reply.error

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """GET with a 200."""
        return self.ok("GET", path, params)

    def post(self, path: str, params: Mapping[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """POST with a 200."""
        return self.ok("POST", path, params, **headers)

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The account's events, oldest first, of these types (all when none are named)."""
        store = self.fake.world.store(self.account or "")
        return [each for each in store["event"].values() if not kinds or each["type"] in kinds]


def connected(switches: Switches | None = None, *, livemode: bool = False) -> tuple[Api, Api]:
    """A FakeStripe with two connected businesses; an Api for each."""
    fake = FakeStripe(switches=switches, livemode=livemode)
    key = LIVE_KEY if livemode else KEY
    platform = fake.world.platform_of_key(key)
    first, second = fake.create_account("Atelier Blau"), fake.create_account("Kobe Foods", "JP", "jpy")
    for account in (first, second):
        fake.world.connect(platform, account["id"])
    return Api(fake, first["id"], key), Api(fake, second["id"], key)


def line(amount: int = 1000, **more: Any) -> dict[str, Any]:
    """A line with an inline price in EUR and an inline product."""
    data = {"currency": "eur", "unit_amount": amount, "product_data": {"name": "Hour of work"}}
    return {"price_data": data, **more}


def vat(amount: int, taxable: int, percentage: str = "21", **more: Any) -> dict[str, Any]:
    """One imposed tax amount."""
    rate = {"display_name": "VAT", "percentage": percentage, "inclusive": False, "country": "NL", "tax_type": "vat"}
    return {"amount": amount, "taxable_amount": taxable, "tax_rate_data": rate, **more}


def customer(api: Api, **more: Any) -> dict[str, Any]:
    """A customer with an address for mail."""
    return api.post("/v1/customers", {"name": "Ada", "email": "ada@example.com", **more})


def subscription(api: Api, customer_id: str | None = None, **more: Any) -> dict[str, Any]:
    """A subscription that the business made for this customer, or for a new one: 25 EUR a month."""
    wanted = {"amount": 2500, "currency": "eur", **more}
    return api.fake.add_subscription(api.account or "", customer_id or customer(api)["id"], **wanted)


def draft(api: Api, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A draft with these lines, to be sent, for a new customer unless one is given."""
    wanted = {"currency": "eur", "collection_method": "send_invoice", "days_until_due": 14, **more}
    if "customer" not in wanted:
        wanted["customer"] = customer(api)["id"]
    made = api.post("/v1/invoices", wanted)
    if lines:
        made = api.post(f"/v1/invoices/{made['id']}/add_lines", {"lines": list(lines)})
    return made


def opened(api: Api, *lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A finalised invoice."""
    made = draft(api, *(lines or (line(),)), **more)
    return api.post(f"/v1/invoices/{made['id']}/finalize")


def payment(api: Api, amount: int = 1000, **more: Any) -> dict[str, Any]:
    """The report of a payment by bank that has arrived."""
    now = api.fake.clock.now()
    return {
        "amount_requested": {"currency": "eur", "value": amount},
        "initiated_at": now - 60,
        "outcome": "guaranteed",
        "guaranteed": {"guaranteed_at": now},
        "payment_method_details": {"type": "custom", "custom": {"display_name": "Bank transfer"}},
        "processor_details": {"type": "custom", "custom": {"payment_reference": "statement 7"}},
        **more,
    }


def reported(api: Api, amount: int = 1000, **more: Any) -> dict[str, Any]:
    """A payment record of it."""
    return api.post("/v1/payment_records/report_payment", payment(api, amount, **more))
