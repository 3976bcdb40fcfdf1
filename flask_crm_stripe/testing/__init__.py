"""What a CRM's maintainer tests with: a Stripe on one's own machine, and in-memory twins of every port.

With pytest: ``pytest_plugins = ["flask_crm_stripe.testing.fixtures"]``. How to use it is in docs/testing.md.
"""

from __future__ import annotations

from flask_crm_stripe.testing.fake_stripe import FakeStripe, Switches
from flask_crm_stripe.testing.memory_crm import MemoryCRM
from flask_crm_stripe.testing.memory_ledger import MemorySharedLedger
from flask_crm_stripe.testing.memory_provider import MemoryProvider, MemoryProviders

__all__ = ["FakeStripe", "MemoryCRM", "MemoryProvider", "MemoryProviders", "MemorySharedLedger", "Switches"]
