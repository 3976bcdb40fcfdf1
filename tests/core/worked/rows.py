"""How a worked invoice is written down. Nothing of the product is used here.

A row is ``12 × 38.50 less 10 % | reduced 9 | 41580 | 2079 | 3555``: quantity, price and the line's own discount (in
percent, or a sum); its VAT (``inside`` where the price contains it); and what has to come out, in Stripe's minor units:
the amount, its share of the invoice discount, and its VAT. ``less HP-1`` takes off what invoice HP-1 charged: its
figures are given. Below the rows stand the VAT rates, each with what its VAT is on, and its VAT.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

WORK = re.compile(r"(-?[0-9.]+) × (-?[0-9.]+)(?: less ([0-9.]+)( %)?)?")
VAT = re.compile(
    r"(standard|reduced) ([0-9.]+)( inside)?|(zero|exempt|reverse charge|out of scope)( inside)?", re.ASCII
)
PERCENT = re.compile(r"([0-9.]+) %")


@dataclass(frozen=True)
class Rate:
    """A rate of VAT as the table names it: ``words`` tell it from every other."""

    words: str
    kind: str
    percent: str
    inside: bool

    @classmethod
    def read(cls, words: str) -> Rate:
        """From the table's words."""
        found = VAT.fullmatch(words)
        assert found, words
        kind, percent = (found[1], found[2]) if found[1] else (found[4], "0")
        return cls(words, kind, percent, bool(found[3] or found[5]))


@dataclass(frozen=True)
class Figures:
    """What has to come out: (amount, share, VAT) of each line, (what it is on, VAT) of each rate, and the sums."""

    lines: tuple[tuple[int, int, int], ...]
    rates: dict[str, tuple[int, int]]
    subtotal: int
    discount: int
    total: int


@dataclass(frozen=True)
class Row:
    """One line: numbers as they are written. ``deducts`` is the number of an earlier invoice, else empty."""

    rate: Rate
    figures: tuple[int, int, int]
    quantity: str = "1"
    price: str = "0"
    percent_off: str = ""
    sum_off: str = ""
    deducts: str = ""

    @classmethod
    def read(cls, text: str) -> Row:
        """From a row of the table."""
        what, vat, *numbers = (cell.strip() for cell in text.split("|"))
        rate, (amount, share, tax) = Rate.read(vat), map(int, numbers)
        if what.startswith("less "):
            return cls(rate, (amount, share, tax), deducts=what.removeprefix("less "))
        found = WORK.fullmatch(what)
        assert found, what
        percent, off = (found[3], "") if found[4] else ("", found[3] or "")
        return cls(rate, (amount, share, tax), found[1], found[2], percent or "", off)


@dataclass(frozen=True)
class Case:
    """One invoice. ``sums`` are the lines, the invoice discount and the total; ``off`` is that discount as it is given
    (``5 %``, or a sum); ``rounding`` is rate or line; ``customer`` is why they pay no VAT at all. ``refused`` are words
    of the refusal, where such an invoice is never made: its figures are right all the same."""

    name: str
    currency: str
    table: str
    vat: str
    sums: tuple[int, int, int]
    off: str = ""
    rounding: str = "rate"
    customer: str = ""
    refused: str = ""

    def __str__(self) -> str:
        return f"{self.currency}: {self.name}"

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The lines."""
        return tuple(Row.read(line) for line in self.table.strip().splitlines())

    @property
    def percent_off(self) -> str:
        """The invoice discount where it is in percent, else empty."""
        found = PERCENT.fullmatch(self.off)
        return found[1] if found else ""

    @property
    def sum_off(self) -> str:
        """The invoice discount where it is a sum, else empty."""
        return "" if self.percent_off else self.off

    @cached_property
    def expected(self) -> Figures:
        """What the table says."""
        rates = {}
        for line in self.vat.strip().splitlines():
            words, base, vat = (cell.strip() for cell in line.split("|"))
            rates[words] = (int(base), int(vat))
        return Figures(tuple(row.figures for row in self.rows), rates, *self.sums)


def number(text: str) -> Fraction:
    """A number as it is written; nothing is 0."""
    return Fraction(text or "0")
