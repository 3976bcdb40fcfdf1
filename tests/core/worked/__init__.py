"""Worked invoices: what goes in, and every figure that has to come out."""
