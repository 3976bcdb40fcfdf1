"""Names are data everywhere, and nothing on a page is inline."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe import web
from flask_crm_stripe.model.business import Business
from flask_crm_stripe.web.page import safe_url
from tests.web.page_stage import INES, Page, Stage
from tests.web.page_worlds import HOSTILE, client, hostile, page_of, stage

__all__ = ["client", "stage"]

TEMPLATES = Path(web.__file__).parent / "templates"
STATIC = Path(web.__file__).parent / "static"
ADDRESSES = ("href", "src", "action", "formaction")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_shown_as_it_is_and_does_nothing(stage: Stage, client: FlaskClient, name: str) -> None:
    """As customer, source, service, line, unit and person, on every page: the words are there, no tag, no handler, no
    address that runs."""
    invoice = hostile(stage, name)
    stage.business = Business("north", name, "Europe/Amsterdam", "en_GB")
    review = "/stripe/billables/opportunity/666/review?billable=h3&note=" + name.replace("%", "%25").replace("&", "%26")
    paths = ["/stripe/", "/stripe/invoices", "/stripe/services", "/stripe/billables/opportunity/666", review,
             f"/stripe/invoices/{invoice.id}", "/stripe/log", "/stripe/settings"]  # fmt: skip
    for path in paths:
        page = page_of(client.get(path))
        assert_nothing_inline(page, path)
        assert " ".join(name.split()) in page.text, path


def assert_nothing_inline(page: Page, where: str) -> None:
    """No inline script, style or handler; every address is a path of ours or a safe one."""
    for tag, given in page.tags:
        assert tag != "style", where
        assert tag != "script" or given.get("src", "").startswith("/stripe/"), where
        assert not [name for name in given if name.startswith("on") or name == "style"], (where, tag, given)
        for name in ADDRESSES:
            assert name not in given or re.match(r"^(/|#|data:,$|$)", given[name]), (where, given)
        assert tag not in ("img", "iframe", "object", "embed", "base"), where
        if given.get("target") == "_blank":
            assert given["rel"] == "noopener noreferrer"


def test_templates_hold_nothing_inline_and_trust_nothing() -> None:
    """No style or script in any template, no handler, and no |safe anywhere."""
    for template in TEMPLATES.rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son(?!ly)[a-z]+=|<script(?![^>]*\bsrc=)", text), template
        assert not re.search(r"\|\s*safe|autoescape|Markup", text), template


def test_scripts_put_no_text_into_the_page_as_markup() -> None:
    """Words come in by textContent; a region comes from our own page, parsed by the browser."""
    for script in STATIC.glob("*.js"):
        text = script.read_text()
        assert not re.search(
            r"innerHTML\s*=[^=]|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text
        )


def test_styles_reach_nothing_of_the_host_s() -> None:
    """Every rule stands under .crm-stripe or a name of ours; none needs another host."""
    text = re.sub(r"/\*.*?\*/", "", (STATIC / "crm-stripe.css").read_text(), flags=re.S)
    assert "url(" not in text
    assert "@import" not in text
    for selectors in re.findall(r"([^{}]+)\{", text):
        if selectors.strip().startswith("@"):
            continue
        for selector in re.split(r",(?![^(]*\))", selectors):
            assert ".crm-stripe" in selector or ".cs-" in selector, selector
    assert len(text) < 26_000


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("/opportunities/7", True),
        ("https://crm.example/7", True),
        ("javascript:alert(1)", False),
        (" javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("//evil.example/", False),
        ("/\\evil.example", False),
        ("data:text/html,x", False),
        ("https://[broken", False),
        ("relative", False),
        (None, False),
        ("", False),
    ],
)
def test_addresses_of_the_crm_become_links_only_where_they_are_safe(url: str | None, fine: bool) -> None:
    """A path here or http(s); nothing that runs, and nothing that looks like a path and leads away."""
    assert safe_url(url) is fine


def test_notes_after_a_post_are_words(stage: Stage, client: FlaskClient) -> None:
    """A note that names a customer shows the name, once, escaped."""
    invoice = hostile(stage, HOSTILE[0])
    draft = stage.invoice("h3", source=invoice.plan.sources[0], send=False)
    form = page_of(client.get(f"/stripe/invoices/{draft.id}/delete")).form("/delete")
    answer = client.post(form.action, data=form.data())
    page = page_of(client.get(answer.location))
    assert "was deleted" in page.text
    assert_nothing_inline(page, "note")
    assert "was deleted" not in page_of(client.get(answer.location)).text


def test_pages_carry_the_headers_that_forbid_the_rest(stage: Stage, client: FlaskClient) -> None:
    """Scripts, styles and connections from ourselves only; not framed, not stored."""
    stage.actor = INES
    headers = client.get("/stripe/").headers
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_a_page_asks_the_network_for_our_own_files_only(client: FlaskClient) -> None:
    """Style sheets and scripts exist, under our own prefix."""
    page = page_of(client.get("/stripe/"))
    files = [
        given[name]
        for tag, given in page.tags
        for name in ("src", "href")
        if tag in ("script", "link") and name in given
    ]
    for file in files:
        if file != "data:,":
            with client.get(file) as answer:
                assert answer.status_code == 200, file
