"""The host's own database session beside ours, through the extension: refused, released, followed, never hindered."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from flask_crm_stripe import current_billing
from flask_crm_stripe.errors import HostTransactionOpen
from tests.faults.scenes import ID
from tests.support.billing_host import NORTH, SOUTH, BillingHost, billing_host

WORDS = "The CRM has changes in its database session that are not committed yet. Commit first"


@pytest.fixture
def host(database_url: str) -> Iterator[BillingHost]:
    """Both businesses connected, on each database; what was noted while it was filled is done."""
    with billing_host(database_url) as host:
        host.connected()
        work(host)
        yield host


def work(host: BillingHost) -> None:
    """What an operator's timer runs."""
    done = host.app.test_cli_runner().invoke(args=["crm-stripe", "work"])
    assert done.exit_code == 0, done.output


def unflushed(host: BillingHost) -> None:
    """A change that the session knows of."""
    host.host.db.session.get_one(host.host.User, "ann").seen += 1


def flushed(host: BillingHost) -> None:
    """A change that the database knows of."""
    unflushed(host)
    host.host.db.session.flush()


def by_statement(host: BillingHost) -> None:
    """A change past the ORM."""
    host.host.db.session.execute(sa.text('UPDATE "user" SET seen = seen + 1'))


WRITES = [("sqlite", unflushed), ("sqlite", flushed), ("sqlite", by_statement), ("postgresql", flushed)]


@pytest.mark.parametrize(("database_url", "write"), WRITES, indirect=["database_url"])
def test_a_host_that_writes_before_our_pages(host: BillingHost, write: Callable[[BillingHost], None]) -> None:
    """A `before_request` that counts visits and forgets to commit: each button of ours says so, and nothing is done."""
    browser = host.browser("ann")
    invoice = browser.bill(NORTH, "13", send="no")
    form = browser.review(NORTH, "11", "12").form("/invoice")
    count_visits = host.app.before_request_funcs.setdefault(None, [])
    count_visits.append(lambda: write(host))
    before, requests = host.pictures(), len(host.fake.requests)
    buttons: dict[str, Callable[[], TestResponse]] = {
        "/invoice": lambda: browser.send(form, send="yes"),
        "/services/sync": lambda: browser.client.post("/stripe/services/sync", data=form.data(), buffered=True),
        "/settings/refresh": lambda: browser.client.post("/stripe/settings/refresh", data=form.data(), buffered=True),
        "/send": lambda: browser.client.post(f"/stripe/invoices/{invoice}/send", data=form.data(), buffered=True),
        "/delete": lambda: browser.client.post(f"/stripe/invoices/{invoice}/delete", data=form.data(), buffered=True),
        "JSON": lambda: browser.client.post(
            "/stripe/api/v1/services/sync",
            json={},
            headers={"X-CSRFToken": form.data()["csrf_token"][0]},
            buffered=True,
        ),
    }
    for name, press in buttons.items():
        answer = press()
        assert (name, answer.status_code, WORDS in answer.text) == (name, 500, True), answer.text
    count_visits.clear()
    assert host.pictures() == before
    assert len(host.fake.requests) == requests
    assert browser.send(form, send="yes").status_code == 303


def test_a_view_of_the_hosts_own(host: BillingHost) -> None:
    """`current_billing` in a host's view: refused before anything is done while the host has written, whatever is
    called; after a commit it works, in the person's own business and with their rights."""
    invoice = host.browser("ann").bill(NORTH, "11", send="no")
    before, requests = host.pictures(), len(host.fake.requests)

    def too_early() -> str:
        flushed(host)
        try:
            current_billing.invoicing.send(invoice)
        except HostTransactionOpen as error:
            host.host.db.session.rollback()
            return error.message
        return "sent"

    assert WORDS in host.own_view(too_early).text
    assert host.pictures() == before
    assert len(host.fake.requests) == requests

    def in_time() -> str:
        flushed(host)
        host.host.db.session.commit()
        sent = current_billing.invoicing.send(invoice)
        return f"{sent.status} {current_billing.business.ref} {current_billing.actor.ref}"

    assert host.own_view(in_time).text == "open north ann"


def test_nothing_is_idle_in_transaction(pg_url: str) -> None:
    """While Stripe is asked, by any page, program or webhook, no connection of the host's has a transaction open,
    although each request has read the person from the database."""
    with billing_host(pg_url) as host:
        observer = sa.create_engine(pg_url, isolation_level="AUTOCOMMIT")
        open_ones = sa.text(
            "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
        )
        counts: dict[str, int] = {}

        def look(method: str, path: str) -> None:
            with observer.connect() as connection:
                place = f"{method} {ID.sub('*', path)}"
                counts[place] = max(counts.get(place, 0), connection.scalar(open_ones) or 0)

        def read_only() -> str:
            host.host.db.session.execute(sa.select(host.host.Service)).all()
            look("GET", "control")
            return str(current_billing.connection.refresh().account_id)

        host.fake.inside = look
        browser, _ = host.connected()
        invoice = browser.bill()
        browser.get(f"/invoices/{invoice}/pay-page")
        browser.post_json("/services/sync", {})
        host.fake.deliver()
        host.own_view(read_only)
        observer.dispose()
        assert counts.pop("GET control") == 1, "the measure itself"
        assert set(counts.values()) == {0}, counts
        assert len(counts) > 6


def rename(host: BillingHost, name: str) -> str:
    """The host's own form saves a service."""
    host.host.db.session.get_one(host.host.Service, 1).name = name
    host.host.db.session.commit()
    return "saved"


def add(host: BillingHost) -> None:
    """A new service."""
    host.host.db.session.add(host.host.Service(id=90, company=NORTH, code="N", name="Added"))
    host.host.db.session.commit()


def delete(host: BillingHost) -> None:
    """A service is gone."""
    host.host.db.session.delete(host.host.db.session.get_one(host.host.Service, 1))
    host.host.db.session.commit()


def bulk(host: BillingHost) -> None:
    """All services at once, by the session's older way."""
    host.host.db.session.bulk_update_mappings(host.host.Service, [{"id": 1, "name": "In bulk"}])
    host.host.db.session.commit()


def core(host: BillingHost) -> None:
    """All services at once, by a statement."""
    host.host.db.session.execute(
        sa.update(host.host.Service).where(host.host.Service.id == 1).values(name="By statement")
    )
    host.host.db.session.commit()


CHANGES: dict[str, tuple[Callable[[BillingHost], object], set[tuple[str, bool]]]] = {
    "change": (lambda host: rename(host, "Changed"), {("Changed", True)}),
    "add": (add, {("Design north", True), ("Added", True)}),
    "delete": (delete, {("Design north", False)}),
    "bulk": (bulk, {("In bulk", True)}),
    "core": (core, {("By statement", True)}),
}


@pytest.mark.parametrize(
    ("database_url", "way"), [*(("sqlite", way) for way in CHANGES), ("postgresql", "core")], indirect=["database_url"]
)
def test_a_change_in_the_hosts_request_reaches_stripe(host: BillingHost, way: str) -> None:
    """Saved in a view of the host's own: sent after its answer, and only in its own business."""
    change, products = CHANGES[way]
    south = host.things("product", SOUTH)
    asked: list[int] = []

    def save() -> str:
        change(host)
        asked.append(len(host.fake.requests))
        return "saved"

    asked.append(len(host.fake.requests))
    assert host.own_view(save).text == "saved"
    assert asked[0] == asked[1], "Stripe was asked before the answer"
    assert {(product["name"], product["active"]) for product in host.things("product")} == products
    assert host.rows("crm_stripe_outbox") == []
    assert host.things("product", SOUTH) == south


def test_a_rollback_leads_to_none(host: BillingHost) -> None:
    """What the host takes back never reaches Stripe."""

    def change_of_mind() -> str:
        host.host.db.session.get_one(host.host.Service, 1).name = "Not this"
        host.host.db.session.flush()
        host.host.db.session.rollback()
        return "kept"

    requests = len(host.fake.requests)
    assert host.own_view(change_of_mind).text == "kept"
    assert len(host.fake.requests) == requests
    assert host.rows("crm_stripe_outbox") == []


def test_a_process_that_dies_after_the_commit(host: BillingHost) -> None:
    """What a script saved, or a server that died before its work was done, waits in the outbox for `work`."""
    with host.app.app_context():
        rename(host, "From a script")
    [note] = host.rows("crm_stripe_outbox")
    assert (note["business"], note["kind"], note["ref"]) == (NORTH, "service", "1")
    work(host)
    assert [product["name"] for product in host.things("product")] == ["From a script"]
    assert host.rows("crm_stripe_outbox") == []


def test_the_hosts_save_never_fails(host: BillingHost) -> None:
    """With Stripe down, and even without our tables, the host's own form saves as ever."""
    host.fake.faults.add("500", times=100)
    assert host.own_view(lambda: rename(host, "Stripe is down")).text == "saved"
    assert "Stripe had a problem of its own" in host.browser("ann").page("/services").text
    host.fake.faults.clear()
    with host.app.app_context(), host.host.db.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE crm_stripe_outbox"))
    assert host.own_view(lambda: rename(host, "Without a table")).text == "saved"
    assert {row["id"]: row["name"] for row in host.rows("service")}[1] == "Without a table"
