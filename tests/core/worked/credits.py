"""Credits, what comes to nothing, and final invoices that take off what earlier ones charged."""

from __future__ import annotations

from tests.core.worked.rows import Case

CREDITS = (
    Case(
        "a day less than was paid for",
        "eur",
        """
        3 × 725  | standard 21 | 217500 | 0 |  45675
        -1 × 725 | standard 21 | -72500 | 0 | -15225
        """,
        "standard 21 | 145000 | 30450",
        (145000, 0, 175450),
    ),
    Case(
        "a price below zero",
        "eur",
        """
        3 × 19.99 | standard 21 | 5997 | 0 | 1260
        1 × -4.99 | standard 21 | -499 | 0 | -105
        """,
        "standard 21 | 5498 | 1155",
        (5498, 0, 6653),
    ),
    Case(
        "less of less is more",
        "eur",
        """
        -2 × -5 | standard 21 | 1000 | 0 | 210
        """,
        "standard 21 | 1000 | 210",
        (1000, 0, 1210),
    ),
    # By hand: 87.66 less 10.00 is 77.66, VAT 16.31; -20.00 has -4.20; for the rate 57.66 has 12.11.
    Case(
        "a credit is not discounted",
        "eur",
        """
        1 × 100 less 12.34 | standard 21 |  8766 | 1000 | 1631
        -1 × 20            | standard 21 | -2000 |    0 | -420
        """,
        "standard 21 | 5766 | 1211",
        (6766, 1000, 6977),
        off="10",
    ),
    Case(
        "a credit is not discounted, in percent",
        "eur",
        """
        10 × 9.99 | standard 21 | 9990 | 999 | 1888
        -1 × 9.99 | standard 21 | -999 |   0 | -210
        1 × 5.55  | reduced 9   |  555 |  56 |   45
        """,
        """
        standard 21 | 7992 | 1678
        reduced 9   |  499 |   45
        """,
        (9546, 1055, 10214),
        off="10 %",
    ),
    Case(
        "credits of two rates, on each line",
        "eur",
        """
        5 × 9.99  | standard 21 | 4995 | 0 | 1049
        -1 × 3.33 | standard 21 | -333 | 0 |  -70
        5 × 1.11  | reduced 9   |  555 | 0 |   50
        -2 × 0.77 | reduced 9   | -154 | 0 |  -14
        """,
        """
        standard 21 | 4662 | 979
        reduced 9   |  401 |  36
        """,
        (5063, 0, 6078),
        rounding="line",
    ),
    Case(
        "credits of two rates, for the rate",
        "eur",
        """
        5 × 9.99  | standard 21 | 4995 | 0 | 1049
        -1 × 3.33 | standard 21 | -333 | 0 |  -70
        5 × 1.11  | reduced 9   |  555 | 0 |   50
        -2 × 0.77 | reduced 9   | -154 | 0 |  -14
        """,
        """
        standard 21 | 4662 | 979
        reduced 9   |  401 |  36
        """,
        (5063, 0, 6078),
    ),
    Case(
        "a credit with VAT inside",
        "eur",
        """
        2 × 60.50  | standard 21 inside | 12100 | 0 | 2100
        -1 × 12.10 | standard 21 inside | -1210 | 0 | -210
        """,
        "standard 21 inside | 9000 | 1890",
        (10890, 0, 10890),
    ),
    Case(
        "one rate comes to nothing",
        "eur",
        """
        1 × 40  | standard 21 |  4000 | 0 |  840
        -1 × 40 | standard 21 | -4000 | 0 | -840
        1 × 10  | reduced 9   |  1000 | 0 |   90
        """,
        """
        standard 21 |    0 |  0
        reduced 9   | 1000 | 90
        """,
        (1000, 0, 1090),
    ),
    Case(
        "all of it comes to nothing",
        "eur",
        """
        1 × 40  | standard 21 |  4000 | 0 |  840
        -1 × 40 | standard 21 | -4000 | 0 | -840
        """,
        "standard 21 | 0 | 0",
        (0, 0, 0),
    ),
    Case(
        "many credits too small to have VAT alone",
        "eur",
        """
        1 × 1.00  | standard 21 | 100 | 0 | 16
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        """,
        "standard 21 | 76 | 16",
        (76, 0, 92),
    ),
    Case(
        "many credits too small to have VAT alone, on each line",
        "eur",
        """
        1 × 1.00  | standard 21 | 100 | 0 | 21
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        -1 × 0.02 | standard 21 |  -2 | 0 |  0
        """,
        "standard 21 | 76 | 21",
        (76, 0, 97),
        rounding="line",
    ),
    Case(
        "an exempt credit beside an exempt charge",
        "eur",
        """
        1 × 100 | exempt      | 10000 | 0 |   0
        -1 × 30 | exempt      | -3000 | 0 |   0
        1 × 10  | standard 21 |  1000 | 0 | 210
        """,
        """
        exempt      | 7000 |   0
        standard 21 | 1000 | 210
        """,
        (8000, 0, 8210),
    ),
    Case(
        "a reverse charge credit",
        "eur",
        """
        10 × 92.50 | reverse charge | 92500 | 925 | 0
        -1 × 92.50 | reverse charge | -9250 |   0 | 0
        """,
        "reverse charge | 82325 | 0",
        (83250, 925, 82325),
        customer="reverse charge",
        off="1 %",
    ),
    Case(
        "nothing but a credit",
        "eur",
        """
        -1 × 145 | standard 21 | -14500 | 0 | -3045
        """,
        "standard 21 | -14500 | -3045",
        (-14500, 0, -17545),
        refused="These lines come to less than nothing.",
    ),
    Case(
        "two credits of a third of a cent of VAT",
        "eur",
        """
        -1 × 0.03 | standard 10 | -3 | 0 | -1
        -1 × 0.02 | standard 10 | -2 | 0 |  0
        """,
        "standard 10 | -5 | -1",
        (-5, 0, -6),
        refused="These lines come to less than nothing.",
    ),
    Case(
        "one rate below zero in an invoice above",
        "eur",
        """
        1 × 100 | standard 21 | 10000 | 0 | 2100
        -1 × 10 | reduced 9   | -1000 | 0 |  -90
        """,
        """
        standard 21 | 10000 | 2100
        reduced 9   | -1000 |  -90
        """,
        (9000, 0, 11010),
        refused="The lines with 9 % VAT come to less than nothing.",
    ),
    Case(
        "a final invoice takes off the deposit",
        "eur",
        """
        1 × 10000 | standard 21 | 1000000 | 0 | 210000
        less HP-1 | standard 21 | -300000 | 0 | -63000
        """,
        "standard 21 | 700000 | 147000",
        (700000, 0, 847000),
    ),
    # By hand: 100.05 has 21.0105; 33.35 has 7.0035, but 7.01 were charged.
    Case(
        "the deposit's VAT is a cent more than ours would be",
        "eur",
        """
        3 × 33.35 | standard 21 | 10005 | 0 | 2101
        less HP-1 | standard 21 | -3335 | 0 | -701
        """,
        "standard 21 | 6670 | 1400",
        (6670, 0, 8070),
    ),
    Case(
        "two deposits at two rates",
        "eur",
        """
        40 × 95   | standard 21 |  380000 | 0 |  79800
        10 × 12.5 | reduced 9   |   12500 | 0 |   1125
        less HP-1 | standard 21 | -100000 | 0 | -21000
        less HP-1 | reduced 9   |   -5000 | 0 |   -450
        less HP-2 | standard 21 |  -50001 | 0 | -10500
        """,
        """
        standard 21 | 229999 | 48300
        reduced 9   |   7500 |   675
        """,
        (237499, 0, 286474),
    ),
    Case(
        "a deposit with VAT inside, rounded on each line",
        "eur",
        """
        2 × 60.50 | standard 21 inside | 12100 | 0 | 2100
        1 × 0.03  | standard 21 inside |     3 | 0 |    1
        less HP-1 | standard 21 inside | -4050 | 0 | -703
        """,
        "standard 21 inside | 6655 | 1398",
        (8053, 0, 8053),
        rounding="line",
    ),
    Case(
        "the invoice discount is of the work, not of the deposit",
        "eur",
        """
        1 × 1000  | standard 21 | 100000 | 10000 | 18900
        1 × 99.99 | reduced 9   |   9999 |  1000 |   810
        less HP-1 | standard 21 | -25000 |     0 | -5250
        """,
        """
        standard 21 | 65000 | 13650
        reduced 9   |  8999 |   810
        """,
        (84999, 11000, 88459),
        off="10 %",
    ),
    Case(
        "the deposit was all of it",
        "eur",
        """
        1 × 500   | standard 21 |  50000 | 0 |  10500
        less HP-1 | standard 21 | -50000 | 0 | -10500
        """,
        "standard 21 | 0 | 0",
        (0, 0, 0),
    ),
    Case(
        "the deposit was all but a cent of VAT",
        "eur",
        """
        1 × 500   | standard 21 |  50000 | 0 |  10500
        less HP-1 | standard 21 | -50000 | 0 | -10499
        """,
        "standard 21 | 0 | 1",
        (0, 0, 1),
    ),
    Case(
        "an exempt deposit",
        "eur",
        """
        1 × 500   | exempt |  50000 | 0 | 0
        less HP-1 | exempt | -12500 | 0 | 0
        """,
        "exempt | 37500 | 0",
        (37500, 0, 37500),
    ),
    Case(
        "the deposit was more than the work",
        "eur",
        """
        1 × 500   | standard 21 |  50000 | 0 |  10500
        less HP-1 | standard 21 | -60000 | 0 | -12600
        """,
        "standard 21 | -10000 | -2100",
        (-10000, 0, -12100),
        refused="These lines come to less than nothing.",
    ),
    Case(
        "the deposit had more VAT than the work",
        "eur",
        """
        1 × 500   | standard 21 |  50000 | 0 |  10500
        less HP-1 | standard 21 | -49999 | 0 | -10501
        """,
        "standard 21 | 1 | -1",
        (1, 0, 0),
        refused="The lines with 21 % VAT come to less than nothing.",
    ),
)
