"""What stands in the cells."""

from __future__ import annotations

YES, NO, LOGIN = "yes", "·", "login"
NONE, OWN = "not there", "own only"
EVERYBODY, NO_BUSINESS = "every business", "no business"
