"""Invoices whose figures somebody else has published. What is quoted stands above each case."""

from __future__ import annotations

from tests.core.worked.rows import Case

SOURCED = (
    # HMRC, "Calculating VAT for VAT-inclusive and VAT-exclusive prices"
    # (hmrc.gov.uk/vat/forms-rates/rates/calculating.htm): 100 at 20 % is 20, together 120.
    Case(
        "a hundred pounds at the standard rate",
        "gbp",
        """
        1 × 100 | standard 20 | 10000 | 0 | 2000
        """,
        "standard 20 | 10000 | 2000",
        (10000, 0, 12000),
    ),
    # The same page: 100 at 5 % is 5, together 105.
    Case(
        "a hundred pounds at the reduced rate",
        "gbp",
        """
        1 × 100 | reduced 5 | 10000 | 0 | 500
        """,
        "reduced 5 | 10000 | 500",
        (10000, 0, 10500),
    ),
    # The VAT fraction at 20 % is 1/6: 60 contains 10 (itsrelative.co.uk, 2014-06-11, vat-fraction).
    Case(
        "sixty pounds of petrol with VAT inside",
        "gbp",
        """
        1 × 60 | standard 20 inside | 6000 | 0 | 1000
        """,
        "standard 20 inside | 5000 | 1000",
        (6000, 0, 6000),
    ),
    # The same page: at 5 % it is 1/21, so 80 contains 3.81.
    Case(
        "eighty pounds with reduced VAT inside",
        "gbp",
        """
        1 × 80 | reduced 5 inside | 8000 | 0 | 381
        """,
        "reduced 5 inside | 7619 | 381",
        (8000, 0, 8000),
    ),
    # support.stripe.com/questions/rounding-rules-for-stripe-fees: 0.0645 is 0.06 and 0.726 is 0.73, together 0.79;
    # subtotal 5.27, total 6.06.
    Case(
        "Stripe's own example of rounding on each line",
        "usd",
        """
        1 × 0.43 | standard 15 |  43 | 0 |  6
        1 × 4.84 | standard 15 | 484 | 0 | 73
        """,
        "standard 15 | 527 | 79",
        (527, 0, 606),
        rounding="line",
    ),
    # developer.wafeq.com/reference/calculations-and-rounding (half up): 2.265 is 2.27 and 3.345 is 3.35, together 5.62;
    # 78.75 and 84.37.
    Case(
        "half a cent of VAT goes up on two lines",
        "usd",
        """
        1 × 45.30 | standard 5  | 4530 | 0 | 227
        1 × 33.45 | standard 10 | 3345 | 0 | 335
        """,
        """
        standard 5  | 4530 | 227
        standard 10 | 3345 | 335
        """,
        (7875, 0, 8437),
        rounding="line",
    ),
    # docs.zuora.com, "Rounding rule for inclusive tax mode", where the tax is what is rounded: 2.99 × 0.04 / 1.04 is
    # exactly 0.115, which is 0.12.
    Case(
        "half a cent of VAT inside a price goes up",
        "usd",
        """
        1 × 2.99 | standard 4 inside | 299 | 0 | 12
        """,
        "standard 4 inside | 287 | 12",
        (299, 0, 299),
    ),
    # OpenPEPPOL/peppol-bis-invoice-3, rules/examples/base-example.xml: 2800, -1500 and insurance of 25; 1325 at 25 % is
    # 331.25, to pay 1656.25.
    Case(
        "two charges and days that were returned",
        "eur",
        """
        7 × 400  | standard 25 |  280000 | 0 |  70000
        -3 × 500 | standard 25 | -150000 | 0 | -37500
        1 × 25   | standard 25 |    2500 | 0 |    625
        """,
        "standard 25 | 132500 | 33125",
        (132500, 0, 165625),
    ),
    # The same, Allowance-example.xml: 4000, 1000 and 900, cleaning of 200 and a discount of 200 on what has 25 %;
    # 4900 at 25 % is 1225, 1000 are exempt; 7125 with VAT.
    Case(
        "discounts and charges beside an exempt line",
        "eur",
        """
        10 × 410 less 100 | standard 25 | 400000 | 0 | 100000
        10 × 100          | exempt      | 100000 | 0 |      0
        10 × 100 less 100 | standard 25 |  90000 | 0 |  22500
        1 × 200           | standard 25 |  20000 | 0 |   5000
        -1 × 200          | standard 25 | -20000 | 0 |  -5000
        """,
        """
        standard 25 | 490000 | 122500
        exempt      | 100000 |      0
        """,
        (590000, 0, 712500),
    ),
    # The same, vat-category-E.xml: 10 × 120 is 1200, no VAT.
    Case(
        "exempt goods",
        "gbp",
        """
        10 × 120 | exempt | 120000 | 0 | 0
        """,
        "exempt | 120000 | 0",
        (120000, 0, 120000),
    ),
    # The same, vat-category-Z.xml.
    Case(
        "zero rated goods",
        "gbp",
        """
        10 × 120 | zero | 120000 | 0 | 0
        """,
        "zero | 120000 | 0",
        (120000, 0, 120000),
    ),
    # The same, vat-category-O.xml.
    Case(
        "road tax, outside of VAT's scope",
        "sek",
        """
        1 × 3200 | out of scope | 320000 | 0 | 0
        """,
        "out of scope | 320000 | 0",
        (320000, 0, 320000),
    ),
    # ConnectingEurope/eInvoicing-EN16931, ubl/examples/ubl-tc434-example1.xml, all its twenty lines: 183.23 at 6 % is
    # 10.99, 46.37 at 21 % is 9.74; 229.60 without VAT, 250.33 with it.
    Case(
        "a kitchen's order, with fat that was returned",
        "eur",
        """
        2 × 9.95   | reduced 6   |   1990 | 0 |  119
        1 × 9.85   | reduced 6   |    985 | 0 |   59
        1 × 8.29   | reduced 6   |    829 | 0 |   50
        2 × 7.23   | reduced 6   |   1446 | 0 |   87
        1 × 35.00  | reduced 6   |   3500 | 0 |  210
        1 × 35.00  | reduced 6   |   3500 | 0 |  210
        1 × 10.65  | reduced 6   |   1065 | 0 |   64
        1 × 1.55   | reduced 6   |    155 | 0 |    9
        3 × 4.79   | reduced 6   |   1437 | 0 |   86
        1 × 8.29   | reduced 6   |    829 | 0 |   50
        2 × 8.29   | reduced 6   |   1658 | 0 |   99
        1 × 9.95   | reduced 6   |    995 | 0 |   60
        2 × 1.65   | reduced 6   |    330 | 0 |   20
        1 × 10.80  | standard 21 |   1080 | 0 |  227
        1 × 3.90   | reduced 6   |    390 | 0 |   23
        2 × 3.80   | standard 21 |    760 | 0 |  160
        2 × 4.67   | standard 21 |    934 | 0 |  196
        1 × 18.63  | standard 21 |   1863 | 0 |  391
        6 × 17.02  | reduced 6   |  10212 | 0 |  613
        -6 × 18.33 | reduced 6   | -10998 | 0 | -660
        """,
        """
        reduced 6   | 18323 | 1099
        standard 21 |  4637 |  974
        """,
        (22960, 0, 25033),
    ),
    # The same, sample-discount-price.xml: 12.12 at 25 % is 3.03, together 15.15.
    Case(
        "a price of a hundredth of a cent",
        "eur",
        """
        100 × 0.1212 | standard 25 | 1212 | 0 | 303
        """,
        "standard 25 | 1212 | 303",
        (1212, 0, 1515),
    ),
    # The same, ubl-tc434-example2.xml: 1460.50 at 25 % is 365.125, so 365.13; 1.00 at 15 % is 0.15; -25.00 exempt;
    # 1436.50 without VAT, 1801.78 with it. We do not make it: Stripe would be told of a base below zero.
    Case(
        "laptops, a returned book and a returned exempt desktop",
        "nok",
        """
        1 × 1273   | standard 25 | 127300 | 0 | 31825
        -1 × 3.96  | standard 15 |   -396 | 0 |   -59
        2 × 2.48   | standard 15 |    496 | 0 |    74
        -1 × 25    | exempt      |  -2500 | 0 |     0
        250 × 0.75 | standard 25 |  18750 | 0 |  4688
        -1 × 100   | standard 25 | -10000 | 0 | -2500
        1 × 100    | standard 25 |  10000 | 0 |  2500
        """,
        """
        standard 25 | 146050 | 36513
        standard 15 |    100 |    15
        exempt      |  -2500 |     0
        """,
        (143650, 0, 180178),
        refused="The lines with 0 % VAT come to less than nothing.",
    ),
    # National Tax Agency of Japan, Q&A of the invoice system, Q46: one rounding for each rate of an invoice, never on
    # the lines. 999 at 10 % is 99.9; 846 at 8 % is 67.68.
    Case(
        "two rates of consumption tax, each rounded once",
        "jpy",
        """
        3 × 333 | standard 10 | 999 | 0 | 100
        7 × 105 | reduced 8   | 735 | 0 |  59
        1 × 111 | reduced 8   | 111 | 0 |   9
        """,
        """
        standard 10 | 999 | 100
        reduced 8   | 846 |  68
        """,
        (1845, 0, 2013),
    ),
)
