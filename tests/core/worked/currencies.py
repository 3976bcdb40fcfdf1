"""The currencies with rules of their own at Stripe: yen, dinars, krónur, shillings."""

from __future__ import annotations

from tests.core.worked.rows import Case

CURRENCIES = (
    Case(
        "yen have no decimals",
        "jpy",
        """
        1 × 1000 | standard 10 | 1000 | 0 | 100
        """,
        "standard 10 | 1000 | 100",
        (1000, 0, 1100),
    ),
    Case(
        "half a yen goes up",
        "jpy",
        """
        0.5 × 333 | standard 10 | 167 | 0 | 17
        1 × 45    | standard 10 |  45 | 0 |  4
        """,
        "standard 10 | 212 | 21",
        (212, 0, 233),
    ),
    Case(
        "yen on each line",
        "jpy",
        """
        1 × 105 | reduced 8 | 105 | 0 | 8
        1 × 105 | reduced 8 | 105 | 0 | 8
        1 × 107 | reduced 8 | 107 | 0 | 9
        """,
        "reduced 8 | 317 | 25",
        (317, 0, 342),
        rounding="line",
    ),
    Case(
        "consumption tax inside",
        "jpy",
        """
        3 × 108  | reduced 8 inside   |  324 | 0 |  24
        1 × 1100 | standard 10 inside | 1100 | 0 | 100
        """,
        """
        reduced 8 inside   |  300 |  24
        standard 10 inside | 1000 | 100
        """,
        (1424, 0, 1424),
    ),
    Case(
        "seven per cent off in yen",
        "jpy",
        """
        7 × 999   | standard 10 | 6993 | 490 | 650
        1 × 1     | reduced 8   |    1 |   0 |   0
        3 × 333.3 | reduced 8   | 1000 |  70 |  74
        """,
        """
        standard 10 | 6503 | 650
        reduced 8   |  931 |  74
        """,
        (7994, 560, 8158),
        off="7 %",
    ),
    Case(
        "a credit in yen",
        "jpy",
        """
        3 × 1234 | standard 10 | 3702 | 100 | 361
        -1 × 617 | standard 10 | -617 |   0 | -62
        """,
        "standard 10 | 2985 | 299",
        (3085, 100, 3284),
        off="100",
    ),
    Case(
        "a deposit in yen",
        "jpy",
        """
        1 × 100000 | standard 10 | 100000 | 0 | 10000
        less HP-1  | standard 10 | -30000 | 0 | -3000
        """,
        "standard 10 | 70000 | 7000",
        (70000, 0, 77000),
    ),
    Case(
        "below the minimum in yen",
        "jpy",
        """
        1 × 40 | standard 10 | 40 | 0 | 4
        """,
        "standard 10 | 40 | 4",
        (40, 0, 44),
    ),
    # By hand: 1.005 is 1.010 and 0.999 is 1.000; 2.010 at 10 % is 0.201, which is 0.200.
    Case(
        "dinars end in 0",
        "kwd",
        """
        1 × 1.005 | standard 10 | 1010 | 0 | 100
        3 × 0.333 | standard 10 | 1000 | 0 | 100
        """,
        "standard 10 | 2010 | 200",
        (2010, 0, 2210),
    ),
    Case(
        "dinars on each line",
        "kwd",
        """
        1 × 1.005 | standard 10 | 1010 | 0 | 100
        3 × 0.333 | standard 10 | 1000 | 0 | 100
        1 × 0.05  | standard 10 |   50 | 0 |  10
        """,
        "standard 10 | 2060 | 210",
        (2060, 0, 2270),
        rounding="line",
    ),
    Case(
        "half a per cent off in dinars",
        "kwd",
        """
        12.5 × 10.125 | standard 5 | 126560 | 630 | 6300
        1 × 3         | zero       |   3000 |  20 |    0
        """,
        """
        standard 5 | 125930 | 6300
        zero       |   2980 |    0
        """,
        (129560, 650, 135210),
        off="0.5 %",
    ),
    Case(
        "VAT inside a price in dinars",
        "kwd",
        """
        3 × 5.250 | standard 5 inside | 15750 | 0 | 750
        1 × 0.01  | standard 5 inside |    10 | 0 |   0
        """,
        "standard 5 inside | 15010 | 750",
        (15760, 0, 15760),
    ),
    Case(
        "a sum off in dinars",
        "kwd",
        """
        1 × 2.00 | standard 5 | 2000 | 40 | 100
        1 × 2.00 | standard 5 | 2000 | 30 | 100
        1 × 2.00 | standard 5 | 2000 | 30 | 100
        """,
        "standard 5 | 5900 | 300",
        (6000, 100, 6200),
        off="0.1",
    ),
    Case(
        "prices below a dinar's step that come to whole steps",
        "kwd",
        """
        2 × 0.005  | standard 10 |    10 | 0 |    0
        10 × 1.001 | standard 10 | 10010 | 0 | 1000
        """,
        "standard 10 | 10020 | 1000",
        (10020, 0, 11020),
    ),
    Case(
        "a credit and a deposit in dinars",
        "kwd",
        """
        2 × 100    | standard 5 | 200000 | 0 | 10000
        -1 × 7.777 | standard 5 |  -7780 | 0 |  -390
        less HP-1  | standard 5 | -50000 | 0 | -2500
        """,
        "standard 5 | 142220 | 7110",
        (142220, 0, 149330),
    ),
    # By hand: 0.105 is 0.110.
    Case(
        "a sum off that a dinar's step does not have",
        "kwd",
        """
        1 × 2.00 | standard 5 | 2000 | 110 | 90
        """,
        "standard 5 | 1890 | 90",
        (2000, 110, 1980),
        off="0.105",
    ),
    # By hand: 99 at 24 % is 23.76, which is 24: sent as 12300.
    Case(
        "krónur are whole",
        "isk",
        """
        1 × 99 | standard 24 | 9900 | 0 | 2400
        """,
        "standard 24 | 9900 | 2400",
        (9900, 0, 12300),
    ),
    Case(
        "krónur for a night and a breakfast",
        "isk",
        """
        2 × 18490 | reduced 11  | 3698000 | 0 | 406800
        1.5 × 333 | standard 24 |   50000 | 0 |  12000
        3 × 0.4   | standard 24 |     100 | 0 |      0
        """,
        """
        reduced 11  | 3698000 | 406800
        standard 24 |   50100 |  12000
        """,
        (3748100, 0, 4166900),
    ),
    Case(
        "krónur for a night and a breakfast, on each line",
        "isk",
        """
        2 × 18490 | reduced 11  | 3698000 | 0 | 406800
        1.5 × 333 | standard 24 |   50000 | 0 |  12000
        3 × 0.4   | standard 24 |     100 | 0 |      0
        """,
        """
        reduced 11  | 3698000 | 406800
        standard 24 |   50100 |  12000
        """,
        (3748100, 0, 4166900),
        rounding="line",
    ),
    Case(
        "VAT inside krónur",
        "isk",
        """
        1 × 5    | standard 24 inside |    500 | 0 |   100
        3 × 1990 | reduced 11 inside  | 597000 | 0 | 59200
        """,
        """
        standard 24 inside |    400 |   100
        reduced 11 inside  | 537800 | 59200
        """,
        (597500, 0, 597500),
    ),
    Case(
        "percent off krónur",
        "isk",
        """
        3 × 333           | standard 24 | 99900 | 10000 | 21600
        1 × 100 less 33 % | reduced 11  |  6700 |   700 |   700
        """,
        """
        standard 24 | 89900 | 21600
        reduced 11  |  6000 |   700
        """,
        (106600, 10700, 118200),
        off="10 %",
    ),
    Case(
        "a sum off krónur",
        "isk",
        """
        1 × 10 | standard 24 | 1000 | 400 | 200
        1 × 10 | standard 24 | 1000 | 400 | 100
        1 × 10 | standard 24 | 1000 | 300 | 200
        """,
        "standard 24 | 1900 | 500",
        (3000, 1100, 2400),
        off="10.5",
    ),
    # Sent as one sum: 99.50 is no price that Stripe takes.
    Case(
        "half krónur that come to whole ones",
        "isk",
        """
        2 × 99.5 | standard 24 | 19900 | 0 | 4800
        4 × 0.25 | reduced 11  |   100 | 0 |    0
        """,
        """
        standard 24 | 19900 | 4800
        reduced 11  |   100 |    0
        """,
        (20000, 0, 24800),
    ),
    Case(
        "a credit in krónur",
        "isk",
        """
        4 × 2500 | standard 24 | 1000000 | 0 | 240000
        -1 × 999 | standard 24 |  -99900 | 0 | -24000
        """,
        "standard 24 | 900100 | 216000",
        (900100, 0, 1116100),
    ),
    # Sent with two decimals, it has nine digits.
    Case(
        "shillings are whole",
        "ugx",
        """
        1 × 2000000 | standard 18 | 200000000 | 0 | 36000000
        """,
        "standard 18 | 200000000 | 36000000",
        (200000000, 0, 236000000),
    ),
    Case(
        "fractions of shillings",
        "ugx",
        """
        3 × 1234.5 | standard 18 | 370400 | 0 | 66700
        0.1 × 995  | standard 18 |  10000 | 0 |  1800
        """,
        "standard 18 | 380400 | 68500",
        (380400, 0, 448900),
    ),
    Case(
        "percent off shillings, VAT inside",
        "ugx",
        """
        7 × 11800 | standard 18 inside | 8260000 | 1032500 | 1102500
        1 × 333   | exempt             |   33300 |    4200 |       0
        """,
        """
        standard 18 inside | 6125000 | 1102500
        exempt             |   29100 |       0
        """,
        (8293300, 1036700, 7256600),
        off="12.5 %",
    ),
    Case(
        "shillings on each line, with a credit",
        "ugx",
        """
        3 × 333 | standard 18 | 99900 | 0 | 18000
        1 × 111 | standard 18 | 11100 | 0 |  2000
        -1 × 55 | standard 18 | -5500 | 0 | -1000
        """,
        "standard 18 | 105500 | 19000",
        (105500, 0, 124500),
        rounding="line",
    ),
)
