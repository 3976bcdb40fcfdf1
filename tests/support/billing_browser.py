"""Somebody at the pages of a billing host, in a browser of their own; and a FakeStripe that lets tests look inside."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from flask_crm_stripe.testing.fake_stripe import FakeStripe
from tests.web.page_stage import Form, Page

NORTH, SOUTH = "north", "south"
ORDER = {NORTH: "1", SOUTH: "2"}
LINES = {NORTH: ("11", "12", "13"), SOUTH: ("21", "22", "23")}
"""Each business has one order with three lines of work; see billing_host."""


@dataclass
class Browser:
    """Somebody at the pages: opens them, and presses the buttons that they have."""

    client: FlaskClient
    prefix: str

    def log_in(self, who: str) -> None:
        """The host's own login; what this browser had goes on."""
        assert self.client.get(f"/enter/{who}").status_code == 302

    def log_out(self) -> None:
        """The host's own logout."""
        assert self.client.get("/leave").status_code == 302

    def get(self, path: str) -> TestResponse:
        """One of our pages, by its path below the prefix."""
        return self.get_raw(self.prefix + path)

    def get_raw(self, path: str, **more: Any) -> TestResponse:
        """Any address of the app. ``buffered``: the work after the response is done when this returns."""
        return self.client.get(path, buffered=True, **more)

    def page(self, path: str) -> Page:
        """A page that must be there."""
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status, answer.text)
        return Page(answer.text)

    def press(self, page: Page, part: str, **changed: str) -> TestResponse:
        """Send the form whose address ends like this, as it stands on the page or with some fields changed."""
        return self.send(page.form(part), **changed)

    def send(self, form: Form, **changed: str) -> TestResponse:
        """Send a form."""
        return self.client.post(form.action, data=form.data(**changed), buffered=True)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """A form of one's own making, with this session's token."""
        data = {"csrf_token": self.token(), **fields}
        return self.client.post(self.prefix + path, data=data, buffered=True)

    def post_json(self, path: str, body: Any, **headers: str) -> TestResponse:
        """A call of a program's, with this session's token. Headers are named with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(
            f"{self.prefix}/api/v1{path}", json=body, headers={"X-CSRFToken": self.token(), **named}, buffered=True
        )

    def token(self) -> str:
        """A CSRF token of this session."""
        return str(self.client.get(f"{self.prefix}/api/v1/csrf").get_json()["csrf_token"])

    def follow(self, answer: TestResponse) -> Page:
        """The page that an answer leads to, or is."""
        while answer.status_code in (302, 303):
            answer = self.get_raw(answer.headers["Location"])
        return Page(answer.text)

    def review(self, business: str = NORTH, *lines: str) -> Page:
        """The review of an invoice for lines of the order (all unless named)."""
        query = "&".join(f"billable={line}" for line in lines or LINES[business])
        return self.page(f"/billables/order/{ORDER[business]}/review?{query}")

    def bill(self, business: str = NORTH, *lines: str, send: str = "yes", **terms: str) -> str:
        """Make and send an invoice; its id."""
        answer = self.press(self.review(business, *lines), "/invoice", send=send, **terms)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"].rpartition("/")[2])


class WatchedStripe(FakeStripe):
    """FakeStripe that calls ``inside(method, path)`` when a request has come in, before it does anything, and keeps
    what its token endpoint answered."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.inside: Callable[[str, str], object] | None = None
        self.grants: list[dict[str, Any]] = []
        behind = self.wsgi_app

        def watched(environ: Any, start_response: Any) -> Any:
            if self.inside:
                self.inside(environ["REQUEST_METHOD"], environ["PATH_INFO"])
            answer = behind(environ, start_response)
            if environ["PATH_INFO"] != "/oauth/token":
                return answer
            body = b"".join(answer)
            self.grants.append(json.loads(body))
            return [body]

        self.wsgi_app = watched  # type: ignore[assignment]
