"""Discounts on lines and on the whole invoice, in percent and as sums."""

from __future__ import annotations

from tests.core.worked.rows import Case

DISCOUNTS = (
    Case(
        "two rates, a line discount, five per cent off the whole",
        "eur",
        """
        2 × 1450             | standard 21 | 290000 | 14500 | 57855
        14.5 × 145           | standard 21 | 210250 | 10513 | 41945
        12 × 38.50 less 10 % | reduced 9   |  41580 |  2079 |  3555
        1 × 186.40           | reduced 9   |  18640 |   932 |  1594
        """,
        """
        standard 21 | 475237 | 99800
        reduced 9   |  57209 |  5149
        """,
        (560470, 28024, 637395),
        off="5 %",
    ),
    Case(
        "two rates and two discounts, VAT rounded on each line",
        "eur",
        """
        2 × 1450             | standard 21 | 290000 | 14500 | 57855
        14.5 × 145           | standard 21 | 210250 | 10513 | 41945
        12 × 38.50 less 10 % | reduced 9   |  41580 |  2079 |  3555
        1 × 186.40           | reduced 9   |  18640 |   932 |  1594
        """,
        """
        standard 21 | 475237 | 99800
        reduced 9   |  57209 |  5149
        """,
        (560470, 28024, 637395),
        off="5 %",
        rounding="line",
    ),
    # By hand: 34, 33 and 33 cents.
    Case(
        "a euro off three equal lines",
        "eur",
        """
        1 × 1.00 | standard 21 | 100 | 34 | 14
        1 × 1.00 | standard 21 | 100 | 33 | 14
        1 × 1.00 | standard 21 | 100 | 33 | 14
        """,
        "standard 21 | 200 | 42",
        (300, 100, 242),
        off="1.00",
    ),
    # By hand: the first line's.
    Case(
        "a cent off three equal lines",
        "eur",
        """
        1 × 1.00 | standard 21 | 100 | 1 | 21
        1 × 1.00 | standard 21 | 100 | 0 | 21
        1 × 1.00 | standard 21 | 100 | 0 | 21
        """,
        "standard 21 | 299 | 63",
        (300, 1, 362),
        off="0.01",
    ),
    # By hand: 20/35, 20/35 and 30/35 of a cent; the last and then the first have the largest remainders.
    Case(
        "two cents off three lines of which the last is largest",
        "eur",
        """
        1 × 0.10 | standard 21 | 10 | 1 | 2
        1 × 0.10 | standard 21 | 10 | 0 | 2
        1 × 0.15 | standard 21 | 15 | 1 | 3
        """,
        "standard 21 | 33 | 7",
        (35, 2, 40),
        off="0.02",
    ),
    Case(
        "a sum off a line and another off the whole",
        "eur",
        """
        1 × 100 less 12.34 | standard 21 | 8766 | 790 | 1675
        3 × 7.77           | reduced 9   | 2331 | 210 |  191
        """,
        """
        standard 21 | 7976 | 1675
        reduced 9   | 2121 |  191
        """,
        (11097, 1000, 11963),
        off="10",
    ),
    Case(
        "percent off a line and a sum off the whole",
        "eur",
        """
        3 × 49.99 less 12.5 % | standard 21        | 13122 | 771 | 2594
        1 × 0.99              | standard 21 inside |    99 |   6 |   16
        """,
        """
        standard 21        | 12351 | 2594
        standard 21 inside |    77 |   16
        """,
        (13221, 777, 15038),
        off="7.77",
    ),
    Case(
        "a sum off a line and percent off the whole",
        "eur",
        """
        3 × 49.99 less 0.01 | standard 21        | 14996 | 4998 | 2100
        1 × 0.99            | standard 21 inside |    99 |   33 |   11
        """,
        """
        standard 21        | 9998 | 2100
        standard 21 inside |   55 |   11
        """,
        (15095, 5031, 12164),
        off="33.33 %",
    ),
    # By hand: 0.025 is 0.03, and 0.015 is 0.02.
    Case(
        "half a cent of line discount",
        "eur",
        """
        1 × 0.50 less 5 % | standard 21 | 47 | 0 | 10
        1 × 0.30 less 5 % | standard 21 | 28 | 0 |  6
        """,
        "standard 21 | 75 | 16",
        (75, 0, 91),
    ),
    # By hand: 0.005 is 0.01.
    Case(
        "half a cent of invoice discount",
        "eur",
        """
        1 × 0.50 | standard 21 | 50 | 1 | 10
        """,
        "standard 21 | 49 | 10",
        (50, 1, 59),
        off="1 %",
    ),
    Case(
        "a discount too small to be one",
        "eur",
        """
        1 × 0.50          | standard 21 |   50 | 0 |  11
        3 × 5 less 0.01 % | standard 21 | 1500 | 0 | 315
        """,
        "standard 21 | 1550 | 326",
        (1550, 0, 1876),
        off="0.01 %",
    ),
    Case(
        "all of it is given away",
        "eur",
        """
        2 × 50   | standard 21 | 10000 | 10000 | 0
        1 × 9.99 | reduced 9   |   999 |   999 | 0
        """,
        """
        standard 21 | 0 | 0
        reduced 9   | 0 | 0
        """,
        (10999, 10999, 0),
        off="100 %",
    ),
    Case(
        "more is given away than there is",
        "eur",
        """
        2 × 50   | standard 21 | 10000 | 10000 | 0
        1 × 9.99 | reduced 9   |   999 |   999 | 0
        """,
        """
        standard 21 | 0 | 0
        reduced 9   | 0 | 0
        """,
        (10999, 10999, 0),
        off="5000",
    ),
    Case(
        "a line for nothing",
        "eur",
        """
        1 × 80 less 100 % | standard 21 |    0 | 0 |   0
        1 × 20 less 20    | standard 21 |    0 | 0 |   0
        3 × 0             | reduced 9   |    0 | 0 |   0
        1 × 10            | standard 21 | 1000 | 0 | 210
        """,
        """
        standard 21 | 1000 | 210
        reduced 9   |    0 |   0
        """,
        (1000, 0, 1210),
    ),
    Case(
        "nothing but lines for nothing",
        "eur",
        """
        0 × 80 | standard 21 | 0 | 0 | 0
        5 × 0  | zero        | 0 | 0 | 0
        """,
        """
        standard 21 | 0 | 0
        zero        | 0 | 0
        """,
        (0, 0, 0),
    ),
    Case(
        "an invoice discount beside lines for nothing",
        "eur",
        """
        0 × 80   | standard 21 |   0 |   0 |   0
        3 × 3.33 | standard 21 | 999 | 100 | 189
        2 × 3.33 | exempt      | 666 |  67 |   0
        """,
        """
        standard 21 | 899 | 189
        exempt      | 599 |   0
        """,
        (1665, 167, 1687),
        off="10 %",
    ),
    Case(
        "percent off prices with VAT inside",
        "eur",
        """
        3 × 19.95 | standard 21 inside | 5985 | 449 | 961
        1 × 4.95  | reduced 9 inside   |  495 |  37 |  38
        """,
        """
        standard 21 inside | 4575 | 961
        reduced 9 inside   |  420 |  38
        """,
        (6480, 486, 5994),
        off="7.5 %",
    ),
    Case(
        "percent off prices with VAT inside, on each line",
        "eur",
        """
        3 × 19.95 | standard 21 inside | 5985 | 449 | 961
        1 × 4.95  | reduced 9 inside   |  495 |  37 |  38
        """,
        """
        standard 21 inside | 4575 | 961
        reduced 9 inside   |  420 |  38
        """,
        (6480, 486, 5994),
        off="7.5 %",
        rounding="line",
    ),
    Case(
        "a discount over every kind there is",
        "eur",
        """
        1 × 10.01 | standard 21        | 1001 | 158 | 177
        1 × 10.02 | standard 21 inside | 1002 | 158 | 146
        1 × 10.03 | reduced 9          | 1003 | 159 |  76
        1 × 10.04 | zero               | 1004 | 159 |   0
        1 × 10.05 | exempt             | 1005 | 159 |   0
        1 × 10.06 | reverse charge     | 1006 | 159 |   0
        1 × 10.07 | out of scope       | 1007 | 159 |   0
        """,
        """
        standard 21        | 843 | 177
        standard 21 inside | 698 | 146
        reduced 9          | 844 |  76
        zero               | 845 |   0
        exempt             | 846 |   0
        reverse charge     | 847 |   0
        out of scope       | 848 |   0
        """,
        (7028, 1111, 6170),
        off="11.11",
    ),
    Case(
        "a discount for a business abroad",
        "eur",
        """
        7 × 99.99 less 3 % | reverse charge | 67893 | 1697 | 0
        1 × 0.05           | reverse charge |     5 |    0 | 0
        """,
        "reverse charge | 66201 | 0",
        (67898, 1697, 66201),
        off="2.5 %",
        customer="reverse charge",
    ),
    Case(
        "a third off many small lines",
        "gbp",
        """
        1 × 0.01 | standard 20 | 1 | 0 | 1
        1 × 0.02 | standard 20 | 2 | 1 | 1
        1 × 0.04 | reduced 5   | 4 | 2 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 2 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 1
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 0
        """,
        """
        standard 20 | 10 | 2
        reduced 5   | 13 | 1
        """,
        (35, 12, 26),
        off="33.333 %",
    ),
    Case(
        "a third off many small lines, on each line",
        "gbp",
        """
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 2 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 2 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 0
        1 × 0.01 | standard 20 | 1 | 0 | 0
        1 × 0.02 | standard 20 | 2 | 1 | 0
        1 × 0.04 | reduced 5   | 4 | 1 | 0
        """,
        """
        standard 20 | 10 | 0
        reduced 5   | 13 | 0
        """,
        (35, 12, 23),
        off="33.333 %",
        rounding="line",
    ),
)
