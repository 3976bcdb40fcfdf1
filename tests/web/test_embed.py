"""Billing inside the host's pages: the macros, for every reader, and never at the page's cost."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from flask import Blueprint, Flask, render_template_string

from flask_crm_stripe import web
from flask_crm_stripe.model.crm import Billable
from tests.web.page_stage import INES, MARA, NORTH, SOUTH, VIEWER, Page, Stage
from tests.web.page_worlds import HOSTILE, client, hostile, stage
from tests.web.test_page_safety import assert_nothing_inline

__all__ = ["client", "stage"]

IMPORT = '{% from "crm_stripe/embed.html" import crm_stripe_head, billables_tab, invoice_status, customer_panel %}'
Show = Callable[[str], str]


@pytest.fixture
def show(stage: Stage) -> Show:
    """A page of the host's with this in it, which has its own idea of what `_` and `f` are."""
    stage.app.context_processor(lambda: {"_": lambda text: "host", "f": None, "link": None, "actor": "host"})
    parts = {"now": ""}
    stage.app.add_url_rule("/host", "host", lambda: render_template_string(IMPORT + "<h1>Host</h1>" + parts["now"]))

    def shown(part: str) -> str:
        parts["now"] = part
        response = stage.client().get("/host")
        assert response.status_code == 200
        return response.text.removeprefix("<h1>Host</h1>")

    return shown


TAB = '{{ billables_tab("opportunity", 2207) }}'


def test_the_billables_tab_is_the_same_panel(stage: Stage, show: Show) -> None:
    """Its own root, starting at h2, a form that goes to the review by GET."""
    page = Page(show(TAB))
    form = page.form("/review")
    assert form.action == "/stripe/billables/opportunity/2207/review"
    assert form.data()["billable"] == ["b1", "b2", "b3", "b4", "b6"]
    tags = [tag for tag, _ in page.tags]
    assert "h2" in tags
    assert "h1" not in tags
    assert page.tags[0][1]["class"] == "crm-stripe"
    assert "Review invoice" in page.text
    assert "h3" in [tag for tag, _ in Page(show(TAB.replace("2207", "2207, level=3"))).tags]


def test_the_head_brings_our_small_files_once(show: Show) -> None:
    """Style sheet and script; Bootstrap only where the host asks for it; a second call brings nothing."""
    text = show("{{ crm_stripe_head() }}{{ crm_stripe_head() }}")
    assert text.count("crm-stripe.css") == text.count("crm-stripe.js") == 1
    assert "bootstrap" not in text
    assert "bootstrap.min.css" in show("{{ crm_stripe_head(bootstrap=true) }}")


def test_a_status_is_shown_where_there_is_an_invoice(stage: Stage, show: Show) -> None:
    """By the billable's ref: the pill, ready to live; nothing for work that was never billed."""
    invoice = stage.invoice("b1")
    page = Page(show('{{ invoice_status("b1") }}'))
    assert page.text == "Open"
    assert [given["data-cs-live"] for _, given in page.tags if "data-cs-live" in given] == [invoice.id]
    assert show('{{ invoice_status("b2") }}').strip() == ""


def test_the_customer_panel_sums_up_a_contact(stage: Stage, show: Show) -> None:
    """Outstanding, the last three invoices, and the way to all of them."""
    assert "No invoices yet." in show('{{ customer_panel("organization", "vdb") }}')
    for ref in ("b1", "b2", "b3", "b4"):
        stage.invoice(ref)
    page = Page(show('{{ customer_panel("organization", "vdb") }}'))
    assert "Outstanding 6,709.43 EUR" in page.text
    assert "MEM-0004" in page.text
    assert "MEM-0001" not in page.text
    url = next(given["href"] for tag, given in page.tags if "contact=" in given.get("href", ""))
    assert "MEM-0001" in stage.client().get(url).text


@pytest.mark.parametrize("part", [TAB, '{{ invoice_status("b1") }}', '{{ customer_panel("organization", "vdb") }}'])
def test_those_who_may_not_see_billing_see_nothing(stage: Stage, show: Show, part: str) -> None:
    """A stranger, a person without the right, a business without the module: no trace."""
    stage.invoice("b1")
    stage.actor = None
    assert show(part).strip() == ""
    stage.actor = type(INES)("9", "Nobody")
    assert show(part).strip() == ""
    stage.actor, stage.finance = INES, False
    assert show(part).strip() == ""


def test_another_business_s_work_is_not_shown(stage: Stage, show: Show) -> None:
    """The macro of a page in one business never shows another's."""
    stage.invoice("b1")
    stage.business = SOUTH
    assert "Process workshop" not in show(TAB)
    assert show('{{ invoice_status("b1") }}').strip() == ""


def test_a_failure_is_one_quiet_line(stage: Stage, show: Show, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever breaks in billing, the host's page stands, and the log says what it was."""

    def broken(_: object) -> Sequence[Billable]:
        raise RuntimeError("planted")

    stage.crm.for_business("north").billables = broken  # type: ignore[method-assign, assignment]
    text = show(TAB)
    assert "Billing can’t be shown right now." in text
    assert "planted" not in text
    assert "planted" in caplog.text
    assert "Billing can’t be shown right now." in show('{{ billables_tab("opportunity", "none") }}')


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_data_here_too(stage: Stage, show: Show, name: str) -> None:
    """The tab and the panel with names that look like markup."""
    hostile(stage, name)
    for part in ('{{ billables_tab("opportunity", "666") }}', '{{ customer_panel("organization", "666") }}'):
        page = Page(show(part))
        assert_nothing_inline(page, part)


def test_the_tab_offers_what_the_reader_may(stage: Stage, show: Show) -> None:
    """Who may draft gets boxes and the button, who may look does not."""
    stage.actor = MARA
    assert "Review invoice" in show(TAB)
    stage.actor = VIEWER
    text = show(TAB)
    assert "checkbox" not in text
    assert "You can see the work but not make invoices." in text


def test_navigation_stands_in_a_layout_of_the_host_s(stage: Stage) -> None:
    """A host's crm_stripe/layout.html takes over; our entries stand where it calls the macro, from its pages too."""
    from jinja2 import ChoiceLoader, DictLoader

    layout = (
        '{% from "crm_stripe/_navigation.html" import navigation %}<html><title>{% block title %}{% endblock %}</title>'
        "{% block head %}{% endblock %}<body><aside>{{ navigation() }}</aside>{% block content %}{% endblock %}"
    )
    loader = stage.app.jinja_env.loader
    assert loader
    stage.app.jinja_env.loader = ChoiceLoader([DictLoader({"crm_stripe/layout.html": layout}), loader])
    page = Page(stage.client().get("/stripe/services").text)
    assert [given["href"] for tag, given in page.tags if tag == "a" and given.get("aria-current")] == [
        "/stripe/services"
    ]
    assert sum(tag == "nav" for tag, _ in page.tags) == 1
    assert "cs-top" not in stage.client().get("/stripe/services").text


def test_pages_and_macros_work_nested_in_another_blueprint(stage: Stage) -> None:
    """A host that nests our blueprint under its own gets addresses under its own prefix everywhere."""
    outer = Blueprint("money", __name__, url_prefix="/money")
    pages, hooks, assets = web.blueprints()
    outer.register_blueprint(pages, url_prefix="/stripe")
    app = Flask(__name__)
    app.config.update(SECRET_KEY="nested", TESTING=True)
    app.extensions["crm_stripe"] = stage.app.extensions["crm_stripe"]
    for blueprint in (outer, hooks, assets):
        app.register_blueprint(blueprint)
    app.add_url_rule("/host", "host", lambda: render_template_string(IMPORT + TAB))
    nested = app.test_client()
    page = Page(nested.get("/money/stripe/").text)
    assert NORTH.name in page.text
    links = [given["href"] for tag, given in page.tags if tag == "a" and given["href"].startswith("/")]
    assert links
    assert all(link.startswith("/money/stripe/") for link in links)
    assert Page(nested.get("/host").text).form("/review").action.startswith("/money/stripe/billables")
