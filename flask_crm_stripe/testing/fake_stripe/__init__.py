"""FakeStripe: a stateful Stripe for one's own machine, never kinder than the real one.

Under the SDK, without sockets::

    fake = FakeStripe()
    account = fake.create_account("Harbour Physio", "NL", "eur")
    client = stripe.StripeClient("sk_test_anything", http_client=fake.http_client())
    fake.mount(session)                     # a requests session whose calls to Stripe come here: /oauth/token
    fake.authorize(url, account["id"])      # what the business does on the Connect page
    fake.pay(invoice.hosted_invoice_url)    # what the customer does
    fake.update_account(account["id"], charges_enabled=False)               # what its owner or Stripe changes
    fake.deliver()                          # the webhooks that are due, to what fake.on_delivery(...) was given

Over HTTP: ``flask crm-stripe fake-stripe``, or ``fake.serve()``. ``FakeStripe(livemode=True)`` plays live mode.

Every request is checked against the parameter types of the installed SDK and against the rules between parameters that
the types do not know; what is not built answers 501. Where nobody outside Stripe can be sure, ``Switches`` has both
behaviours.
"""

from __future__ import annotations

from .server import FakeStripe
from .switches import Switches

__all__ = ["FakeStripe", "Switches"]
