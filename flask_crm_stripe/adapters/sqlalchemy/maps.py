"""``Maps``: how one model of the host tells billing what it knows."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import inspect as sa_inspect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import class_mapper

from flask_crm_stripe.errors import ConfigurationError

Field = str | Callable[[Any], object] | tuple[str, str] | Mapping[str, str] | object


@dataclass(frozen=True)
class Role:
    """What models in one part of the declaration may and must say.

    ``references`` are fields that point to another row; ``written`` fields are set by billing.
    """

    name: str
    required: frozenset[str]
    optional: frozenset[str]
    references: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    needs_kind: bool = False


def _words(line: str) -> frozenset[str]:
    return frozenset(line.split())


SERVICES = Role("services", _words("name"), _words("code description unit prices vat_rate vat_kind active"))
CONTACTS = Role(
    "contacts",
    _words("name"),
    _words("email phone address language currency vat_number vat_kind url"),
    needs_kind=True,
)
SOURCES = Role("sources", _words("title"), _words("number contact url"), references=_words("contact"), needs_kind=True)
BILLABLES = Role(
    "billables",
    _words("source description quantity unit_price currency"),
    _words(
        "unit service vat_rate vat_kind vat_included discount_percent discount_amount service_from service_to "
        "ready worked_on worked_by status"
    ),
    references=_words("source"),
    written=_words("status"),
)


class Maps:
    """One model of the host, in the words of billing.

    ``ref`` names the attribute that is the row's key, ``business`` the one that says whose row it is; both are
    columns. ``watch`` names models whose changes change these rows too, such as the prices of a service.
    ``order_by`` names the column by which people see the rows; without it they come by ``ref``.

    A field is the name of an attribute, a function of a row, or a constant that is neither (``Decimal(21)``, True).
    A reference (a billable's ``source``, a source's ``contact``) is a pair of attribute names,
    ``("source_kind", "source_id")``; one attribute per kind, ``{"order": "order_id", "ticket": "ticket_id"}``; or a
    function that gives ``(kind, ref)``. The database finds the billables of a source by the first two; with a function
    every billable of the business is read.
    """

    def __init__(
        self,
        model: type[Any],
        *,
        ref: str,
        business: str | None = None,
        kind: str | None = None,
        watch: Iterable[type[Any]] = (),
        order_by: str | None = None,
        **fields: Field,
    ) -> None:
        self.model = model
        self.ref = ref
        self.business = business
        self.kind = kind or ""
        self.watch = tuple(watch)
        self.order_by = order_by
        self.fields: Mapping[str, Field] = dict(fields)

    def __repr__(self) -> str:
        return f"Maps({self.model.__name__})"

    @property
    def watched(self) -> tuple[type[Any], ...]:
        """The model and those whose changes change its rows too."""
        return (self.model, *self.watch)

    def read(self, row: Any, field: str) -> object:
        """What the row says for a field, as it stands."""
        spec = self.fields[field]
        if isinstance(spec, str):
            return getattr(row, spec)
        return spec(row) if callable(spec) else spec

    def reference(self, row: Any, field: str) -> tuple[object, object] | None:
        """Which row another field points to, as kind and ref; None where it points to none."""
        spec = self.fields[field]
        if isinstance(spec, Mapping):
            pairs = ((kind, getattr(row, name)) for kind, name in spec.items())
            return next((pair for pair in pairs if pair[1] is not None), None)
        if isinstance(spec, tuple):
            return _pair(tuple(getattr(row, name) for name in spec))
        return _pair(self.read(row, field))

    def attributes(self, role: Role) -> Iterator[tuple[str, str]]:
        """Every attribute that the declaration names, as (what it is for, its name)."""
        yield "ref", self.ref
        for use, name in (("business", self.business), ("order_by", self.order_by)):
            if name is not None:
                yield use, name
        for field, spec in self.fields.items():
            if isinstance(spec, str):
                yield field, spec
            elif field in role.references and isinstance(spec, Mapping | tuple):
                names = spec.values() if isinstance(spec, Mapping) else spec
                yield from ((field, name) for name in names)


def _pair(value: object) -> tuple[object, object] | None:
    if value is None:
        return None
    if hasattr(value, "kind") and hasattr(value, "ref"):
        value = (value.kind, value.ref)
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"{value!r} is not a pair of kind and ref")
    return None if value[1] is None else value


def check_declaration(maps: Maps, role: Role) -> None:
    """Raise ``ConfigurationError`` for a mapping that cannot be meant. Configures no mapper: other models of the host
    may not be imported yet, and configuring without them would break theirs for good."""
    where = f"Maps({maps.model.__name__}) under {role.name}"
    known = role.required | role.optional
    if unknown := next((name for name in maps.fields if name not in known), None):
        raise ConfigurationError(f"{where} has the unknown field “{unknown}”. {_suggest(unknown, known)}")
    if missing := sorted(role.required - set(maps.fields)):
        raise ConfigurationError(f"{where} lacks {', '.join(missing)}: add {missing[0]}= with an attribute's name.")
    if role.needs_kind and not maps.kind:
        raise ConfigurationError(f"{where} lacks its kind: add kind= with a word of your own, such as “order”.")
    _check_forms(maps, role, where)
    if hasattr(maps.model, "__mapper__"):
        for use, name in maps.attributes(role):
            if not hasattr(maps.model, name):
                raise ConfigurationError(no_attribute(maps, use, name))


def _check_forms(maps: Maps, role: Role, where: str) -> None:
    for field in role.written & set(maps.fields):
        if not isinstance(maps.fields[field], str):
            raise ConfigurationError(f"{where} sets {field}= by a function: name an attribute, for billing writes it.")
    for field in role.references & set(maps.fields):
        spec = maps.fields[field]
        pair = isinstance(spec, tuple) and len(spec) == 2 and all(isinstance(name, str) for name in spec)
        if not (pair or isinstance(spec, str | Mapping) or callable(spec)):
            raise ConfigurationError(
                f"{where} sets {field}= to {spec!r}: write two attribute names, (“kind”, “id”), "
                f"one attribute per kind, or a function that gives (kind, ref)."
            )


def no_attribute(maps: Maps, use: str, name: str) -> str:
    """The sentence about an attribute that the model does not have."""
    names = [known for known in dir(maps.model) if not known.startswith("_")]
    model = maps.model.__name__
    advice = _suggest(name, names, "or write a function of the row")
    return f"{model} has no attribute “{name}” (mapped as {use}). {advice}"


def _suggest(name: str, known: Iterable[str], otherwise: str = "") -> str:
    close = difflib.get_close_matches(name, known, n=1)
    rest = f", {otherwise}" if otherwise else ""
    if close:
        return f"Did you mean “{close[0]}”? Write that{rest}."
    return f"Write the name of one of its attributes{rest}." if otherwise else f"Known are {', '.join(sorted(known))}."


def problems_of(maps: Maps, role: Role) -> list[str]:
    """What is wrong with a mapping, now that every model of the host is there; one sentence each."""
    model = maps.model.__name__
    try:
        class_mapper(maps.model)
    except SQLAlchemyError as error:
        return [f"{model} is not a model that SQLAlchemy can use ({error}): map one of your models."]
    missing = [no_attribute(maps, use, name) for use, name in maps.attributes(role) if not hasattr(maps.model, name)]
    return missing or [*_unaskable(maps, role), *_unwritable(maps, role), *_unmapped(maps)]


def _unaskable(maps: Maps, role: Role) -> Iterator[str]:
    """The database filters by these, so a Python property will not do."""
    for use, name in maps.attributes(role):
        column = use in ("ref", "business", "order_by") or (use in role.references and maps.fields[use] != name)
        if column and not hasattr(getattr(maps.model, name), "__clause_element__"):
            attribute = f"{maps.model.__name__}.{name}"
            yield f"{attribute} (mapped as {use}) is no column: name a column, for billing filters by it."


def _unwritable(maps: Maps, role: Role) -> Iterator[str]:
    for field in role.written & set(maps.fields):
        found = getattr(maps.model, str(maps.fields[field]))
        if isinstance(found, property) and found.fset is None:
            yield (
                f"{maps.model.__name__}.{maps.fields[field]} (mapped as {field}) cannot be set: "
                f"name a column, or give the property a setter."
            )


def _unmapped(maps: Maps) -> Iterator[str]:
    for watched in maps.watch:
        if sa_inspect(watched, raiseerr=False) is None:
            yield f"{watched!r} (watched for {maps.model.__name__}) is no model: name a model class in watch=."
