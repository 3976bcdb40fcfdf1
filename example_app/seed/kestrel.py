"""Kestrel Studio, Kyoto: signs and wayfinding. It shares the CRM with Harbour & Pine, and sees none of its data."""

from __future__ import annotations

from example_app.models import Opportunity, Order, Ticket
from example_app.seed.rows import BusinessRow, Line, ServiceRow, WorkRow

KANDA = "Kanda Trading K.K."
NORTH = "Northgate Museum Trust"
TEMPLE = "Kyoto International Exchange Hall"
EMI = "Emi Nakagawa"

KESTREL = BusinessRow(
    name="Kestrel Studio",
    city="Kyoto",
    timezone="Asia/Tokyo",
    locale="en_GB",
    currency="JPY",
    address="2-14 Ebisu-cho, Nakagyo-ku, Kyoto 604-0000, Japan",
    vat_number="T1234567890123",
    users=(
        ("Jun Takahashi", "jun@kestrel.example", "admin"),
        ("Alice Hartono", "alice@kestrel.example", "sales"),
        ("Ren Mori", "ren@kestrel.example", "viewer"),
    ),
    services=(
        ServiceRow(
            "DS-01",
            "Design day",
            "A day of design by two people.",
            "day",
            "10",
            {"JPY": "98000", "USD": "640", "GBP": "510"},
        ),
        ServiceRow("DS-HR", "Design", "Design by the hour.", "hour", "10", {"JPY": "12500", "USD": "82", "GBP": "66"}),
        ServiceRow(
            "SG-PL", "Sign plate, enamelled", "600 × 400 mm, drilled.", "piece", "10", {"JPY": "34800", "GBP": "182"}
        ),
        ServiceRow("PR-BK", "Visitor guide, printed", "48 pages, two languages.", "piece", "8", {"JPY": "860"}),
    ),
    organizations=(
        {
            "name": KANDA,
            "billing_email": "ap@kanda-trading.example",
            "street": "2-8-4 Kanda Nishikicho",
            "postal_code": "101-0054",
            "city": "Tokyo",
            "country": "JP",
            "language": "ja",
            "currency": "JPY",
        },
        {
            "name": NORTH,
            "billing_email": "finance@northgatemuseum.example",
            "street": "1 Northgate",
            "postal_code": "LS2 7PN",
            "city": "Leeds",
            "country": "GB",
            "language": "en",
            "currency": "GBP",
            "vat_number": "GB123456789",
        },
        {
            "name": TEMPLE,
            "billing_email": "kaikei@kyoto-kaikan.example",
            "street": "2-1 Awataguchi Toriicho",
            "postal_code": "606-8536",
            "city": "Kyoto",
            "country": "JP",
            "language": "ja",
            "currency": "JPY",
        },
    ),
    individuals=(
        {
            "name": EMI,
            "position": "Ceramicist",
            "email": "emi@nakagawa-kiln.example",
            "street": "Gojozaka 12",
            "postal_code": "605-0846",
            "city": "Kyoto",
            "country": "JP",
            "language": "ja",
            "currency": "JPY",
        },
    ),
    work=(
        WorkRow(
            Opportunity,
            "K-311",
            "Wayfinding for the east wing",
            NORTH,
            "Won",
            27,
            lines=(
                Line("DS-01", "Wayfinding concept", (20, 15), "4", discount="5"),
                Line("SG-PL", "Sign plate, enamelled", (6,), "24", price="168.50"),
            ),
            history=((15, "The trustees chose the blue version."),),
        ),
        WorkRow(
            Opportunity,
            "K-314",
            "Signs for the language hall",
            TEMPLE,
            "Won",
            19,
            lines=(
                Line("DS-HR", "Layout in four languages", (11, 8), "13.5"),
                Line("SG-PL", "Sign plate, enamelled", (4,), "9"),
            ),
        ),
        WorkRow(Opportunity, "K-317", "Packaging, autumn tea", KANDA, "Proposal", 8, extra="12"),
        WorkRow(
            Ticket,
            "K-T52",
            "Plate 14 hangs upside down",
            TEMPLE,
            "Done",
            3,
            lines=(Line("DS-HR", "New fixing plan for plate 14", (2,), "0.75"),),
        ),
        WorkRow(
            Order,
            "K-O88",
            "Visitor guides, second print",
            EMI,
            "Delivered",
            7,
            lines=(Line("PR-BK", "Visitor guide, printed", (5,), "150"),),
        ),
    ),
)
