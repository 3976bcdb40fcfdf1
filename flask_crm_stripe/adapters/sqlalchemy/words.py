"""Looking for words that begin with what somebody typed: with an index on PostgreSQL, by reading on SQLite."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

ALL_WORDS = "array_to_tsvector(array_remove(string_to_array({column}, ' '), ''))"
"""Words with a space between them as a list of PostgreSQL's own, as they are: no language is guessed."""


class _Typed(sa.types.TypeDecorator[str]):
    """A word, as each database writes that another one begins with it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "postgresql":
            word = value.replace("\\", "\\\\").replace("'", "''")
            return f"'{word}':*"
        for mark in ("\\", "%", "_"):
            value = value.replace(mark, f"\\{mark}")
        return f"% {value}%"


class HasWord(FunctionElement[bool]):
    """Whether a word of ``column`` (words with a space between them) begins with ``word``."""

    inherit_cache = True
    type = sa.Boolean()

    def __init__(self, column: sa.ColumnElement[str], word: str) -> None:
        super().__init__(column, sa.literal(word, _Typed))


@compiles(HasWord)
def _by_reading(element: HasWord, compiler: SQLCompiler, **options: Any) -> str:
    column, word = (compiler.process(part, **options) for part in element.clauses)
    return f"((' ' || {column}) LIKE {word} ESCAPE '\\')"


@compiles(HasWord, "postgresql")
def _by_index(element: HasWord, compiler: SQLCompiler, **options: Any) -> str:
    column, word = (compiler.process(part, **options) for part in element.clauses)
    return f"({ALL_WORDS.format(column=column)} @@ CAST({word} AS tsquery))"
