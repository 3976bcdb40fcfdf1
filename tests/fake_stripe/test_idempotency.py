"""Idempotency keys: replay, mismatch, concurrency, the 24 hours, what is saved and what is not."""

from __future__ import annotations

import threading

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from flask_crm_stripe.testing.fake_stripe.idempotency import HOLD_KEY

from . import raw
from .raw import Api

DAY = 24 * 3600


def names(api: Api) -> list[str]:
    """The customers that exist."""
    return [each["name"] for each in api.get("/v1/customers")["data"]]


def test_the_same_request_again_is_answered_again_and_not_done_again(api: Api) -> None:
    """Same body, marked as replayed, naming the first request; one customer."""
    first = api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    again = api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    assert again.body == first.body
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.headers["Original-Request"] == first.headers["Request-Id"] != again.headers["Request-Id"]
    assert "Idempotent-Replayed" not in first.headers
    assert names(api) == ["Ada"]


def test_a_replay_is_what_was_answered_then(api: Api) -> None:
    """A change made in between does not show in the replayed answer."""
    first = api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    api.post(f"/v1/customers/{first['id']}", {"name": "Countess"})
    assert api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")["name"] == "Ada"


def test_other_params_or_another_address_under_the_same_key_are_refused(api: Api) -> None:
    """400 idempotency_error, and nothing is done."""
    api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    for path, params in (("/v1/customers", {"name": "Bo"}), ("/v1/products", {"name": "Ada"})):
        assert api.no("POST", path, params, Idempotency_Key="k")["type"] == "idempotency_error"
    assert names(api) == ["Ada"]


def test_after_24_hours_the_key_protects_no_longer(api: Api, fake: FakeStripe) -> None:
    """A second before it replays, then it runs again."""
    api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    fake.clock.advance(DAY - 60)
    api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    assert names(api) == ["Ada"]
    fake.clock.advance(60)
    api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    assert names(api) == ["Ada", "Ada"]


def test_keys_belong_to_an_account_or_by_the_switch_to_the_platform(api: Api, other: Api, fake: FakeStripe) -> None:
    """The same key in two accounts is two requests; under the other reading it is one."""
    for each in (api, other):
        each.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
        assert names(each) == ["Ada"]
    fake.world.switches.set("idempotency_scope", "platform")
    for each in (api, other):
        each.post("/v1/customers", {"name": "Bo"}, Idempotency_Key="k2")
    assert (names(api), names(other)) == (["Bo", "Ada"], ["Ada"])


def test_a_refusal_before_the_work_is_not_saved(api: Api) -> None:
    """After a validation failure the same key may be used with the corrected request."""
    api.no("POST", "/v1/products", {"name": "Audit", "surprise": "1"}, Idempotency_Key="k")
    api.no("POST", "/v1/coupons", {"percent_off": 0}, Idempotency_Key="k2")
    assert api.post("/v1/products", {"name": "Audit"}, Idempotency_Key="k")["name"] == "Audit"
    assert api.post("/v1/coupons", {"percent_off": 5}, Idempotency_Key="k2")["percent_off"] == 5


def test_a_refusal_by_the_work_is_saved(api: Api) -> None:
    """What an executed request refused stays refused under its key for a day, though the cause is gone."""
    invoice = raw.draft(api, raw.line())["id"]
    refused = api.call("POST", f"/v1/invoices/{invoice}/void", Idempotency_Key="k")
    api.post(f"/v1/invoices/{invoice}/finalize")
    again = api.call("POST", f"/v1/invoices/{invoice}/void", Idempotency_Key="k")
    assert (refused.status, again.status) == (400, 400)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert api.post(f"/v1/invoices/{invoice}/void", Idempotency_Key="k2")["status"] == "void"


def test_a_500_after_the_work_is_saved_and_replayed(api: Api, fake: FakeStripe) -> None:
    """The work is done, the answer is 500, and 500 it stays for that key: no second customer."""
    fake.faults.add("500_after", "POST", "/v1/customers")
    for _ in range(2):
        assert api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k").status == 500
    assert names(api) == ["Ada"]


def test_a_cut_after_the_work_is_healed_by_the_same_key(api: Api, fake: FakeStripe) -> None:
    """The client saw nothing, asks again with the key, and gets the answer of the one that was done."""
    fake.faults.add("cut_after", "POST", "/v1/customers")
    try:
        api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    except ConnectionError:
        assert names(api) == ["Ada"]
    assert api.post("/v1/customers", {"name": "Ada"}, Idempotency_Key="k")["name"] == "Ada"
    assert names(api) == ["Ada"]


def test_a_second_request_while_the_first_runs_is_told_so(api: Api, fake: FakeStripe) -> None:
    """409 idempotency_key_in_use, unsaved; the first one ends well, and another key does not wait."""
    begun, go_on = threading.Event(), threading.Event()
    answers: list[raw.Reply] = []

    def hold() -> None:
        begun.set()
        assert go_on.wait(10)

    def first() -> None:
        slow = raw.Api(fake, api.account, environ={HOLD_KEY: hold})
        answers.append(slow.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k"))

    work = threading.Thread(target=first)
    work.start()
    assert begun.wait(10)
    busy = api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k")
    api.post("/v1/customers", {"name": "Bo"}, Idempotency_Key="k2")
    go_on.set()
    work.join()
    assert (busy.status, busy.error["code"]) == (409, "idempotency_key_in_use")
    assert answers[0].status == 200
    assert names(api) == ["Ada", "Bo"]


def test_two_threads_with_one_key_make_one_customer(api: Api) -> None:
    """However the threads fall, one does the work and each other one replays it or is told to wait."""
    start = threading.Barrier(6)
    answers: list[raw.Reply] = []

    def press() -> None:
        start.wait()
        answers.append(api.call("POST", "/v1/customers", {"name": "Ada"}, Idempotency_Key="k"))

    threads = [threading.Thread(target=press) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.status for each in answers} <= {200, 409}
    assert sum(each.status == 200 and "Idempotent-Replayed" not in each.headers for each in answers) == 1
    assert names(api) == ["Ada"]


def test_reading_takes_no_notice_of_keys(api: Api) -> None:
    """GET with a key is answered afresh each time."""
    made = raw.customer(api)["id"]
    api.ok("GET", f"/v1/customers/{made}", Idempotency_Key="k")
    api.post(f"/v1/customers/{made}", {"name": "New"})
    assert api.ok("GET", f"/v1/customers/{made}", Idempotency_Key="k")["name"] == "New"
