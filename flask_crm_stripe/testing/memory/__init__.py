"""The stores of the in-memory ledger, one module per store as in the real one."""
