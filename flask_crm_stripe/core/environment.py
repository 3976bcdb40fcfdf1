"""Is this the real one, or a copy? A copy of the database may be read, and nothing goes out of it.

A fingerprint has three parts: of the host's name, of the database, and of the platform's key; none tells what it was
made from. An installation is at home where it was first used, and wherever somebody said that it is the real one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.errors import Conflict, CopyLocked, InvalidInput
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.log import REFUSED
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

PARTS = ("host", "database", "key")
SHORTEST_REASON, LONGEST_REASON = 3, 500


@dataclass(frozen=True)
class Environment:
    """Where the business is looked at, ``here`` as a fingerprint, and whether that is its home."""

    ledger: Ledger
    rights: Rights
    log: ActionLog
    clock: Clock
    here: str

    @cached_property
    def is_copy(self) -> bool:
        """Whether this environment is none in which the business is known to be the real one. Asked once."""
        return self.here not in self.ledger.homes()

    def require_real(self, deed: str) -> None:
        """Raise ``CopyLocked`` in a copy. ``deed`` completes "you can't ... here"."""
        if self.is_copy:
            self.log.note("copy.locked", deed, REFUSED)
            raise CopyLocked(deed)

    def differences(self) -> tuple[str, ...]:
        """Which parts are others here than at the home that is most like here: of host, database, key."""
        return differing(self.here, self.ledger.homes())

    def confirm(self, reason: str) -> None:
        """An admin says that this is the real one: from now on all works here. Raises ``Conflict`` where it is known
        to be, ``InvalidInput`` without a reason, for safety is given up."""
        self.rights.require(ADMIN, "say that this is the real one")
        if not self.is_copy:
            raise Conflict("This is the real one already: nothing is locked here.")
        self.log.note("copy.confirm", "environment", reason=check_reason(reason))
        self.ledger.make_home(self.here, self.rights.actor.ref, self.clock.now())
        del self.__dict__["is_copy"]


def differing(here: str, homes: Sequence[str]) -> tuple[str, ...]:
    """The parts in which ``here`` is another than the home that is most like it."""
    parts = here.split(".")

    def unlike(home: str) -> tuple[str, ...]:
        return tuple(name for name, a, b in zip(PARTS, parts, home.split("."), strict=False) if a != b)

    return min((unlike(home) for home in homes), key=len, default=PARTS)


def check_reason(reason: str) -> str:
    """Why money or safety is given up. Raises ``InvalidInput``."""
    text = reason.strip()
    if not SHORTEST_REASON <= len(text) <= LONGEST_REASON:
        raise InvalidInput("reason", f"Write a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters.")
    return text
