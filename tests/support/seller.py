"""What an invoice has to say of the business, for tests that bill."""

from __future__ import annotations

SELLER = {"seller_address": "Havenkade 12\n2611 Delft\nNetherlands", "seller_vat_number": "NL001234567B01"}
