"""The customers of Harbour & Pine Consulting."""

from __future__ import annotations

VAN_DEN_BERG = "Van den Berg & Zonen Scheepsbouw en Reparatie Groningen B.V."
GESELLSCHAFT = "Gesellschaft für angewandte Hafenlogistik und Umschlagtechnik mbH & Co. KG"
MOLLER = "Møller & Søn A/S"
KANDA = "Kanda Trading K.K."
PALM = "شركة النخيل للتجارة والاستشارات"
OBRIEN = "O'Brien & Daughters Chandlery Ltd"
ALDER = "Alder Street Dental"
LUMIERE = "Brasserie Lumière SARL"
SOFIE = "Sofie van Rijn"
TOMAS = "Tomás Ferreira"

ORGANIZATIONS = (
    {
        "name": VAN_DEN_BERG,
        "billing_email": "administratie@vandenberg-zonen.example",
        "street": "Industrieweg 114",
        "postal_code": "9723 DB",
        "city": "Groningen",
        "country": "NL",
        "phone": "+31 50 555 0142",
        "language": "nl",
        "currency": "EUR",
        "vat_number": "NL812345678B01",
    },
    {
        "name": GESELLSCHAFT,
        "billing_email": "rechnungseingang@hafenlogistik.example",
        "street": "Am Sandtorkai 50",
        "postal_code": "20457",
        "city": "Hamburg",
        "country": "DE",
        "phone": "+49 40 555 01 88",
        "language": "de",
        "currency": "EUR",
        "vat_number": "DE811234567",
    },
    {
        "name": MOLLER,
        "billing_email": "bogholderi@moller-son.example",
        "street": "Havnegade 21",
        "postal_code": "8000",
        "city": "Aarhus",
        "country": "DK",
        "phone": "+45 55 50 12 30",
        "language": "da",
        "currency": "EUR",
        "vat_number": "DK12345678",
    },
    {
        "name": KANDA,
        "billing_email": "keiri@kanda-trading.example",
        "street": "2-8-4 Kanda Nishikicho",
        "postal_code": "101-0054",
        "city": "Tokyo",
        "country": "JP",
        "phone": "+81 3 5550 1122",
        "language": "ja",
        "currency": "JPY",
    },
    {
        "name": PALM,
        "billing_email": "accounts@alnakheel.example",
        "street": "Al Maktoum Road 7",
        "city": "Dubai",
        "country": "AE",
        "phone": "+971 4 555 0147",
        "language": "en",
        "currency": "USD",
    },
    {
        "name": OBRIEN,
        "billing_email": "ledger@obrien-chandlery.example",
        "street": "14 Harbour Row",
        "postal_code": "P24 XY10",
        "city": "Cobh",
        "country": "IE",
        "phone": "+353 21 555 0119",
        "language": "en",
        "currency": "EUR",
        "vat_number": "IE1234567FA",
    },
    {
        "name": ALDER,
        "billing_email": "office@alderstreetdental.example",
        "street": "418 Alder Street",
        "postal_code": "97205",
        "city": "Portland, OR",
        "country": "US",
        "phone": "+1 503 555 0164",
        "language": "en",
        "currency": "USD",
    },
    {
        "name": LUMIERE,
        "street": "6 quai des Belges",
        "postal_code": "13001",
        "city": "Marseille",
        "country": "FR",
        "language": "fr",
        "currency": "EUR",
        "vat_number": "FR40123456789",
    },
)

INDIVIDUALS = (
    {
        "name": "Hendrik van den Berg",
        "position": "Yard manager",
        "at": VAN_DEN_BERG,
        "email": "hendrik@vandenberg-zonen.example",
        "currency": "EUR",
        "city": "Groningen",
        "country": "NL",
    },
    {
        "name": "Dr. Annegret Thomsen",
        "position": "Head of purchasing",
        "at": GESELLSCHAFT,
        "email": "thomsen@hafenlogistik.example",
        "currency": "EUR",
        "city": "Hamburg",
        "country": "DE",
    },
    {
        "name": "Yuki Kanda",
        "position": "Director",
        "at": KANDA,
        "email": "yuki@kanda-trading.example",
        "currency": "JPY",
        "city": "Tokyo",
        "country": "JP",
    },
    {
        "name": SOFIE,
        "position": "Naval architect",
        "email": "sofie.van.rijn@mail.example",
        "street": "Willemskade 18",
        "postal_code": "3016 DL",
        "city": "Rotterdam",
        "country": "NL",
        "phone": "+31 6 5550 0171",
        "language": "nl",
        "currency": "EUR",
    },
    {
        "name": TOMAS,
        "position": "Independent surveyor",
        "email": "tomas@ferreira-surveys.example",
        "street": "Rua do Salitre 91",
        "postal_code": "1250-198",
        "city": "Lisbon",
        "country": "PT",
        "language": "pt",
        "currency": "EUR",
    },
)
