"""``flask crm-stripe ...``: what an operator does and a monitor asks."""

from __future__ import annotations

from flask.cli import AppGroup

from flask_crm_stripe.cli.doctor import doctor
from flask_crm_stripe.cli.environment import confirm_environment, neutralise
from flask_crm_stripe.cli.events import catch_up, forget, replay
from flask_crm_stripe.cli.fake_stripe import fake_stripe
from flask_crm_stripe.cli.keys import rotate_keys
from flask_crm_stripe.cli.log import export_log, forget_person, verify_log
from flask_crm_stripe.cli.runs import invoice_many, run
from flask_crm_stripe.cli.safety import clear_limits
from flask_crm_stripe.cli.work import invoice, resume, sync_services, upgrade, work

OF_WORK = (upgrade, doctor, sync_services, invoice, resume, invoice_many, run, replay, catch_up, work, fake_stripe)
OF_SAFETY = (verify_log, export_log, forget_person, forget, clear_limits, rotate_keys, neutralise, confirm_environment)


def commands() -> AppGroup:
    """The group, anew for each app."""
    group = AppGroup("crm-stripe", help="Billing through Stripe.")
    for command in (*OF_WORK, *OF_SAFETY):
        group.add_command(command)
    return group
