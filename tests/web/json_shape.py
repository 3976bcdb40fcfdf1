"""Checks a JSON value against a schema of an OpenAPI document. A keyword that it does not know is an error, so nothing
passes unseen; a member that the schema does not name is one too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
    "null": (type(None),),
}
SILENT = {"description", "example", "default", "format", "type", "required", "additionalProperties", "items", "anyOf"}
FORMATS = {"date-time": datetime.fromisoformat, "date": date.fromisoformat}


def complaints(value: Any, schema: dict[str, Any], document: dict[str, Any], path: str = "$") -> Iterator[str]:
    """What is wrong with the value, in words."""
    if reference := schema.get("$ref"):
        yield from complaints(value, resolved(reference, document), document, path)
        return
    if "anyOf" in schema:
        found = [list(complaints(value, each, document, path)) for each in schema["anyOf"]]
        yield from [] if not all(found) else found[0]
        return
    wanted = schema.get("type", [])
    names = [wanted] if isinstance(wanted, str) else wanted
    if names and not any(is_a(value, name) for name in names):
        yield f"{path} is {type(value).__name__}, not {names}"
        return
    yield from constraints(value, schema, path)
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield from complaints(each, schema["items"], document, f"{path}[{number}]")
    if isinstance(value, dict):
        yield from members(value, schema, document, path)


def is_a(value: Any, name: str) -> bool:
    """JSON's types: true is no integer."""
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def constraints(value: Any, schema: dict[str, Any], path: str) -> Iterator[str]:
    """Keywords about one value."""
    if value is None:
        return
    if "format" in schema:
        FORMATS[schema["format"]](value)
    for keyword, limit in schema.items():
        match keyword:
            case "enum":
                good = value in limit
            case "pattern":
                good = re.search(limit, value) is not None
            case "minimum":
                good = value >= limit
            case "maximum":
                good = value <= limit
            case "minLength" | "minItems":
                good = len(value) >= limit
            case "maxLength" | "maxItems":
                good = len(value) <= limit
            case "uniqueItems":
                good = len(value) == len({repr(each) for each in value})
            case "properties":
                good = True
            case _:
                good = keyword in SILENT
        if not good:
            yield f"{path} breaks {keyword}: {limit!r}"


def members(value: dict[str, Any], schema: dict[str, Any], document: dict[str, Any], path: str) -> Iterator[str]:
    """Members that are missing, unknown, or wrong."""
    known, more = schema.get("properties", {}), schema.get("additionalProperties")
    yield from (f"{path}.{name} is missing" for name in schema.get("required", []) if name not in value)
    for name, each in value.items():
        if name in known:
            yield from complaints(each, known[name], document, f"{path}.{name}")
        elif isinstance(more, dict):
            yield from complaints(each, more, document, f"{path}.{name}")
        elif known or more is False:
            yield f"{path}.{name} is not documented"


def resolved(reference: str, document: dict[str, Any]) -> dict[str, Any]:
    """What a ``$ref`` points to. Raises ``KeyError`` where that is nothing."""
    found: Any = document
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found
