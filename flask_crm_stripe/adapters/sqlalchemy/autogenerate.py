"""Keeps our tables out of the migrations that the host's own Alembic writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import wraps
from typing import Any

from flask_crm_stripe.adapters.sqlalchemy.tables import PREFIX

Parents = Mapping[Any, str | None]
IncludeName = Callable[[str | None, str, Parents], bool]


def include_name(name: str | None, type_: str, parent_names: Parents) -> bool:
    """Alembic's ``include_name``: False for what is ours, so that autogenerate never proposes to drop it.

    Only for a host with plain Alembic: ``context.configure(..., include_name=include_name)`` in its ``env.py``. With
    Flask-Migrate the extension sees to it.
    """
    table = name if type_ == "table" else parent_names.get("table_name")
    return table is None or not table.startswith(PREFIX)


def only_ours(name: str | None, type_: str, parent_names: Parents) -> bool:
    """The other way round, for our own migrations."""
    return type_ == "schema" or not include_name(name, type_, parent_names)


def chained(previous: IncludeName | None) -> IncludeName:
    """``include_name`` together with one that the host has already: both must agree. Chaining twice changes nothing."""
    if previous is None:
        return include_name
    if previous is include_name or getattr(previous, "hides_crm_stripe", False):
        return previous

    @wraps(previous)
    def both(name: str | None, type_: str, parent_names: Parents) -> bool:
        return include_name(name, type_, parent_names) and previous(name, type_, parent_names)

    both.hides_crm_stripe = True  # type: ignore[attr-defined]
    return both


def hide_from_migrate(configure_args: MutableMapping[str, Any]) -> None:
    """Chain ``include_name`` into Flask-Migrate's ``app.extensions["migrate"].configure_args``."""
    configure_args["include_name"] = chained(configure_args.get("include_name"))
