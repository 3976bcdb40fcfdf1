"""``SQLAlchemyCRM``: the CRM port on the host's own models. Every method is one short session of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Select, literal, select, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, StatementError
from sqlalchemy.orm import Session, class_mapper

from flask_crm_stripe.adapters.sqlalchemy import maps as roles
from flask_crm_stripe.adapters.sqlalchemy import rows
from flask_crm_stripe.adapters.sqlalchemy.keys import equals
from flask_crm_stripe.adapters.sqlalchemy.loading import CHUNK, converted
from flask_crm_stripe.adapters.sqlalchemy.maps import Maps, Role
from flask_crm_stripe.adapters.sqlalchemy.values import text as as_text
from flask_crm_stripe.errors import Busy, ConfigurationError
from flask_crm_stripe.model.business import DEFAULT_BUSINESS
from flask_crm_stripe.model.crm import Billable, Contact, ContactRef, Service, Source, SourceRef

Sessions = Callable[[], Session]
Value = TypeVar("Value")
LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '3s'")


class SQLAlchemyCRM:
    """The host's models, declared. It keeps no app, session or engine: two apps may share one declaration.

    Raises ``ConfigurationError`` with one sentence that names the model and the attribute.
    """

    def __init__(
        self,
        *,
        services: Maps,
        contacts: Maps | Sequence[Maps],
        sources: Maps | Sequence[Maps],
        billables: Maps,
    ) -> None:
        self.services = services
        self.contacts = _by_kind(contacts, roles.CONTACTS)
        self.sources = _by_kind(sources, roles.SOURCES)
        self.billables = billables
        self._checked = False
        for maps, role in self.declared():
            roles.check_declaration(maps, role)

    def declared(self) -> Iterator[tuple[Maps, Role]]:
        """Every mapping, and the part it is declared under."""
        yield self.services, roles.SERVICES
        yield from ((maps, roles.CONTACTS) for maps in self.contacts.values())
        yield from ((maps, roles.SOURCES) for maps in self.sources.values())
        yield self.billables, roles.BILLABLES

    def require_business(self) -> None:
        """Raise ``ConfigurationError`` where a mapping lacks ``business``: with more than one business every row must
        say whose it is."""
        for maps, role in self.declared():
            if maps.business is None:
                raise ConfigurationError(
                    f"Maps({maps.model.__name__}) under {role.name} lacks business, and a business loader is set: "
                    f"add business= with the column that says which business a row belongs to."
                )

    def check_fully(self) -> list[str]:
        """What is wrong with the declaration, one sentence each. Configures the host's mappers: not while it starts."""
        return [problem for maps, role in self.declared() for problem in roles.problems_of(maps, role)]

    def connect(self, sessions: Sessions) -> ConnectedCRM:
        """The CRM that reads through sessions from this factory."""
        return ConnectedCRM(self, sessions)

    def ready(self) -> None:
        """At first use: raise ``ConfigurationError`` with what ``check_fully`` finds."""
        if not self._checked:
            if problems := self.check_fully():
                raise ConfigurationError(" ".join(problems))
            self._checked = True


def _by_kind(given: Maps | Sequence[Maps], role: Role) -> dict[str, Maps]:
    found: dict[str, Maps] = {}
    for maps in [given] if isinstance(given, Maps) else given:
        if maps.kind in found:
            raise ConfigurationError(f"Two Maps under {role.name} have kind=“{maps.kind}”: give each its own kind.")
        found[maps.kind] = maps
    return found


class ConnectedCRM:
    """A declaration with a database: gives the rows of one business."""

    def __init__(self, declaration: SQLAlchemyCRM, sessions: Sessions) -> None:
        self._declaration = declaration
        self._sessions = sessions

    def for_business(self, business: str) -> BusinessRows:
        """The rows of this business, and only those."""
        self._declaration.ready()
        if business != DEFAULT_BUSINESS:
            self._declaration.require_business()
        return BusinessRows(self._declaration, self._sessions, business)


class BusinessRows:
    """The CRM port for one business."""

    def __init__(self, declaration: SQLAlchemyCRM, sessions: Sessions, business: str) -> None:
        self._maps = declaration
        self._sessions = sessions
        self._business = business

    def services(self) -> Iterable[Service]:
        """Every service, inactive ones too."""
        return self._all(self._maps.services, rows.service)

    def service(self, ref: str) -> Service | None:
        """One service."""
        return self._one(self._maps.services, ref, rows.service)

    def contact(self, ref: ContactRef) -> Contact | None:
        """One contact. Raises ``InvalidInput`` where its row holds what cannot be used, such as a country's name."""
        maps = self._maps.contacts.get(ref.kind)
        return self._one(maps, ref.ref, rows.contact) if maps else None

    def source(self, ref: SourceRef) -> Source | None:
        """One opportunity, ticket or order. Raises ``InvalidInput`` where its row holds what cannot be used."""
        maps = self._maps.sources.get(ref.kind)
        return self._one(maps, ref.ref, rows.source) if maps else None

    def billables(self, source: SourceRef) -> Sequence[Billable]:
        """All billables of a source; a row with a bad value is among them, not ready."""
        maps = self._maps.billables
        found = self._all(maps, rows.billable, *_points_to(maps, "source", source))
        return [billable for billable in found if billable.source == source]

    def sources_of(self, contact: ContactRef) -> Iterable[Source]:
        """Sources that point to the contact, the newest keys first; none of a kind where only the host's function knows
        whose they are."""
        for maps in self._maps.sources.values():
            if not callable(maps.fields["contact"]):
                found = self._all(maps, rows.source, *_points_to(maps, "contact", contact))
                yield from (source for source in reversed(found) if source.contact == contact)

    def sources_to_bill(self) -> Sequence[SourceRef]:
        """Sources of billables without a status, by kind and key; where only the host's function knows what a billable
        belongs to, every billable is read."""
        maps = self._maps.billables
        status, spec = maps.fields.get("status"), maps.fields["source"]
        open_ones = []
        if isinstance(status, str):
            column = _column(maps, status)
            open_ones.append(column.is_(None) | (column == ""))
        if isinstance(spec, tuple):
            found = self._pairs(maps, [_column(maps, name) for name in spec], open_ones)
        elif isinstance(spec, Mapping):
            found = [
                (kind, ref)
                for kind, name in spec.items()
                for _, ref in self._pairs(maps, [literal(kind), _column(maps, name)], open_ones)
            ]
        else:
            every = self._all(maps, rows.billable, *open_ones)
            found = [(each.source.kind, each.source.ref) for each in every if each.source != rows.NOWHERE]
        return [SourceRef(kind, ref) for kind, ref in dict.fromkeys(found) if kind in self._maps.sources]

    def _pairs(self, maps: Maps, columns: Sequence[Any], conditions: Sequence[Any]) -> list[tuple[str, str]]:
        query = select(*columns).where(*conditions, columns[1].is_not(None)).distinct().order_by(*columns)
        if maps.business is not None:
            query = query.where(equals(_column(maps, maps.business), [self._business]))
        with self._sessions() as session:
            session.connection(bind_arguments={"mapper": class_mapper(maps.model)})
            return [(as_text(kind) or "", as_text(ref) or "") for kind, ref in session.execute(query)]

    def billables_by_ref(self, refs: Sequence[str]) -> Sequence[Billable]:
        """The billables with these refs, in that order, each once."""
        maps, wanted = self._maps.billables, list(dict.fromkeys(refs))
        found: dict[str, Billable] = {}
        for start in range(0, len(wanted), CHUNK):
            chosen = equals(_column(maps, maps.ref), wanted[start : start + CHUNK])
            found |= {billable.ref: billable for billable in self._all(maps, rows.billable, chosen)}
        return [found[ref] for ref in wanted if ref in found]

    def set_billing_status(self, refs: Sequence[str], status: str) -> None:
        """Set the mapped status attribute where it differs, in a transaction of its own.

        Raises ``Busy`` where the host holds a row for longer than a few seconds.
        """
        maps = self._maps.billables
        attribute = maps.fields.get("status")
        if not isinstance(attribute, str) or not refs:
            return
        try:
            with self._sessions() as session:
                self._limit_waiting(session, maps)
                self._write_status(session, maps, attribute, sorted(set(refs)), status)
                session.commit()
        except OperationalError as error:
            if _is_lock(error):
                raise Busy("billable") from error
            raise

    def _write_status(self, session: Session, maps: Maps, attribute: str, refs: list[str], status: str) -> None:
        for start in range(0, len(refs), CHUNK):
            chosen = set(refs[start : start + CHUNK])
            query = self._query(maps, equals(_column(maps, maps.ref), chosen))
            for row in session.scalars(query).unique():
                if as_text(getattr(row, maps.ref)) in chosen and as_text(getattr(row, attribute)) != status:
                    setattr(row, attribute, status)

    def _limit_waiting(self, session: Session, maps: Maps) -> None:
        """A row that the host's session of this very thread holds would be waited for without end on PostgreSQL."""
        connection = session.connection(bind_arguments={"mapper": class_mapper(maps.model)})
        if connection.dialect.name == "postgresql":
            connection.execute(LOCK_TIMEOUT)

    def _one(self, maps: Maps, ref: str, convert: Callable[[Maps, Any], Value]) -> Value | None:
        def exactly(mapped: Maps, row: Any) -> Value | None:
            # A case-insensitive collation finds rows under refs that are not theirs.
            return convert(mapped, row) if as_text(getattr(row, mapped.ref)) == ref else None

        found = self._all(maps, exactly, equals(_column(maps, maps.ref), [ref]))
        return found[0] if found else None

    def _all(self, maps: Maps, convert: Callable[[Maps, Any], Value], *conditions: Any) -> list[Value]:
        with self._sessions() as session:
            try:
                found = session.scalars(self._query(maps, *conditions)).unique().all()
            except StatementError as error:
                if isinstance(error, DBAPIError) and not isinstance(error, DataError):
                    raise
                return []  # a ref that is no value of the column's type
            return list(converted(session, found, lambda row: convert(maps, row)))

    def _query(self, maps: Maps, *conditions: Any) -> Select[Any]:
        query = select(maps.model).where(*conditions)
        if maps.business is not None:
            query = query.where(equals(_column(maps, maps.business), [self._business]))
        order = [maps.ref] if maps.order_by is None else [maps.order_by, maps.ref]
        return query.order_by(*(_column(maps, name) for name in order))


def _column(maps: Maps, name: str) -> Any:
    return getattr(maps.model, name)


def _points_to(maps: Maps, field: str, target: SourceRef | ContactRef) -> list[Any]:
    """The conditions that a reference points to the target; none where only the host's function knows."""
    spec = maps.fields[field]
    if isinstance(spec, tuple):
        kind, ref = spec
        return [equals(_column(maps, kind), [target.kind]), equals(_column(maps, ref), [target.ref])]
    if isinstance(spec, Mapping):
        name = spec.get(target.kind)
        return [equals(_column(maps, name), [target.ref])] if name else [equals(None, [])]
    return []


def _is_lock(error: OperationalError) -> bool:
    """Whether the database says that somebody else holds the row: PostgreSQL's 55P03 and 40P01, SQLite's words."""
    state = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "pgcode", None)
    return state in ("55P03", "40P01") or "is locked" in str(error.orig)
