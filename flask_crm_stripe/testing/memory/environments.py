"""Where the in-memory ledger is at home, and what makes a copy of it harmless."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime

from flask_crm_stripe.model.approvals import ApprovalState
from flask_crm_stripe.model.connection import ConnectionState, Ending, Installation
from flask_crm_stripe.model.events import EventState
from flask_crm_stripe.model.runs import RunState
from flask_crm_stripe.testing.memory.connections import EVER, ended
from flask_crm_stripe.testing.memory.state import State

EVERYBODY = "*"
NEUTRALISED = "This is a copy that was made harmless."


def homes(state: State, business: str) -> list[str]:
    """Environments in which the business is the real one."""
    with state.lock:
        return list(dict.fromkeys(home for who, home in state.homes if who in (business, EVERYBODY)))


def make_home(state: State, business: str, fingerprint: str) -> None:
    """This environment is the real one for a business, or for everybody."""
    with state.lock:
        state.homes.append((business, fingerprint))
        for each in list(state.connections.values()):
            if each.state is not ConnectionState.ENDED and business in (each.business, EVERYBODY):
                state.connections[each.id] = replace(each, fingerprint=fingerprint)


def installation(state: State, first_id: str, fingerprint: str) -> Installation:
    """This ledger, made known once."""
    with state.lock:
        if state.installation is None:
            state.installation = Installation(first_id)
        if not state.homes:
            state.homes.append((EVERYBODY, fingerprint))
        return state.installation


def note_platform(state: State, account_id: str) -> None:
    """Remember the platform's account, once."""
    with state.lock:
        if state.installation is not None and state.installation.platform_account is None:
            state.installation = replace(state.installation, platform_account=account_id)


def neutralise(state: State, fingerprint: str, now: datetime) -> int:
    """No connection and no waiting work is left, and the id is another."""
    with state.lock:
        live = [each for each in state.connections.values() if each.state is ConnectionState.LIVE]
        for each in live:
            alone = replace(each, leaving_by=None, leaving_reason=None)
            state.connections[each.id] = ended(alone, "", Ending.NEUTRALISED, NEUTRALISED, now)
        pending = [each.id for each in state.connections.values() if each.state not in EVER]
        for connection_id in pending:
            del state.connections[connection_id]
        _drop_work(state, now)
        state.homes = [(EVERYBODY, fingerprint)]
        state.installation = Installation(uuid.uuid4().hex)
        return len(live)


def _drop_work(state: State, now: datetime) -> None:
    state.consents.clear()
    state.outbox.clear()
    state.leases.clear()
    state.endpoints.clear()
    state.strays.clear()
    state.caught_up.clear()
    for number, approval in list(state.approvals.values()):
        if approval.state in (ApprovalState.WAITING, ApprovalState.AGREED):
            gone = replace(approval, state=ApprovalState.WITHDRAWN, decided_at=now, decision=NEUTRALISED)
            state.approvals[approval.id] = (number, gone)
    for event in list(state.events.values()):
        if event.state in (EventState.WAITING, EventState.FAILED):
            ignored = replace(event, state=EventState.IGNORED, reason=NEUTRALISED, retry_at=None)
            state.events[event.id] = ignored
    for number, (business, notice) in list(state.notices.items()):
        state.notices[number] = (business, replace(notice, told_at=notice.told_at or now))
    for values in state.settings.values():
        for key in [key for key in values if key.startswith("notify")]:
            del values[key]
    for kept in state.runs.values():
        if kept.run.state is RunState.RUNNING:
            kept.run = replace(kept.run, state=RunState.STOPPED, ended_at=now)
    for row in state.invoices:
        row.invoice = replace(row.invoice, told_version=row.invoice.version)
