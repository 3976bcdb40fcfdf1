"""Harbour & Pine Consulting, Rotterdam: plans yards, warehouses and the software they run on."""

from __future__ import annotations

from example_app.seed.harbour_contacts import INDIVIDUALS, ORGANIZATIONS
from example_app.seed.harbour_work import WORK
from example_app.seed.rows import BusinessRow, ServiceRow

USERS = (
    ("Ines Okafor", "ines@harbourpine.example", "admin"),
    ("Mara Lindqvist", "mara@harbourpine.example", "sales"),
    ("Pieter Vos", "pieter@harbourpine.example", "viewer"),
)

SERVICES = (
    ServiceRow(
        "PW-01",
        "Process workshop on site",
        "One day with your team, on your floor: how goods and papers really move, and what to change first.",
        "day",
        "21",
        {"EUR": "1450", "USD": "1580", "GBP": "1260", "JPY": "235000"},
    ),
    ServiceRow(
        "CO-SR",
        "Senior consulting",
        "Planning, negotiation and hands-on help by a senior consultant.",
        "hour",
        "21",
        {"EUR": "160", "USD": "175", "GBP": "140", "JPY": "26000"},
    ),
    ServiceRow(
        "CO-JR",
        "Consulting",
        "Analysis, data and documentation.",
        "hour",
        "21",
        {"EUR": "95", "USD": "105", "JPY": "15500"},
    ),
    ServiceRow(
        "TR-HB",
        "Training handbook, printed",
        "The course as a book, 180 pages, spiral bound.",
        "piece",
        "9",
        {"EUR": "38.50", "USD": "42", "JPY": "6200"},
    ),
    ServiceRow(
        "TR-DAY",
        "Training day",
        "Up to twelve people, materials included.",
        "day",
        "21",
        {"EUR": "1190", "USD": "1300"},
    ),
    ServiceRow("TRAVEL", "Travel, at cost", "Tickets and nights as they were paid.", "piece", "9", {}),
    ServiceRow(
        "SW-LIC",
        "Planning software licence, 1 year",
        "One site, any number of people.",
        "piece",
        "21",
        {"EUR": "1100", "USD": "1200", "JPY": "178000"},
    ),
    ServiceRow(
        "SU-HR",
        "Support",
        "Remote help, charged by the quarter of an hour.",
        "hour",
        "21",
        {"EUR": "88", "USD": "96", "JPY": "14000"},
    ),
    ServiceRow(
        "AUD-01",
        "Stock audit",
        "Counted once, explained twice. Replaced by PW-01.",
        "day",
        "21",
        {"EUR": "980"},
        active=False,
    ),
)

HARBOUR = BusinessRow(
    name="Harbour & Pine Consulting",
    city="Rotterdam",
    timezone="Europe/Amsterdam",
    locale="en_GB",
    currency="EUR",
    address="Westerkade 18, 3016 CM Rotterdam, Netherlands",
    vat_number="NL004567891B01",
    users=USERS,
    services=SERVICES,
    organizations=ORGANIZATIONS,
    individuals=INDIVIDUALS,
    work=WORK,
)
