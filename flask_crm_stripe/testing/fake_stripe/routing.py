"""The table of what is built: method, address, the SDK's parameter type, the function that does the work."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .errors import missing
from .records import Platform
from .state import Obj, Store, World


@dataclass
class Call:
    """One checked request on its way to its handler. ``params`` have Python's types; ``ids`` come from the address."""

    world: World
    platform: Platform
    account_id: str
    params: dict[str, Any]
    ids: dict[str, str]
    path: str

    @property
    def store(self) -> Store:
        """The objects of the account that the request acts on."""
        return self.world.store(self.account_id)

    def named(self, kind: str, words: str | None = None) -> Obj:
        """The object that the address names by ``{id}``; 404 when there is none."""
        found = self.world.find(self.account_id, kind, self.ids["id"])
        if found is None:
            raise missing(words or kind, self.ids["id"], status=404)
        return found

    def get(self, kind: str, object_id: str, param: str, words: str | None = None) -> Obj:
        """The object that a parameter names; 400 resource_missing when there is none."""
        found = self.world.find(self.account_id, kind, object_id)
        if found is None or found.get("deleted"):
            raise missing(words or kind, object_id, param)
        return found


Handler = Callable[[Call], Obj]


@dataclass(frozen=True)
class Route:
    """One endpoint. ``built`` names the parameters that are built; the SDK's others are answered with 501."""

    method: str
    path: str
    params: str
    built: frozenset[str]
    handler: Handler
    pattern: re.Pattern[str]


ROUTES: list[Route] = []
_ID = r"(?P<\1>(?!search$|create_preview$|preview(?:$|/))[^/]+)"


def route(method: str, path: str, params: str, built: str = "") -> Callable[[Handler], Handler]:
    """Register the decorated handler, e.g. ``@route("POST", "/v1/invoices/{id}/pay", "InvoicePayParams", "forgive")``.

    ``built`` is a list of parameter names separated by spaces; ``a.b`` names a parameter inside ``a``, which is then
    built only as far as such names say. ``expand`` is always built.
    """
    pattern = re.compile("^" + re.sub(r"\{(\w+)\}", _ID, path) + "$")

    def keep(handler: Handler) -> Handler:
        ROUTES.append(Route(method, path, params, frozenset(built.split()) | {"expand"}, handler, pattern))
        return handler

    return keep


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for this request and the ids in its address."""
    for each in ROUTES:
        if each.method == method and (found := each.pattern.match(path)):
            return each, found.groupdict()
    return None


def unbuilt_params(params: dict[str, Any], built: frozenset[str], prefix: str = "") -> list[str]:
    """The given parameters that the route does not build, dotted."""
    left: list[str] = []
    for name, value in params.items():
        path = f"{prefix}{name}"
        if path in built:
            continue
        inner = f"{path}."
        items = value if isinstance(value, list) else [value]
        if any(each.startswith(inner) for each in built) and all(isinstance(item, dict) for item in items):
            left += [name for item in items for name in unbuilt_params(item, built, inner)]
        else:
            left.append(path)
    return left
