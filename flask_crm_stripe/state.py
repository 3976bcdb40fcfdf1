"""What one app has: the typed object in ``app.extensions["crm_stripe"]``, read in ``web/context.py`` and ``cli.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask_crm_stripe.config import Config
from flask_crm_stripe.core.billing import Platform
from flask_crm_stripe.core.upkeep import Upkeep
from flask_crm_stripe.core.webhooks import Inbox
from flask_crm_stripe.errors import SetupMissing, TablesMissing
from flask_crm_stripe.model.business import Actor, Business
from flask_crm_stripe.model.events import IncomingEvent

EXTENSION = "crm_stripe"


@dataclass(frozen=True)
class State:
    """Frozen; what needs keys is None while they are missing.

    ``tables_ready`` says whether our migrations have run. ``release_host_session``
    raises ``HostTransactionOpen``. ``read_event`` verifies a delivery and raises ``InvalidInput``. ``send_http``
    prepares a requests session that reaches Stripe's Connect. ``housekeep`` lets work that was left behind be taken up
    now and then. ``upgrade`` runs our migrations; ``check_mapping`` says what is wrong with the host's declaration;
    ``database_name`` is what whoever means this very database has to type.
    """

    config: Config
    platform: Platform | None
    inbox: Inbox | None
    upkeep: Upkeep | None
    tables_ready: Callable[[], bool]
    load_business: Callable[[], Business | None]
    load_actor: Callable[[], Actor | None]
    finance_enabled: Callable[[str], bool]
    release_host_session: Callable[[], None]
    read_event: Callable[[bytes, str | None], IncomingEvent]
    send_http: Callable[[Any], None]
    housekeep: Callable[[], None]
    upgrade: Callable[[], None]
    check_mapping: Callable[[], list[str]]
    database_name: Callable[[], str]

    def ready(self) -> Platform:
        """The platform. Raises ``SetupMissing`` naming what is not set, ``TablesMissing`` before our migrations ran."""
        if self.config.missing:
            raise SetupMissing(self.config.missing)
        if not self.tables_ready():
            raise TablesMissing
        return cast(Platform, self.platform)
