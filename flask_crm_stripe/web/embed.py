"""Billing inside the host's own pages: what the macros of ``crm_stripe/embed.html`` call.

None of it fails the page that it stands in, and a person without the permission to view sees nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ParamSpec

from flask import Blueprint, g, render_template
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup

from flask_crm_stripe.errors import BillingError, FinanceModuleOff, NotPermitted, SetupMissing
from flask_crm_stripe.model.crm import ContactRef, SourceRef
from flask_crm_stripe.model.invoices import InvoiceFilter
from flask_crm_stripe.web import page
from flask_crm_stripe.web.choice import choice_values
from flask_crm_stripe.web.context import LoginNeeded, embedded_billing
from flask_crm_stripe.web.invoices import FUTURE
from flask_crm_stripe.web.page import shared_values

log = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")
LATEST = 3


def register(blueprint: Blueprint) -> None:
    """What our own templates know; and one name in the templates of the whole app, ``crm_stripe_ui``."""
    page.register(blueprint)
    blueprint.record_once(_provide)


def _provide(setup: BlueprintSetupState) -> None:
    setup.app.jinja_env.globals["crm_stripe_ui"] = Embedded()


def quiet(part: Callable[Arguments, Markup]) -> Callable[Arguments, Markup]:
    """Nothing for those who may not see it; one quiet line where it can't be shown."""

    def shown(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Markup:
        try:
            return part(*args, **kwargs)
        except (LoginNeeded, NotPermitted, FinanceModuleOff, SetupMissing):
            return Markup("")
        except BillingError as error:
            log.warning("Billing could not be shown in a page of the CRM: %s", error.code)
        except Exception:
            log.exception("Billing could not be shown in a page of the CRM")
        return _render("_embed_failed.html")

    return shown


class Embedded:
    """The parts."""

    @quiet
    def head(self, bootstrap: bool = False) -> Markup:
        """Style sheet and script, once however often it is called."""
        if g.get("crm_stripe_head"):
            return Markup("")
        g.crm_stripe_head = True
        return _render("_embed_head.html", bootstrap=bootstrap)

    @quiet
    def navigation(self) -> Markup:
        """The entries of billing, for a layout of the host's."""
        embedded_billing()
        return _render("_embed_navigation.html")

    @quiet
    def billables_tab(self, kind: str, ref: object, level: int = 2) -> Markup:
        """The work to bill of an opportunity, ticket or order."""
        billing = embedded_billing()
        return _render("_embed_billables.html", level=level, **choice_values(billing, SourceRef(kind, str(ref))))

    @quiet
    def invoice_status(self, billable: object) -> Markup:
        """The status of a billable's invoice, by the billable's ref; nothing where it has none."""
        billing = embedded_billing()
        ref = str(billable)
        known: dict[str, object] = g.setdefault("crm_stripe_invoices", {})
        if ref not in known:
            known[ref] = billing.ledger.invoices.of_billables([ref], billing.livemode).get(ref)
        return _render("_embed_status.html", invoice=known[ref]) if known[ref] else Markup("")

    @quiet
    def customer_panel(self, kind: str, ref: object, level: int = 2) -> Markup:
        """What a contact owes, and its last invoices."""
        billing = embedded_billing()
        chosen = InvoiceFilter(contact=ContactRef(kind, str(ref)), books=billing.connection.books())
        return _render(
            "_embed_customer.html",
            level=level,
            kind=kind,
            ref=str(ref),
            outstanding=[row for row in billing.ledger.invoices.outstanding(chosen, FUTURE) if row.count],
            invoices=billing.ledger.invoices.page(chosen, None, LATEST).rows,
        )


def _render(template: str, **values: object) -> Markup:
    """Our own values win over what the host's context processors know by the same names."""
    return Markup(render_template(f"crm_stripe/{template}", **{**shared_values(), **values}))  # noqa: S704
