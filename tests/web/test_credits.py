"""The pages that credit an invoice, give money back and correct what was sent."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from flask_crm_stripe.core.crediting import Choice
from flask_crm_stripe.errors import Unreachable
from flask_crm_stripe.model.business import ALL_PERMISSIONS, Actor
from flask_crm_stripe.model.invoices import Invoice
from tests.web.page_stage import MARA, SOUTH, VIEWER, Page, Stage
from tests.web.page_worlds import HOSTILE, client, fresh, page_of, provider, stage
from tests.web.test_afterwards import at, links

__all__ = ["client", "stage"]

WHY = "The order was a mistake"
BEN = Actor("8", "Ben Second", ALL_PERMISSIONS, "en_GB")


@pytest.fixture
def paid(stage: Stage) -> Invoice:
    """3,509.00 EUR with 609.00 EUR of VAT, paid by card."""
    made = stage.invoice("b1")
    provider(stage).pay(made.stripe_id or "")
    return stage.billing().invoicing.refresh(made.id)


def plain(text: str) -> str:
    """With blanks that are blanks."""
    return text.replace("\xa0", " ")


def pressed(client: FlaskClient, invoice: Invoice, path: str = "refund", status: int = 303, **given: str) -> Page:
    """The page of a deed, read and sent; what is seen then."""
    form = page_of(client.get(at(invoice, path))).form(f"/{path}")
    answer = client.post(form.action, data=form.data(**({"reason": WHY, "wanted": ""} | given)))
    assert answer.status_code == status, answer.text
    return page_of(client.get(answer.location)) if status == 303 else Page(answer.text)


def test_everything_is_read_done_and_shown(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """From the menu to a page with every figure, and back: sums, credit note, refund, sentence, PDF link."""
    assert at(paid, "refund") in links(page_of(client.get(at(paid))))
    question = plain(page_of(client.get(at(paid, "refund"))).text)
    for words in ("3,509.00 EUR is credited, with 609.00 EUR VAT", "3,509.00 EUR goes back to the card", "stays on it"):
        assert words in question
    done = pressed(client, paid)
    text = plain(done.text)
    assert "Credit note MEM-0001-CN-01 was issued." in text
    assert "Ines Okafor credited 3,509.00 EUR with credit note MEM-0001-CN-01" in text
    assert text.count(WHY) == 2
    [pdf] = [href for href in links(done) if href.endswith("/pdf") and "credits" in href]
    assert client.get(pdf).location == "https://credit.example/MEM-0001-CN-01.pdf"
    assert "All of it is credited already." in page_of(client.get(at(paid, "refund"))).text
    assert fresh(stage, paid).status == "paid"


def test_a_second_press_of_the_same_page_changes_nothing(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """It lands where the first one did."""
    form = page_of(client.get(at(paid, "refund"))).form("/refund")
    answers = [client.post(form.action, data=form.data(reason=WHY, wanted="")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len(provider(stage).credit_notes) == len(provider(stage).made_refunds) == 1


def test_a_part_is_worked_out_before_it_is_done(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """What was typed is kept; figures that nobody has seen are shown first."""
    given = {"amount_0": "100.00"}
    seen = pressed(client, paid, status=200, wanted="look", **given)
    assert "121.00 EUR is credited, with 21.00 EUR VAT" in plain(seen.text)
    unseen = pressed(client, paid, status=409, **given)
    assert "Please check the new total." in unseen.text
    form = unseen.form("/refund")
    assert client.post(form.action, data=form.data(reason=WHY, wanted="")).status_code == 303
    sums = stage.billing().credits.sums(paid.id)
    assert (sums.credited, sums.refunded) == (121_00, 121_00)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount_0": "9999"}, "amount_0"),
        ({"amount_0": "many"}, "amount_0"),
        ({"amount_0": "1.005"}, "amount_0"),
        ({"amount_0": "10", "frees": "yes"}, "frees"),
        ({"reason": " x "}, "reason"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(
    stage: Stage, client: FlaskClient, paid: Invoice, given: dict[str, str], field: str
) -> None:
    """422; nothing is done."""
    page = pressed(client, paid, status=422, **given)
    assert [each["name"] for _, each in page.tags if each.get("aria-invalid") == "true"] == [field]
    assert provider(stage).credit_notes == {}


def test_no_line_at_all_is_nothing(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """No box is ticked."""
    form = page_of(client.get(at(paid, "refund"))).form("/refund")
    data = {name: value for name, value in form.data(reason=WHY, wanted="").items() if name != "line"}
    assert "Choose at least one line." in page_of(client.post(form.action, data=data), 422).text


@pytest.mark.parametrize("words", HOSTILE)
def test_any_words_are_words(client: FlaskClient, paid: Invoice, words: str) -> None:
    """Escaped on every page that shows them."""
    page = pressed(client, paid, reason=words)
    assert "<script>alert" not in client.get(at(paid)).text
    assert not [given for tag, given in page.tags if "onerror" in given]


def test_a_lost_answer_leaves_the_same_button(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """It is uncertain, and going on completes it once, from the deed's page or the invoice's."""
    provider(stage).fail_next("create_credit", Unreachable("Stripe did not answer."), after=True)
    page = pressed(client, paid, status=502)
    assert "It is not certain whether this was done." in page.text
    going_on = page_of(client.get(at(paid))).form("/continue")
    done = page_of(client.get(client.post(going_on.action, data=going_on.data()).location))
    assert "was issued" in done.text
    assert len(provider(stage).credit_notes) == 1


def test_going_on_that_fails_says_so(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """And the button stays."""
    provider(stage).fail_next("create_credit", Unreachable("Stripe did not answer."), times=2)
    going_on = pressed(client, paid, status=502).form("/continue")
    page = page_of(client.get(client.post(going_on.action, data=going_on.data()).location))
    assert "It is not finished." in page.text
    assert page.form("/continue").action.endswith("/continue")


def test_a_difference_is_shown_on_both_sides(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """Nothing moves."""
    provider(stage).credit_skew = 1
    text = plain(pressed(client, paid, status=409).text)
    assert "Stopped at the check." in text
    assert "3,509.00 EUR" in text
    assert "3,509.01 EUR" in text
    assert provider(stage).credit_notes == {}


def test_above_the_limit_a_second_person_agrees(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """They see every figure; it is done in the asker's name."""
    stage.billing().settings.set_limit("refund", "eur", 100_00, "")
    assert "Above 100.00 EUR a second person agrees." in plain(page_of(client.get(at(paid, "refund"))).text)
    pressed(client, paid, status=409)
    asked = pressed(client, paid, wanted="ask")
    assert "Waiting for approval since" in asked.text
    assert "Waiting for approval since" in page_of(client.get(at(paid, "refund"))).text
    [request] = stage.billing().ledger.approvals.waiting()
    stage.actor = BEN
    page = page_of(client.get(f"/stripe/approvals/{request.id}"))
    assert "Credit 3,509.00 EUR of an invoice to" in plain(page.text)
    assert "To the card" in page.text
    agreed = client.post(f"/stripe/approvals/{request.id}/agree", data=page.form("/agree").data())
    done = page_of(client.get(agreed.location))
    assert "Ben Second agreed that it is credited." in done.text
    assert "Ines Okafor credited" in done.text


def test_a_correction_leads_to_the_new_draft(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """Each of the two names the other."""
    assert "new draft" in page_of(client.get(at(paid, "correct"))).text
    draft = pressed(client, paid, "correct")
    assert "this is the new draft" in draft.text
    assert f"It replaces invoice {paid.number}." in draft.text
    old = page_of(client.get(at(paid)))
    [one] = stage.billing().credits.sums(paid.id).credits
    assert f"/stripe/invoices/{one.replacement}" in links(old)
    assert "corrected it: credit note" in old.text


def test_a_refund_that_failed_is_shown_with_what_to_do(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """The credit note stands without its money."""
    pressed(client, paid)
    [refund_id] = provider(stage).made_refunds
    provider(stage).fail_refund(refund_id)
    stage.billing().invoicing.refresh(paid.id)
    text = plain(page_of(client.get(at(paid))).text)
    assert "3,509.00 EUR did not get back to the customer." in text
    assert "give it back in another way" in text
    assert "Did not arrive" in text


def test_what_was_done_in_stripe_is_listed(stage: Stage, client: FlaskClient, paid: Invoice) -> None:
    """A credit note of theirs, and a refund without one."""
    provider(stage).refund_alone(paid.stripe_id or "", 500)
    provider(stage).credit_alone(paid.stripe_id or "", 700)
    stage.billing().invoicing.refresh(paid.id)
    text = page_of(client.get(at(paid))).text
    assert "Refund without a credit note" in text
    assert "MEM-0001-CN-01" in text
    assert "went back already, without a credit note" in page_of(client.get(at(paid, "refund"))).text


def test_an_open_one_is_reduced(stage: Stage, client: FlaskClient) -> None:
    """No money moves; one that the work is freed of says so."""
    made = stage.invoice("b1")
    assert "taken off what is still to pay" in page_of(client.get(at(made, "refund"))).text
    pressed(client, made, frees="yes")
    assert fresh(stage, made).freed


@pytest.mark.parametrize("path", ["refund", "correct"])
def test_who_may_not_is_offered_nothing(stage: Stage, client: FlaskClient, paid: Invoice, path: str) -> None:
    """Neither in the menu nor at the address; another business's invoice is not there; a copy only reads."""
    done = stage.billing().credits.do("refund", paid.id, Choice({"b1": 5}), WHY, form_key="press-1")
    for actor in (VIEWER, MARA):
        stage.actor = actor
        assert at(paid, path) not in links(page_of(client.get(at(paid))))
        assert client.get(at(paid, path)).status_code == 403
        assert client.get(f"/stripe/credits/{done.id}/pdf").status_code == 403
    stage.actor, stage.business = BEN, SOUTH
    assert client.get(at(paid, path)).status_code == 404
    assert client.get(f"/stripe/credits/{done.id}/pdf").status_code == 404
