"""What a request knows: the app's billing, the business, the person. Everything is closed until this has opened it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from flask import current_app, g, request
from werkzeug.local import LocalProxy

from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.errors import FinanceModuleOff, HostTransactionOpen, NotPermitted
from flask_crm_stripe.model.business import VIEW
from flask_crm_stripe.state import EXTENSION, State
from flask_crm_stripe.web.login import with_login

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")
BLUEPRINT = "crm_stripe"
DEED = "use billing"


def state() -> State:
    """The state of the current app."""
    return cast(State, current_app.extensions[EXTENSION])


class LoginNeeded(Exception):
    """Nobody is logged in."""


def open_billing(*, noted: bool = True) -> None:
    """Before each of our pages: set up, logged in, in a business, permitted to view, finance module on.

    Raises ``SetupMissing``, ``LoginNeeded``, ``NotPermitted``, ``FinanceModuleOff``. Not ``noted``: somebody looks at a
    page of the host's, and did not ask for anything that could be refused.
    """
    found = state()
    actor = found.load_actor()
    if actor is None:
        raise LoginNeeded
    g.crm_stripe_actor = actor = with_login(actor)
    platform = found.ready()
    business = found.load_business()
    if business is None:
        raise LoginNeeded
    billing = platform.billing(business, actor)
    if noted:
        billing.rights.require(VIEW, DEED)
    elif not actor.may(VIEW):
        raise NotPermitted(VIEW, DEED)
    if not found.finance_enabled(business.ref):
        raise FinanceModuleOff
    g.crm_stripe_billing = billing


def notice_rolled_key() -> None:
    """Where nothing but the platform's key is another than at home, Stripe is asked whether it is the same platform's,
    once a minute at most: then it was rolled, or went from test to live, and this is no copy."""
    environment = cast(Billing, g.crm_stripe_billing).environment
    upkeep = state().upkeep
    if upkeep is None or not environment.is_copy or environment.differences() != ("key",):
        return
    try:
        state().release_host_session()
    except HostTransactionOpen:
        return  # The next page asks.
    if upkeep.recognise_key():
        open_billing()


def embedded_billing() -> Billing:
    """The request's billing, for parts of the host's own pages."""
    if "crm_stripe_billing" not in g:
        open_billing(noted=False)
    return cast(Billing, g.crm_stripe_billing)


def calls_stripe(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """For views whose use case asks Stripe: no transaction of the host's may be open meanwhile.

    Raises ``HostTransactionOpen`` where the host has written and not committed.
    """

    @functools.wraps(view)
    def released(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        state().release_host_session()
        return view(*args, **kwargs)

    return released


def _billing() -> Billing:
    """In our own pages the guard has opened it. In a host's view it opens by itself, and nothing that the host has
    written may be waiting for a commit, whatever is then called: half of a use case cannot be taken back.
    """
    if (request.blueprint or "").rpartition(".")[2] != BLUEPRINT:
        release = state().release_host_session
        release()
        if "crm_stripe_billing" not in g:
            open_billing()
            release()  # The host's loaders have read.
    return cast(Billing, g.crm_stripe_billing)


current_billing: Billing = LocalProxy(_billing)  # type: ignore[assignment]  # a proxy stands for what it holds
"""The billing of the person who makes this request, in their business; in our pages and in a host's own views.

Raises ``HostTransactionOpen`` in a host's view that has written and not committed, and what ``open_billing`` raises.
"""
