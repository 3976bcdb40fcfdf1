"""Work that the host wants billed by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_crm_stripe import Business, CRMStripe
from flask_crm_stripe.errors import FinanceModuleOff, HostTransactionOpen, NotConnected, NotFound
from tests.support.billing_host import NORTH, SOUTH, BillingHost, billing_host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BillingHost]:
    """Both businesses connected, each with an order to bill."""
    with billing_host(f"sqlite:///{tmp_path}/crm.sqlite") as host:
        host.connected()
        yield host


def confirmed(host: BillingHost, who: str = "ann") -> str:
    """A view of the host's in which an order is confirmed; all work after the response is done."""
    return host.own_view(lambda: CRMStripe().bill("order", 1), who).text


def test_an_order_is_invoiced_by_itself_and_once(host: BillingHost) -> None:
    """In the background, on the settings' terms, in the software's own name; confirmed again, nothing is made."""
    run = confirmed(host)
    [made] = host.things("invoice")
    assert made["status"] == "open"
    ann = host.browser("ann")
    assert "1 made · 0 need a look · 0 to go" in ann.page(f"/runs/{run}").text
    again = confirmed(host)
    assert "All its work is on invoices already." in ann.page(f"/runs/{again}").text
    assert len(host.things("invoice")) == 1
    assert host.things("invoice", SOUTH) == []
    assert host.browser("sue").get(f"/runs/{run}").status_code == 404


def test_as_a_draft_outside_of_a_request(host: BillingHost) -> None:
    """For the business that is named: a nightly job of the host's."""
    with host.app.app_context():
        CRMStripe().bill("order", 1, business=NORTH, send=False)
    [made] = host.things("invoice")
    assert made["status"] == "draft"
    with host.app.app_context():
        CRMStripe().bill("order", 2, business=Business(SOUTH, "South"), send=False)
    assert len(host.things("invoice", SOUTH)) == 1


def test_what_cannot_be_billed_by_itself_is_refused(host: BillingHost, tmp_path: Path) -> None:
    """A source that is not there, another business's, half a transaction of the host's, a business without finance or
    without Stripe: nothing is planned."""
    with host.app.app_context():
        for ref, business in ((99, NORTH), (2, NORTH), (1, SOUTH)):
            with pytest.raises(NotFound):
                CRMStripe().bill("order", ref, business=business)
        host.host.db.session.add(host.host.Service(company=NORTH, code="X", name="X"))
        host.host.db.session.flush()
        with pytest.raises(HostTransactionOpen):
            CRMStripe().bill("order", 1, business=NORTH)
        host.host.db.session.rollback()
        host.finance[NORTH] = False
        with pytest.raises(FinanceModuleOff):
            CRMStripe().bill("order", 1, business=NORTH)
        host.finance[NORTH] = True
    assert host.rows("crm_stripe_run") == []
    new = f"sqlite:///{tmp_path}/new.sqlite"
    with billing_host(new) as fresh, fresh.app.app_context(), pytest.raises(NotConnected):
        CRMStripe().bill("order", 1, business=NORTH)
