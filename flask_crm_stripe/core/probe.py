"""Test the connection: one service is sent to Stripe, and taken back.

What is made is a product beside the service's own, under an id of ours; it has no price, because Stripe deletes only
products that never had one. So nothing is left of a test, and a leftover of one that was interrupted is found again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from flask_crm_stripe.core.connection import Connections
from flask_crm_stripe.core.journal import Journal
from flask_crm_stripe.core.products import Wanted, wanted
from flask_crm_stripe.errors import InvalidInput
from flask_crm_stripe.model.business import SYNC
from flask_crm_stripe.model.catalogue import ProductDraft
from flask_crm_stripe.model.connection import Connection
from flask_crm_stripe.model.journal import Outcome
from flask_crm_stripe.ports.crm import CRM
from flask_crm_stripe.ports.ledger import Ledger
from flask_crm_stripe.ports.runtime import Clock

CREATE, DELETE = "create", "delete"


@dataclass(frozen=True, slots=True)
class Deleted:
    """What deleting gives back: nothing but the id."""

    id: str
    request_id: str | None = None


@dataclass(frozen=True)
class Probe:
    """Trying out whether services reach Stripe."""

    connections: Connections
    ledger: Ledger
    crm: CRM
    clock: Clock

    def run(self) -> str:
        """Send the first service that Stripe would take, and take it back. Its name.

        Raises ``InvalidInput`` where there is none, and what Stripe refuses; then nothing is left at Stripe either.
        """
        self.connections.rights.require(SYNC, "test the connection")
        self.connections.environment.require_real("test the connection")
        connection = self.connections.require_live()
        self.clean()
        product = self._product(connection)
        with self.connections.log.deed("connection.test", connection.account_id):
            provider, journal = self.connections.provider(), self._journal(connection)
            journal.call(_subject(connection), CREATE, product, lambda key: provider.create_product(product, key))
            self._delete(connection, product.id)
        return product.name

    def clean(self) -> bool:
        """Take back what an interrupted test may have left. Says whether there was something to do."""
        connection = self.connections.live()
        if connection is None:
            return False
        made, deleted = (self.ledger.journal.last(_subject(connection), name) for name in (CREATE, DELETE))
        if made is None or made.outcome in (Outcome.REFUSED, Outcome.NOT_DONE):
            return False
        if deleted is not None and deleted.outcome is Outcome.DONE and deleted.id > made.id:
            return False
        self._delete(connection, _product_id(connection))
        return True

    def _product(self, connection: Connection) -> ProductDraft:
        for service in self.crm.services():
            if not service.active:
                continue
            try:
                found: Wanted = wanted(service, self.connections.installation.id, self.ledger.business)
            except InvalidInput:
                continue
            metadata = {**found.product.metadata, "crm_test": "yes"}
            return replace(found.product, id=_product_id(connection), active=False, metadata=metadata)
        raise InvalidInput("services", "There is no service to try it with. Add one to the catalogue of the CRM first.")

    def _delete(self, connection: Connection, product_id: str) -> None:
        provider = self.connections.provider()

        def delete(_: str) -> Deleted:
            provider.delete_product(product_id)
            return Deleted(product_id)

        self._journal(connection).call(_subject(connection), DELETE, product_id, delete)

    def _journal(self, connection: Connection) -> Journal:
        return Journal(self.ledger.journal, self.clock, *connection.books)


def _subject(connection: Connection) -> str:
    return f"probe:{connection.id}"


def _product_id(connection: Connection) -> str:
    return f"crm_test_{hashlib.sha256(connection.id.encode()).hexdigest()[:24]}"
