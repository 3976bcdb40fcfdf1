"""Column types of the CRM's own."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Dialect, Numeric, String
from sqlalchemy.types import TypeDecorator, TypeEngine


class Exact(TypeDecorator[Decimal]):
    """A decimal number with four places. It never passes through a float, not even on SQLite, which has no decimals."""

    impl = Numeric(14, 4)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Decimal] | TypeEngine[str]:
        """Use text on SQLite and a real decimal elsewhere."""
        return (
            dialect.type_descriptor(String(24)) if dialect.name == "sqlite" else dialect.type_descriptor(Numeric(14, 4))
        )

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | str | None:
        """Write the number as text where the column is text."""
        return str(value) if dialect.name == "sqlite" and value is not None else value

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> Decimal | None:
        """Read the number back."""
        return None if value is None else Decimal(value)
