"""Opaque cursors of keyset pages: which way, from which row."""

from __future__ import annotations

import base64
import binascii
import re

from flask_crm_stripe.errors import InvalidInput

OLDER, NEWER = "o", "n"


def write_cursor(way: str, edge: int) -> str:
    """A cursor for the rows beyond ``edge``. Its form may change: nobody else reads it."""
    return base64.urlsafe_b64encode(f"{way}{edge}".encode()).decode().rstrip("=")


def read_cursor(cursor: str | None) -> tuple[str, int | None]:
    """The way and the row to start from; the newest page without a cursor. Raises ``InvalidInput``."""
    if not cursor:
        return OLDER, None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    found = re.fullmatch(r"([on])([0-9]{1,18})", text, re.ASCII)
    if found is None:
        raise InvalidInput("cursor", "This link to a page of the list is damaged. Start from the first page.")
    return found[1], int(found[2])
