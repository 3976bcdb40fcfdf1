"""Two people press Generate for the same work at the same moment, on PostgreSQL: one invoice, both are led to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
from werkzeug.test import TestResponse

from tests.faults.scenes import MakeInvoice
from tests.support.billing_host import NORTH, BillingHost, Browser, billing_host
from tests.support.together import at_once
from tests.web.page_stage import Form

ROUNDS = 10


@pytest.fixture
def host(pg_url: str) -> Iterator[BillingHost]:
    """Both businesses connected."""
    with billing_host(pg_url) as host:
        host.connected()
        yield host


def led_to_it(browser: Browser, answers: list[TestResponse], host: BillingHost, scene: MakeInvoice) -> None:
    """One invoice, at Stripe and here. Each answer is the way to it, or a page that has the way to it."""
    scene.end()
    [invoice] = scene.marked("invoice", "crm_sources", f"order:{scene.number}")
    path = f"/stripe/invoices/{invoice['metadata']['crm_stripe_id']}"
    for answer in answers:
        assert answer.status_code in (303, 409), answer.text
        assert path in (answer.headers.get("Location", "") + answer.text), answer.text
    assert any(answer.status_code == 303 for answer in answers)
    assert browser.get_raw(path).status_code == 200


def form_of(browser: Browser, scene: MakeInvoice) -> Form:
    """The review, opened by this person."""
    query = "&".join(f"billable={scene.number}{n}" for n in (1, 2, 3))
    return browser.page(f"/billables/order/{scene.number}/review?{query}").form("/invoice")


def test_two_people(host: BillingHost) -> None:
    """Each with a form of their own: the second is led to the first's invoice."""
    ann, ben = host.browser("ann"), host.browser("ben")
    for _ in range(ROUNDS):
        scene = MakeInvoice(host, ann)
        scene.start()
        forms = [(ann, form_of(ann, scene)), (ben, form_of(ben, scene))]
        led_to_it(ann, at_once(*(partial(b.send, f, send="yes") for b, f in forms)), host, scene)


def test_the_same_form_twice(host: BillingHost) -> None:
    """A double click: both presses lead to the one invoice."""
    ann = host.browser("ann")
    for _ in range(ROUNDS):
        scene = MakeInvoice(host, ann)
        scene.start()
        twice = [(same_browser(host, ann), scene.form) for _ in range(2)]
        led_to_it(ann, at_once(*(partial(b.send, f, send="yes") for b, f in twice)), host, scene)


def same_browser(host: BillingHost, browser: Browser) -> Browser:
    """Another tab: the same cookies, at the same time."""
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    client = host.app.test_client()
    client.set_cookie("session", cookie.value)
    return Browser(client, browser.prefix)


@pytest.mark.parametrize("who", ["ann", "ben"])
def test_while_the_first_is_at_work(host: BillingHost, who: str) -> None:
    """In the middle of the first press, at each call that it makes, the same form or another person's comes in."""
    ann = host.browser("ann")
    scene = MakeInvoice(host, ann)
    scene.start()
    other = same_browser(host, ann) if who == "ann" else host.browser(who)
    form = scene.form if who == "ann" else form_of(other, scene)
    answers: list[TestResponse] = []

    def meanwhile(_method: str, _path: str) -> None:
        host.fake.inside = None
        answers.append(other.send(form, send="yes"))
        host.fake.inside = meanwhile

    host.fake.inside = meanwhile
    first = ann.send(scene.form, send="yes")
    host.fake.inside = None
    assert first.status_code == 303
    assert len(answers) > 5
    led_to_it(ann, [first, *answers], host, scene)


def test_three_who_want_different_parts(host: BillingHost) -> None:
    """Overlapping choices: no line is ever on two invoices, at Stripe or here."""
    people = [host.browser(who) for who in ("ann", "ben", "ann")]
    for _ in range(ROUNDS // 2):
        scene = MakeInvoice(host, people[0])
        scene.start()
        parts = [(1, 2), (2, 3), (1, 3)]
        paths = [
            f"/billables/order/{scene.number}/review?" + "&".join(f"billable={scene.number}{n}" for n in part)
            for part in parts
        ]
        forms = [(person, person.page(path).form("/invoice")) for person, path in zip(people, paths, strict=True)]
        answers = at_once(*(partial(b.send, f, send="no") for b, f in forms))
        assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
        invoices = scene.marked("invoice", "crm_sources", f"order:{scene.number}")
        lines = [line["metadata"]["crm_billable"] for each in invoices for line in each["lines"]["data"]]
        assert (len(invoices), len(set(lines)), len(lines)) == (1, 2, 2)


def test_pages_and_programs(host: BillingHost) -> None:
    """One person presses the button while a program asks for the same work."""
    ann, program = host.browser("ann"), host.browser("ben")
    for _ in range(ROUNDS // 2):
        scene = MakeInvoice(host, ann)
        scene.start()
        path, lines = f"/sources/order/{scene.number}", [f"{scene.number}{n}" for n in (1, 2, 3)]
        seen = program.post_json(f"{path}/preview", {"billables": lines}).get_json()["seen"]
        body = {"billables": lines, "seen": seen, "send": True}
        press = partial(ann.send, scene.form, send="yes")
        call = partial(program.post_json, f"{path}/invoices", body, Idempotency_Key=f"program-{scene.number}")
        page, reply = at_once(press, call)
        assert {page.status_code, reply.status_code} & {201, 303}
        assert {page.status_code, reply.status_code} & {409}
        scene.end()


def test_the_southern_business_goes_on(host: BillingHost) -> None:
    """Two businesses bill at the same moment, and neither waits for or sees the other."""
    ann, sue = host.browser("ann"), host.browser("sue")
    forms = [(ann, ann.review(NORTH).form("/invoice")), (sue, sue.review("south", "21", "22", "23").form("/invoice"))]
    answers = at_once(*(partial(b.send, f, send="yes") for b, f in forms))
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(host.things("invoice")) == len(host.things("invoice", "south")) == 1
