"""The host's database: our memory in tables of our own, and the CRM's rows."""
