"""Mails go out the way the host sends its own."""

from __future__ import annotations

from collections.abc import Callable

from flask_crm_stripe.model.notices import Mail

SendMail = Callable[[Mail], object]


class HostMailer:
    """Hands mails to the host's function. ``find`` gives it, None while the host has not registered one."""

    def __init__(self, find: Callable[[], SendMail | None]) -> None:
        self._find = find

    def send(self, mail: Mail) -> bool:
        """False where the host has not said how it sends mails. Raises what its function raises."""
        send = self._find()
        if send is None:
            return False
        send(mail)
        return True
