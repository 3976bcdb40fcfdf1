"""What an operator does with many invoices at once."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from flask_crm_stripe.cli.common import app_state, billing_of, business_option, in_words
from flask_crm_stripe.core.billing import Billing
from flask_crm_stripe.core.figures import Terms
from flask_crm_stripe.core.run_work import RunWork
from flask_crm_stripe.core.runs import LOOK_AGAIN
from flask_crm_stripe.model.crm import SourceRef
from flask_crm_stripe.model.invoices import Delivery
from flask_crm_stripe.model.money import Money
from flask_crm_stripe.model.runs import OPEN, ItemState, Run, RunState
from flask_crm_stripe.ports.crm import ListsSources

DEEDS = ("show", "stop", "resume", "retry", "work")
ROWS = 1000


@click.command("run")
@with_appcontext
@click.argument("run_id")
@click.argument("deed", type=click.Choice(DEEDS), default="show")
@business_option
@with_appcontext
def run(run_id: str, deed: str, business: str) -> None:
    """Show a run of many invoices, or stop it, let it go on, try again what failed, or work on it right here."""
    with in_words():
        billing = billing_of(business)
        if deed == "retry":
            click.echo(f"{billing.runs.retry(run_id)} are tried again.")
        elif deed == "stop":
            billing.runs.stop(run_id)
        elif deed == "resume":
            billing.runs.resume(run_id)
        elif deed == "work":
            _work(billing, run_id)
        _show(billing, billing.runs.get(run_id))


def _work(billing: Billing, run_id: str) -> None:
    """Until nothing of it can be done now."""
    billing.environment.require_real("make invoices")
    worker = RunWork(app_state().ready())
    while worker.go_on(billing.business.ref, billing.runs.get(run_id).id):
        click.echo(_words(billing, billing.runs.get(run_id)))


def _show(billing: Billing, found: Run) -> None:
    click.echo(_words(billing, found))
    for item in billing.ledger.runs.items(found.id, ItemState.FAILED, ROWS):
        again = "" if item.seen and item.code not in LOOK_AGAIN else " (look at it again)"
        click.echo(f"- {item.source.kind}:{item.source.ref} {item.title}: {item.reason}{again}")


def _words(billing: Billing, found: Run) -> str:
    count = dict.fromkeys(ItemState, 0)
    for each in billing.ledger.runs.tally(found.id):
        count[each.state] += each.count
    left = sum(count[state] for state in OPEN)
    done, failed = count[ItemState.DONE], count[ItemState.FAILED]
    verb = {RunState.PLANNED: "not started"}.get(found.state, found.state.value)
    return f"{verb}: {done} made, {failed} need a look, {left} to go"


@click.command("invoice-many")
@with_appcontext
@click.argument("sources", nargs=-1, metavar="KIND:REF ...")
@business_option
@click.option("--draft", is_flag=True, help="Leave drafts at Stripe; else they are sent.")
@click.option("--link", is_flag=True, help="Only make payment links; else Stripe mails each invoice.")
@click.option("--yes", is_flag=True, help="Start without asking.")
@with_appcontext
def invoice_many(sources: tuple[str, ...], business: str, draft: bool, link: bool, yes: bool) -> None:
    """Make an invoice for each source (order:17); for all with work to bill where none is named."""
    with in_words():
        billing = billing_of(business)
        terms = Terms(delivery=Delivery.LINK if link else Delivery.MAIL)
        planned = billing.runs.plan(_chosen(billing, sources), terms, send=not draft)
        _show(billing, planned)
        for each in billing.runs.tally(planned.id):
            if each.state is ItemState.WAITING:
                click.echo(f"{each.count} invoices, {Money(each.total, each.currency)}")
        if not yes:
            click.confirm("Make them?", abort=True)
        started = billing.runs.start(planned.id)
        click.echo(f"Run {started.id}")
        _show(billing, started)


def _chosen(billing: Billing, named: tuple[str, ...]) -> list[SourceRef]:
    if named:
        pairs = [text.partition(":") for text in named]
        return [SourceRef(kind, ref) for kind, _, ref in pairs]
    if not isinstance(billing.crm, ListsSources):
        raise click.UsageError("This CRM does not list its sources. Name them, like order:17.")
    return list(billing.crm.sources_to_bill())
