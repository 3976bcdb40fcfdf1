"""Coming back from Stripe's consent page in every wrong way: refused in words, nothing exchanged, nothing changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
import sqlalchemy as sa

from tests.support.billing_host import NORTH, SOUTH, BillingHost, Browser, billing_host
from tests.web.page_stage import Page

CALLBACK = "/stripe/connect/callback"
DENIED = "You didn't allow the connection at Stripe. Nothing changed."
USED = "This sign-in has expired or was used already. Please start again."
FOREIGN = "This sign-in was started by someone else or for another business. Please start again."
NEW_LOGIN = "You have logged in again since this sign-in was started. Please start again."


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Two businesses; the southern one is connected."""
    with billing_host(f"sqlite:///{tmp_path / 'crm.sqlite'}") as host:
        host.connect(host.browser("sue"), SOUTH)
        yield host


def refused(host: BillingHost, browser: Browser, path: str, words: str, status: int = 400) -> None:
    """The page says why and leads to the connection; no code was exchanged, and all is as it was."""
    before, exchanges = host.pictures(), host.calls("/oauth/token")
    answer = browser.get_raw(path)
    assert (answer.status_code, words in Page(answer.text).text) == (status, True), answer.text
    assert 'href="/stripe/settings"' in answer.text
    assert host.calls("/oauth/token") == exchanges
    assert host.pictures() == before


def test_denied_with_state(host: BillingHost) -> None:
    """Saying no at Stripe changes nothing, uses the consent up, and one can start again."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser, allow=False)
    assert "error=access_denied" in back
    assert "state=" in back
    refused(host, browser, back, DENIED)
    refused(host, browser, back.replace("error=access_denied", "code=ac_123"), USED)
    host.connect(browser)


def test_denied_without_state(host: BillingHost) -> None:
    """Stripe may leave the state out: the same words. A consent under way stays good: anybody could send this."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser)
    refused(host, browser, f"{CALLBACK}?error=access_denied&error_description=The+user+denied", DENIED)
    refused(host, browser, f"{CALLBACK}?error=access_denied&state=another", DENIED)
    assert browser.get_raw(back).status_code == 303


@pytest.mark.parametrize(
    "query", ["", "state=", "state=never-begun&code=ac_1", "code=ac_1", "error=server_error", "state=%00%ff&code=x"]
)
def test_a_return_that_nobody_began(host: BillingHost, query: str) -> None:
    """No state, or one that is unknown here."""
    refused(host, host.browser("ann"), f"{CALLBACK}?{query}", USED)


@pytest.mark.parametrize("confirmed", [False, True])
def test_a_replayed_return(host: BillingHost, confirmed: bool) -> None:
    """The exchange runs once; whatever the first return led to stays as it is."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser)
    first = browser.get_raw(back)
    if confirmed:
        browser.press(browser.follow(first), first.headers["Location"])
    exchanges = host.calls("/oauth/token")
    for _ in range(2):
        refused(host, browser, back, USED)
    assert host.calls("/oauth/token") == exchanges == 2  # one for each business
    assert host.accounts[NORTH] in host.fake.world.first_platform().connected


def test_a_return_that_comes_twice_at_once(database_url: str) -> None:
    """A double click, or a browser that asks again: of four returns with the same cookie one exchanges the code."""
    with billing_host(database_url) as host:
        browser = host.browser("ann")
        back = host.back_from_stripe(browser)
        cookie = browser.client.get_cookie("session")
        assert cookie is not None
        together, found = threading.Barrier(4), list[int]()

        def come_back() -> None:
            client = host.app.test_client()
            client.set_cookie("session", cookie.value)
            together.wait()
            found.append(client.get(back, buffered=True).status_code)

        threads = [threading.Thread(target=come_back) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == [303, 400, 400, 400]
        assert host.calls("/oauth/token") == 1


def other_business(host: BillingHost, _: Browser) -> Browser:
    """Somebody of another business."""
    return host.browser("sue")


def other_person(host: BillingHost, _: Browser) -> Browser:
    """Somebody else of the same business."""
    return host.browser("ben")


def other_browser(host: BillingHost, _: Browser) -> Browser:
    """The same person in another browser."""
    return host.browser("ann")


def other_person_here(host: BillingHost, browser: Browser) -> Browser:
    """Somebody else in the same browser."""
    browser.log_out()
    browser.log_in("ben")
    return browser


def out_and_in(host: BillingHost, browser: Browser) -> Browser:
    """The same person, who logged out and in."""
    browser.log_out()
    browser.log_in("ann")
    return browser


def in_again(host: BillingHost, browser: Browser) -> Browser:
    """The same person, who logged in once more without logging out."""
    browser.log_in("ann")
    return browser


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (other_business, FOREIGN),
        (other_person, FOREIGN),
        (other_person_here, FOREIGN),
        (other_browser, NEW_LOGIN),
        (out_and_in, NEW_LOGIN),
        (in_again, NEW_LOGIN),
    ],
)
def test_another_session(host: BillingHost, who: Callable[[BillingHost, Browser], Browser], words: str) -> None:
    """A consent belongs to one person, one business and one login. After a wrong return it is void for all."""
    starter = host.browser("ann")
    back = host.back_from_stripe(starter)
    refused(host, who(host, starter), back, words)
    refused(host, starter, back, USED)
    started_anew = host.browser("ann")
    host.connect(started_anew)


def test_nobody_is_logged_in(host: BillingHost) -> None:
    """A stranger with the address learns nothing, and uses nothing up."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser)
    assert host.browser().get_raw(back).status_code == 401
    assert host.calls("/oauth/token") == 1
    assert browser.get_raw(back).status_code == 303


def test_too_late(host: BillingHost) -> None:
    """A consent lasts a quarter of an hour."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser)
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("UPDATE crm_stripe_consent SET expires_at = '2020-01-01 00:00:00.000000'"))
    refused(host, browser, back, USED)


def test_rights_lost_on_the_way(host: BillingHost) -> None:
    """Whoever may no longer connect when coming back connects nothing."""
    browser = host.browser("ann")
    back = host.back_from_stripe(browser)
    with host.app.app_context():
        host.host.db.session.get_one(host.host.User, "ann").role = "sales"
        host.host.db.session.commit()
    before = host.pictures()
    answer = browser.get_raw(back)
    assert answer.status_code == 403
    assert "You may not connect a Stripe account." in Page(answer.text).text
    assert host.calls("/oauth/token") == 1
    assert host.pictures() == before


@pytest.mark.parametrize("code", ["", "code=", "code=ac_made_up"])
def test_a_code_that_is_no_code(host: BillingHost, code: str) -> None:
    """With a good state and a bad code nothing is connected; Stripe is asked only where there is a code."""
    browser = host.browser("ann")
    state = parse_qs(urlsplit(host.back_from_stripe(browser)).query)["state"][0]
    before, exchanges = host.pictures(), host.calls("/oauth/token")
    answer = browser.get_raw(f"{CALLBACK}?state={state}&{code}")
    assert answer.status_code == 400
    assert "Stripe did not accept this sign-in. Nothing was connected. Please start again." in Page(answer.text).text
    assert host.calls("/oauth/token") == exchanges + (code == "code=ac_made_up")
    assert host.pictures() == before


def test_an_exchange_that_is_sent_elsewhere(host: BillingHost) -> None:
    """Our key is in its body: it stays here, wherever somebody points."""
    browser, asked = host.browser("ann"), list[str]()
    back, before = host.back_from_stripe(browser), host.pictures()

    def pointing(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start_response("307 Temporary Redirect", [("Location", "/stolen")])
        return [b""]

    host.fake.wsgi_app = pointing  # type: ignore[assignment]
    answer = browser.get_raw(back)
    assert answer.status_code == 400
    assert "Stripe did not answer while the account was being connected." in Page(answer.text).text
    assert asked == ["/oauth/token"]
    assert host.pictures() == before


def test_anothers_pending_account(host: BillingHost) -> None:
    """What waits for a word of one business is not there for another; and it is said once."""
    browser, south = host.browser("ann"), host.browser("sue")
    where = browser.get_raw(host.back_from_stripe(browser)).headers["Location"].removeprefix("/stripe")
    before = host.pictures()
    assert south.get(where).status_code == 404
    assert south.post(where).status_code == 404
    assert south.post(f"{where}/decline").status_code == 404
    assert host.browser("cas").post(where).status_code == 403
    assert host.pictures() == before
    assert browser.post(where).status_code == 303
    assert browser.post(where).status_code == 404
    assert browser.post(f"{where}/decline").status_code == 404


def test_an_account_that_another_business_has(host: BillingHost) -> None:
    """One live connection per account: the other business keeps it, and its name is not told."""
    browser = host.browser("ann")
    answer = browser.get_raw(host.back_from_stripe(browser, host.accounts[SOUTH]))
    before = host.pictures()
    taken = browser.press(browser.follow(answer), answer.headers["Location"])
    assert taken.status_code == 409
    assert "This Stripe account is already connected to another business here." in Page(taken.text).text
    assert SOUTH not in taken.text
    assert host.pictures() == before
    assert "Nothing was connected." in browser.follow(browser.post(f"{path_of(answer)}/decline")).text
    assert host.accounts[SOUTH] in host.fake.world.first_platform().connected, "the southern connection goes on"


def path_of(answer: object) -> str:
    """The path below our prefix that an answer leads to."""
    location: str = answer.headers["Location"]  # type: ignore[attr-defined]
    return location.removeprefix("/stripe")


def test_a_second_account_for_a_business(host: BillingHost) -> None:
    """Only with the wizard, in which one sees what happens to the first: a bare press is refused, and shows it."""
    south = host.browser("sue")
    url = south.post("/connect").headers["Location"]
    back = urlsplit(host.fake.authorize(url, host.accounts[NORTH]))
    answer = south.get_raw(f"{back.path}?{back.query}")
    before = host.pictures()
    bare = south.post(answer.headers["Location"].removeprefix("/stripe"))
    assert bare.status_code == 409
    assert "This business is connected to another Stripe account. Disconnect that one first." in bare.text
    assert "Replace the Stripe account" in Page(bare.text).text
    stale = south.post(answer.headers["Location"].removeprefix("/stripe"), previous="f" * 32)
    assert (stale.status_code, "is another by now" in stale.text) == (409, True)
    assert host.pictures() == before


def test_an_account_of_another_business(host: BillingHost) -> None:
    """It is live in the south: the north gets no further, and nobody is disconnected."""
    browser = host.browser("ann")
    answer = browser.get_raw(host.back_from_stripe(browser, host.accounts[SOUTH]))
    before = host.pictures()
    taken = browser.press(browser.follow(answer), answer.headers["Location"])
    assert taken.status_code == 409
    assert "already connected to another business" in taken.text
    assert host.pictures() == before
    assert host.browser("sue").page("/settings").text.count("Customers can pay you") == 1
