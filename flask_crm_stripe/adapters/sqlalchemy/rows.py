"""A host's row made into a value of billing's, by its declaration."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from flask_crm_stripe.adapters.sqlalchemy import values
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps
from flask_crm_stripe.errors import InvalidInput, quoted
from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef

logger = logging.getLogger("flask_crm_stripe")

Value = TypeVar("Value")
NOWHERE = SourceRef("", "")
NAMES = {
    "vat_rate": "VAT rate",
    "vat_number": "VAT number",
    "vat_kind": "kind of VAT",
    "unit_price": "unit price",
    "discount_percent": "discount",
    "url": "web address",
}


class RowReader:
    """Reads the fields of one row. What cannot be used is kept in ``problems``, as (field, sentence)."""

    def __init__(self, maps: Maps, row: Any) -> None:
        self.maps = maps
        self.row = row
        self.ref = values.text(getattr(row, maps.ref))
        self.problems: list[tuple[str, str]] = []

    def take(self, field: str, convert: Callable[[object], Value], otherwise: Value) -> Value:
        """A field's value; ``otherwise`` where it is not mapped or cannot be used."""
        if field not in self.maps.fields:
            return otherwise
        return self._guarded(field, lambda: convert(self.maps.read(self.row, field)), otherwise)

    def point(self, field: str) -> tuple[str, str] | None:
        """The kind and ref that a reference points to."""
        if field not in self.maps.fields:
            return None
        found = self._guarded(field, lambda: self.maps.reference(self.row, field), None)
        return None if found is None else (values.text(found[0]), values.text(found[1]))

    def words(self) -> str:
        """All problems, for people."""
        return " ".join(sentence for _, sentence in self.problems)

    def refuse_problems(self, what: str, name: str) -> None:
        """Raise ``InvalidInput`` for the first problem, naming the row and the field."""
        for field, sentence in self.problems:
            which = f"{what} {quoted(name or self.ref)}"
            raise InvalidInput(field, f"{which} cannot be used: {sentence} Correct it in the CRM.")

    def _guarded(self, field: str, read: Callable[[], Value], otherwise: Value) -> Value:
        try:
            return read()
        except values.UnusableError as error:
            self._note(field, str(error))
        except SQLAlchemyError:
            raise  # the database, not the row
        except Exception:  # a function of the host's that stumbles over one row must not hide the others
            logger.exception("%r: the function for %s failed on row %s", self.maps, field, self.ref)
            self._note(field, "cannot be read")
        return otherwise

    def _note(self, field: str, reason: str) -> None:
        self.problems.append((field, f"The {NAMES.get(field, field.replace('_', ' '))} {reason}."))


def service(maps: Maps, row: Any) -> Service:
    """A service; one with a bad field carries the reason in ``problem``."""
    reader = RowReader(maps, row)
    found = Service(
        ref=reader.ref,
        code=reader.take("code", values.text, reader.ref),
        name=reader.take("name", values.text, reader.ref).strip(),
        description=reader.take("description", values.text, ""),
        prices=reader.take("prices", values.prices, ()),
        vat_rate=reader.take("vat_rate", values.percent, None),
        unit=reader.take("unit", values.text, ""),
        active=reader.take("active", values.flag, True),
        vat_kind=reader.take("vat_kind", values.vat_kind, None),
    )
    return replace(found, problem=reader.words()) if reader.problems else found


def contact(maps: Maps, row: Any) -> Contact:
    """A contact. Raises ``InvalidInput`` naming it and the field that cannot be used."""
    reader = RowReader(maps, row)
    found = Contact(
        ref=ContactRef(maps.kind, reader.ref),
        name=reader.take("name", values.text, "").strip(),
        email=reader.take("email", values.optional_text, None),
        phone=reader.take("phone", values.optional_text, None),
        address=reader.take("address", values.address, None),
        language=reader.take("language", values.optional_text, None),
        currency=reader.take("currency", values.optional_currency, None),
        vat_number=reader.take("vat_number", values.optional_text, None),
        url=reader.take("url", values.optional_text, None),
        vat_kind=reader.take("vat_kind", values.vat_kind, None),
    )
    reader.refuse_problems("Contact", found.name)
    return found


def source(maps: Maps, row: Any) -> Source:
    """An opportunity, ticket or order. Raises ``InvalidInput`` naming it and the field that cannot be used."""
    reader = RowReader(maps, row)
    payer = reader.point("contact")
    found = Source(
        ref=SourceRef(maps.kind, reader.ref),
        title=reader.take("title", values.text, "").strip(),
        number=reader.take("number", values.text, ""),
        contact=ContactRef(*payer) if payer else None,
        url=reader.take("url", values.optional_text, None),
    )
    reader.refuse_problems(maps.kind.capitalize(), found.title)
    return found


def billable(maps: Maps, row: Any) -> Billable:
    """A billable; one with a bad field is not ready, and says why in ``not_ready``."""
    reader = RowReader(maps, row)
    origin = reader.point("source")
    if origin is None and not reader.problems:
        reader.problems.append(("source", "It belongs to no opportunity, ticket or order."))
    found = Billable(
        ref=reader.ref,
        source=SourceRef(*origin) if origin else NOWHERE,
        description=reader.take("description", values.text, "").strip(),
        quantity=reader.take("quantity", values.signed, Decimal(0)),
        unit_price=reader.take("unit_price", values.signed, Decimal(0)),
        currency=reader.take("currency", values.currency, values.NO_CURRENCY),
        unit=reader.take("unit", values.text, ""),
        service=reader.take("service", values.optional_text, None),
        vat_rate=reader.take("vat_rate", values.percent, None),
        vat_included=reader.take("vat_included", values.flag, False),
        discount_percent=reader.take("discount_percent", values.discount, Decimal(0)),
        ready=reader.take("ready", values.flag, True),
        worked_on=reader.take("worked_on", values.text, ""),
        worked_by=reader.take("worked_by", values.text, ""),
        vat_kind=reader.take("vat_kind", values.vat_kind, None),
        discount_amount=reader.take("discount_amount", values.optional_number, None),
        service_from=reader.take("service_from", values.day, None),
        service_to=reader.take("service_to", values.day, None),
    )
    return replace(found, ready=False, not_ready=reader.words()) if reader.problems else found
