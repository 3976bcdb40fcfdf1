"""Stripe behind the port ``ports/provider.py``: one module per capability, as in the other rings."""
