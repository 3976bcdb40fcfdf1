"""Fields that take what is documented and nothing else: no number for a text, no text for a number, no guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

LONGEST_REF = 191
MOST_PLACES = 12
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
GIVEN_DECIMAL = rf"^-?[0-9]{{1,15}}(\.[0-9]{{1,{MOST_PLACES}}})?$"
TOLD_DECIMAL = r"^-?[0-9]+(\.[0-9]+)?$"
MESSAGES: dict[str, Any] = {"required": "This is required.", "null": "This can't be null. Leave it out instead."}
OF_OBJECTS = {"unknown": "There is no such field here.", "type": "This must be a JSON object."}


class Body(Schema):
    """What a program sends: unknown fields are refused, so that a misspelt one is never ignored."""

    class Meta:
        unknown = "raise"

    error_messages = OF_OBJECTS


class Answer(Schema):
    """What we answer: every field is always there; what has no value is null. Later versions may add fields."""

    class Meta:
        unknown = "exclude"

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Document every field as always present."""
        field_obj.required = True


class Text(fields.String):
    """Text, as every database can keep it."""

    default_error_messages = MESSAGES | {"invalid": "Write this as text, in quotes."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if UNSTORABLE.search(value):
            raise ValidationError("This holds characters that no text has (NUL, or half of a surrogate pair).")
        return value


class Ref(Text):
    """A key of the CRM's, or of a client's: opaque text."""

    def __init__(self, **kwargs: Any) -> None:
        length = validate.Length(1, LONGEST_REF, error=f"A key has 1 to {LONGEST_REF} characters.")
        super().__init__(validate=length, **kwargs)


class WholeNumber(fields.Integer):
    """A JSON number without a fraction."""

    default_error_messages = MESSAGES | {"invalid": "Write this as a whole number, without quotes, like 14."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> int:
        if type(value) is not int:
            raise self.make_error("invalid")
        return value


class Flag(fields.Boolean):
    """true or false."""

    default_error_messages = MESSAGES | {"invalid": "Write true or false, without quotes."}

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class DecimalText(fields.Decimal):
    """An exact number as text: JSON's own numbers are binary floats in most programs, and those lose digits."""

    default_error_messages = MESSAGES | {
        "invalid": 'Write this as digits in quotes, like "12.5": no exponent, NaN or Infinity, at most 15 digits '
        "before the point.",
        "number": 'Write this in quotes, like "12.5": a JSON number may lose digits on its way.',
        "places": f"This has more than {MOST_PLACES} decimal places. Round it first.",
    }

    def __init__(self, **kwargs: Any) -> None:
        pattern = TOLD_DECIMAL if kwargs.pop("told", False) else GIVEN_DECIMAL
        metadata = {"type": "string", "pattern": pattern, "example": "12.5", **kwargs.pop("metadata", {})}
        super().__init__(as_string=True, metadata=metadata, **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return format(value, "f") if isinstance(value, Decimal) else value

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Decimal:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise self.make_error("number")
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if re.fullmatch(rf"-?[0-9]{{1,15}}\.[0-9]{{{MOST_PLACES + 1},}}", value):
            raise self.make_error("places")
        if not re.fullmatch(GIVEN_DECIMAL, value):
            raise self.make_error("invalid")
        return Decimal(value)


def listed(inner: fields.Field[Any], most: int, **kwargs: Any) -> fields.List[Any]:
    """A list of 1 to ``most`` values, each once."""
    length = validate.Length(1, most, error=f"Give 1 to {most} of them.")
    messages = {**MESSAGES, "invalid": 'Write this as a list, like ["1", "2"].'}
    return fields.List(
        inner, validate=[length, once_each], error_messages=messages, metadata={"uniqueItems": True}, **kwargs
    )


def once_each(values: list[Any]) -> None:
    """Raises ``ValidationError`` where a value stands there twice."""
    if len(set(values)) != len(values):
        raise ValidationError("Something stands in this list twice.")


def nested(schema: type[Schema], **kwargs: Any) -> fields.Nested:
    """An object inside of another."""
    return fields.Nested(schema, error_messages={**MESSAGES, "type": "This must be a JSON object."}, **kwargs)


def told(kind: type[fields.Field[Any]], description: str = "", *, null: bool = False, **kwargs: Any) -> Any:
    """A field of an answer."""
    metadata = {"description": description} if description else {}
    return kind(allow_none=null, metadata={**kwargs.pop("metadata", {}), **metadata}, **kwargs)
