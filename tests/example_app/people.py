"""Somebody who uses the CRM through a test client, with the CSRF tokens that its pages give."""

from __future__ import annotations

import html
import re
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

INES = "ines@harbourpine.example"
MARA = "mara@harbourpine.example"
PIETER = "pieter@harbourpine.example"
JUN = "jun@kestrel.example"


class Person:
    """One browser. Logged in if an address is given."""

    def __init__(self, app: Flask, email: str | None = None, password: str = "demo") -> None:
        self.client = app.test_client()
        if email:
            assert self.log_in(email, password).status_code == 302

    def log_in(self, email: str, password: str = "demo", target: str = "/login") -> TestResponse:
        """Post the login form."""
        return self.post(target, email=email, password=password)

    def get(self, path: str) -> TestResponse:
        """Open a page."""
        return self.client.get(path)

    def read(self, path: str) -> str:
        """The text of a page that has to be there, with entities read."""
        answer = self.get(path)
        assert answer.status_code == 200, f"{path}: {answer.status}"
        return html.unescape(answer.text)

    def post(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with a token of this session."""
        return self.client.post(path, data={"csrf_token": self.token(), **fields})

    def token(self) -> str:
        """A CSRF token: from the login page for strangers, from any page for others."""
        answer = self.client.get("/login", follow_redirects=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
        assert found, "the page has no form with a token"
        return found[1]
