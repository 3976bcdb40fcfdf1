"""Forints, pounds, dollars and euros, and what is below Stripe's minimum charge."""

from __future__ import annotations

from tests.core.worked.rows import Case

EVERYDAY = (
    Case(
        "three Hungarian rates",
        "huf",
        """
        3 × 12990 | standard 27 | 3897000 | 0 | 1052190
        1 × 4990  | reduced 18  |  499000 | 0 |   89820
        2 × 1295  | reduced 5   |  259000 | 0 |   12950
        """,
        """
        standard 27 | 3897000 | 1052190
        reduced 18  |  499000 |   89820
        reduced 5   |  259000 |   12950
        """,
        (4655000, 0, 5809960),
    ),
    Case(
        "filler of a forint",
        "huf",
        """
        1 × 0.5   | standard 27 |   50 |   1 |   13
        3 × 33.33 | standard 27 | 9999 | 150 | 2659
        """,
        "standard 27 | 9898 | 2672",
        (10049, 151, 12570),
        off="1.5 %",
    ),
    Case(
        "forints inside, on each line",
        "huf",
        """
        1 × 1270 | standard 27 inside | 127000 | 0 | 27000
        1 × 999  | standard 27 inside |  99900 | 0 | 21239
        1 × 105  | reduced 5 inside   |  10500 | 0 |   500
        """,
        """
        standard 27 inside | 178661 | 48239
        reduced 5 inside   |  10000 |   500
        """,
        (237400, 0, 237400),
        rounding="line",
    ),
    Case(
        "below the minimum in forints",
        "huf",
        """
        1 × 100 | standard 27 | 10000 | 0 | 2700
        """,
        "standard 27 | 10000 | 2700",
        (10000, 0, 12700),
    ),
    Case(
        "a credit in forints",
        "huf",
        """
        2 × 6350 | standard 27 inside | 1270000 | 0 | 270000
        -1 × 635 | standard 27 inside |  -63500 | 0 | -13500
        """,
        "standard 27 inside | 950000 | 256500",
        (1206500, 0, 1206500),
    ),
    Case(
        "pounds at three rates",
        "gbp",
        """
        2 × 79.99 | standard 20 | 15998 | 0 | 3200
        1 × 12.49 | reduced 5   |  1249 | 0 |   62
        3 × 8.99  | zero        |  2697 | 0 |    0
        """,
        """
        standard 20 | 15998 | 3200
        reduced 5   |  1249 |   62
        zero        |  2697 |    0
        """,
        (19944, 0, 23206),
    ),
    Case(
        "pounds on each line, with a credit",
        "gbp",
        """
        3 × 0.33  | standard 20 |  99 | 0 | 20
        7 × 0.11  | standard 20 |  77 | 0 | 15
        -1 × 0.44 | standard 20 | -44 | 0 | -9
        """,
        "standard 20 | 132 | 26",
        (132, 0, 158),
        rounding="line",
    ),
    Case(
        "below the minimum in pounds",
        "gbp",
        """
        1 × 0.20 | standard 20 | 20 | 0 | 4
        """,
        "standard 20 | 20 | 4",
        (20, 0, 24),
    ),
    Case(
        "dollars without VAT",
        "usd",
        """
        160 × 85.5 | out of scope | 1368000 | 27360 | 0
        1 × 0.01   | out of scope |       1 |     0 | 0
        """,
        "out of scope | 1340641 | 0",
        (1368001, 27360, 1340641),
        off="2 %",
    ),
    Case(
        "below the minimum in dollars",
        "usd",
        """
        1 × 0.40 | out of scope | 40 | 0 | 0
        """,
        "out of scope | 40 | 0",
        (40, 0, 40),
    ),
    Case(
        "exactly the minimum in euros",
        "eur",
        """
        1 × 0.50 | zero | 50 | 0 | 0
        """,
        "zero | 50 | 0",
        (50, 0, 50),
    ),
    Case(
        "the twelfth decimal of a quantity, and the thirteenth",
        "eur",
        """
        0.000000000002 × 5000000000    | standard 21 | 1 | 0 | 1
        0.000000000001 × 10000000000   | standard 21 | 1 | 0 | 0
        0.0000000000001 × 100000000000 | standard 21 | 1 | 0 | 0
        """,
        "standard 21 | 3 | 1",
        (3, 0, 4),
    ),
    Case(
        "more than eight digits",
        "eur",
        """
        1 × 1000000.00 | standard 21 | 100000000 | 0 | 21000000
        0.01 × 0.50    | standard 21 |         1 | 0 |        0
        """,
        "standard 21 | 100000001 | 21000000",
        (100000001, 0, 121000001),
    ),
    Case(
        "charges too small to have VAT alone, and one for nothing, on each line",
        "eur",
        """
        1 × 1.00 | standard 21 | 100 | 0 | 21
        1 × 0.02 | standard 21 |   2 | 0 |  0
        1 × 0.02 | standard 21 |   2 | 0 |  0
        1 × 0.02 | standard 21 |   2 | 0 |  0
        1 × 0.02 | standard 21 |   2 | 0 |  0
        1 × 0.02 | standard 21 |   2 | 0 |  0
        1 × 0.02 | standard 21 |   2 | 0 |  0
        0 × 9    | standard 21 |   0 | 0 |  0
        """,
        "standard 21 | 112 | 21",
        (112, 0, 133),
        rounding="line",
    ),
    # By hand: 0.0252 is 0.03 twice, and 0.0294 is 0.03.
    Case(
        "a charge for nothing among others, on each line",
        "eur",
        """
        1 × 0.12 | standard 21 | 12 | 0 | 3
        1 × 0.12 | standard 21 | 12 | 0 | 3
        1 × 0.14 | standard 21 | 14 | 0 | 3
        0 × 9    | standard 21 |  0 | 0 | 0
        """,
        "standard 21 | 38 | 9",
        (38, 0, 47),
        rounding="line",
    ),
    Case(
        "a cent",
        "eur",
        """
        1 × 0.01 | standard 21 | 1 | 0 | 0
        """,
        "standard 21 | 1 | 0",
        (1, 0, 1),
    ),
)
