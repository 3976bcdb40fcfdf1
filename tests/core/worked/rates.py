"""Rates of VAT, prices with and without it, where it is rounded, and why there may be none."""

from __future__ import annotations

from tests.core.worked.rows import Case

RATES = (
    Case(
        "one line of fractional hours",
        "eur",
        """
        14.5 × 145 | standard 21 | 210250 | 0 | 44153
        """,
        "standard 21 | 210250 | 44153",
        (210250, 0, 254403),
    ),
    # 121.00 with 21 % inside is 100.00 and 21.00.
    Case(
        "VAT inside a price",
        "eur",
        """
        1 × 121 | standard 21 inside | 12100 | 0 | 2100
        """,
        "standard 21 inside | 10000 | 2100",
        (12100, 0, 12100),
    ),
    # By hand: 1.50 at 5 % is 0.075, which is 0.08; on each line 0.025 is 0.03.
    Case(
        "three halves at five per cent, for the rate",
        "eur",
        """
        1 × 0.50 | reduced 5 | 50 | 0 | 3
        1 × 0.50 | reduced 5 | 50 | 0 | 3
        1 × 0.50 | reduced 5 | 50 | 0 | 2
        """,
        "reduced 5 | 150 | 8",
        (150, 0, 158),
    ),
    Case(
        "three halves at five per cent, on each line",
        "eur",
        """
        1 × 0.50 | reduced 5 | 50 | 0 | 3
        1 × 0.50 | reduced 5 | 50 | 0 | 3
        1 × 0.50 | reduced 5 | 50 | 0 | 3
        """,
        "reduced 5 | 150 | 9",
        (150, 0, 159),
        rounding="line",
    ),
    # By hand: 0.08 at 21 % is 0.0168, which is 0.02; on each line 0.0042 is nothing.
    Case(
        "four times two cents, for the rate",
        "eur",
        """
        1 × 0.02 | standard 21 | 2 | 0 | 1
        1 × 0.02 | standard 21 | 2 | 0 | 1
        1 × 0.02 | standard 21 | 2 | 0 | 0
        1 × 0.02 | standard 21 | 2 | 0 | 0
        """,
        "standard 21 | 8 | 2",
        (8, 0, 10),
    ),
    Case(
        "four times two cents, on each line",
        "eur",
        """
        1 × 0.02 | standard 21 | 2 | 0 | 0
        1 × 0.02 | standard 21 | 2 | 0 | 0
        1 × 0.02 | standard 21 | 2 | 0 | 0
        1 × 0.02 | standard 21 | 2 | 0 | 0
        """,
        "standard 21 | 8 | 0",
        (8, 0, 8),
        rounding="line",
    ),
    # By hand: 0.025 is 0.03.
    Case(
        "half a cent of VAT",
        "eur",
        """
        1 × 2.50 | standard 1 | 250 | 0 | 3
        """,
        "standard 1 | 250 | 3",
        (250, 0, 253),
    ),
    Case(
        "just below half a cent of VAT",
        "eur",
        """
        1 × 2.49 | standard 1 | 249 | 0 | 2
        """,
        "standard 1 | 249 | 2",
        (249, 0, 251),
    ),
    Case(
        "one rate inside one price and on top of another",
        "eur",
        """
        1 × 121 | standard 21 inside | 12100 | 0 | 2100
        1 × 100 | standard 21        | 10000 | 0 | 2100
        """,
        """
        standard 21 inside | 10000 | 2100
        standard 21        | 10000 | 2100
        """,
        (22100, 0, 24200),
    ),
    Case(
        "four French rates, for the rate",
        "eur",
        """
        3 × 19.99 | standard 20 | 5997 | 0 | 1199
        7 × 4.35  | reduced 10  | 3045 | 0 |  305
        13 × 1.07 | reduced 5.5 | 1391 | 0 |   77
        9 × 2.19  | reduced 2.1 | 1971 | 0 |   41
        1 × 0.99  | reduced 5.5 |   99 | 0 |    5
        """,
        """
        standard 20 | 5997 | 1199
        reduced 10  | 3045 |  305
        reduced 5.5 | 1490 |   82
        reduced 2.1 | 1971 |   41
        """,
        (12503, 0, 14130),
    ),
    Case(
        "four French rates, on each line",
        "eur",
        """
        3 × 19.99 | standard 20 | 5997 | 0 | 1199
        7 × 4.35  | reduced 10  | 3045 | 0 |  305
        13 × 1.07 | reduced 5.5 | 1391 | 0 |   77
        9 × 2.19  | reduced 2.1 | 1971 | 0 |   41
        1 × 0.99  | reduced 5.5 |   99 | 0 |    5
        """,
        """
        standard 20 | 5997 | 1199
        reduced 10  | 3045 |  305
        reduced 5.5 | 1490 |   82
        reduced 2.1 | 1971 |   41
        """,
        (12503, 0, 14130),
        rounding="line",
    ),
    Case(
        "reduced VAT of five and a half inside",
        "eur",
        """
        3 × 9.99 | reduced 5.5 inside | 2997 | 0 | 157
        1 × 0.07 | reduced 5.5 inside |    7 | 0 |   0
        """,
        "reduced 5.5 inside | 2847 | 157",
        (3004, 0, 3004),
    ),
    Case(
        "reduced VAT of five and a half inside, on each line",
        "eur",
        """
        3 × 9.99 | reduced 5.5 inside | 2997 | 0 | 156
        1 × 0.07 | reduced 5.5 inside |    7 | 0 |   0
        """,
        "reduced 5.5 inside | 2848 | 156",
        (3004, 0, 3004),
        rounding="line",
    ),
    Case(
        "a rate with four decimals",
        "usd",
        """
        3 × 33.33 | standard 8.8750 | 9999 | 0 | 888
        1 × 0.01  | standard 8.8750 |    1 | 0 |   0
        """,
        "standard 8.8750 | 10000 | 888",
        (10000, 0, 10888),
    ),
    Case(
        "all of it doubled",
        "usd",
        """
        2 × 49.95 | standard 100 | 9990 | 0 | 9990
        """,
        "standard 100 | 9990 | 9990",
        (9990, 0, 19980),
    ),
    Case(
        "reverse charge for a business abroad",
        "eur",
        """
        40 × 92.50 | reverse charge | 370000 | 0 | 0
        1 × 249.99 | reverse charge |  24999 | 0 | 0
        """,
        "reverse charge | 394999 | 0",
        (394999, 0, 394999),
        customer="reverse charge",
    ),
    Case(
        "an embassy is exempt",
        "eur",
        """
        3 × 333.33 | exempt | 99999 | 0 | 0
        """,
        "exempt | 99999 | 0",
        (99999, 0, 99999),
        customer="exempt",
    ),
    Case(
        "damages beside work",
        "eur",
        """
        1 × 750 | out of scope | 75000 | 0 |     0
        8 × 95  | standard 21  | 76000 | 0 | 15960
        """,
        """
        out of scope | 75000 |     0
        standard 21  | 76000 | 15960
        """,
        (151000, 0, 166960),
    ),
    Case(
        "books for abroad at a rate of nought",
        "eur",
        """
        12 × 18.40 | zero        | 22080 | 0 |   0
        1 × 35     | standard 21 |  3500 | 0 | 735
        """,
        """
        zero        | 22080 |   0
        standard 21 |  3500 | 735
        """,
        (25580, 0, 26315),
    ),
    Case(
        "a zero rate in a price that says it has VAT inside",
        "eur",
        """
        2 × 10 | zero inside | 2000 | 0 | 0
        1 × 5  | zero        |  500 | 0 | 0
        """,
        """
        zero inside | 2000 | 0
        zero        |  500 | 0
        """,
        (2500, 0, 2500),
    ),
    Case(
        "a standard rate of 0 % beside the zero rate",
        "eur",
        """
        1 × 100 | standard 0 | 10000 | 0 | 0
        1 × 50  | zero       |  5000 | 0 | 0
        1 × 25  | reduced 0  |  2500 | 0 | 0
        """,
        """
        standard 0 | 10000 | 0
        zero       |  5000 | 0
        reduced 0  |  2500 | 0
        """,
        (17500, 0, 17500),
    ),
    Case(
        "two kinds with the same rate",
        "eur",
        """
        1 × 33.35 | standard 9 | 3335 | 0 | 300
        1 × 33.35 | reduced 9  | 3335 | 0 | 300
        """,
        """
        standard 9 | 3335 | 300
        reduced 9  | 3335 | 300
        """,
        (6670, 0, 7270),
    ),
    Case(
        "two standard rates",
        "eur",
        """
        1 × 33.33 | standard 21 | 3333 | 0 | 700
        1 × 33.33 | standard 19 | 3333 | 0 | 633
        2 × 0.05  | standard 19 |   10 | 0 |   2
        """,
        """
        standard 21 | 3333 | 700
        standard 19 | 3343 | 635
        """,
        (6676, 0, 8011),
    ),
    Case(
        "every kind there is",
        "eur",
        """
        1 × 10.01 | standard 21        | 1001 | 0 | 210
        1 × 10.02 | standard 21 inside | 1002 | 0 | 174
        1 × 10.03 | reduced 9          | 1003 | 0 |  90
        1 × 10.04 | reduced 9 inside   | 1004 | 0 |  83
        1 × 10.05 | zero               | 1005 | 0 |   0
        1 × 10.06 | exempt             | 1006 | 0 |   0
        1 × 10.07 | reverse charge     | 1007 | 0 |   0
        1 × 10.08 | out of scope       | 1008 | 0 |   0
        """,
        """
        standard 21        | 1001 | 210
        standard 21 inside |  828 | 174
        reduced 9          | 1003 |  90
        reduced 9 inside   |  921 |  83
        zero               | 1005 |   0
        exempt             | 1006 |   0
        reverse charge     | 1007 |   0
        out of scope       | 1008 |   0
        """,
        (8036, 0, 8336),
    ),
    Case(
        "more lines than an answer of Stripe shows",
        "eur",
        """
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  5
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  4
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  4
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  4
        0.5 × 1.11 | standard 21 inside | 56 | 0 |  9
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        """,
        """
        standard 21        | 132 | 28
        reduced 9          | 232 | 21
        standard 21 inside | 185 | 39
        """,
        (588, 0, 637),
    ),
    Case(
        "more lines than an answer of Stripe shows, on each line",
        "eur",
        """
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  5
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  5
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  5
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        1 × 0.33   | standard 21        | 33 | 0 |  7
        3 × 0.17   | reduced 9          | 51 | 0 |  5
        0.5 × 1.11 | standard 21 inside | 56 | 0 | 10
        7 × 0.01   | reduced 9          |  7 | 0 |  1
        """,
        """
        standard 21        | 132 | 28
        reduced 9          | 232 | 24
        standard 21 inside | 184 | 40
        """,
        (588, 0, 640),
        rounding="line",
    ),
    Case(
        "a third of an hour and other fractions",
        "eur",
        """
        0.3333 × 100             | standard 21 | 3333 | 0 | 700
        0.000000000001 × 1000000 | standard 21 |    0 | 0 |   0
        1.005 × 1                | standard 21 |  101 | 0 |  21
        2.675 × 1.00             | standard 21 |  268 | 0 |  56
        """,
        "standard 21 | 3702 | 777",
        (3702, 0, 4479),
    ),
)
