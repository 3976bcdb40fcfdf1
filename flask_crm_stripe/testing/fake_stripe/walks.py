"""What a person does in a browser, in one call each, for tests: allow a connection, pay an invoice."""

from __future__ import annotations

from urllib.parse import urlsplit
from wsgiref.types import WSGIApplication

from werkzeug.test import Client, TestResponse


def authorize(app: WSGIApplication, url: str, account_id: str, allow: bool = True) -> str:
    """Open the Connect page at `url`, choose the account, allow or deny; returns where it sends the person back to.

    Raises ValueError with what the page said where it does not offer that.
    """
    browser, path = Client(app), _path(url)
    page = browser.get(path)
    if page.status_code != 200 or (allow and f'value="{account_id}"' not in page.text):
        raise ValueError(f"The Connect page does not offer {account_id}: {page.text.strip()}")
    answer = browser.post(path, data={"account": account_id, "decision": "allow" if allow else "deny"})
    if answer.status_code != 302:
        raise ValueError(f"The Connect page answered {answer.status}.")
    return answer.headers["Location"]


def submit_card(app: WSGIApplication, hosted_invoice_url: str, number: str) -> TestResponse:
    """Open the hosted invoice page and post a card number to it; returns what it answers."""
    browser, path = Client(app), _path(hosted_invoice_url)
    page = browser.get(path)
    if page.status_code != 200:
        raise ValueError(f"The hosted page answered {page.status}.")
    return browser.post(path, data={"card": number})


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
