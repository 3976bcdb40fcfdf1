"""The webhook endpoint at Stripe: made, looked at, mended and rolled. Only those that we made are ever changed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask_crm_stripe.core.environment import Environment
from flask_crm_stripe.core.event_types import WANTED
from flask_crm_stripe.core.line import watched
from flask_crm_stripe.core.log import ActionLog
from flask_crm_stripe.core.rights import Rights
from flask_crm_stripe.model.business import ADMIN
from flask_crm_stripe.model.endpoints import EndpointHealth, OwnEndpoint, RemoteEndpoint
from flask_crm_stripe.ports.inbox import EndpointStore
from flask_crm_stripe.ports.provider import Provider
from flask_crm_stripe.ports.runtime import Clock

STAYS_FOR = timedelta(days=4)
"""Stripe delivers for three days: after four nothing is on its way to an endpoint that another has replaced."""

MISSING, DISABLED, ELSEWHERE, DOUBLED = "missing", "disabled", "elsewhere", "doubled"
VERSION, EVENTS, SECRET = "version", "events", "secret"
SAID = {
    MISSING: "Stripe has no webhook endpoint for {url}, so no news can come.",
    DISABLED: "The webhook endpoint for {url} is switched off at Stripe, so no news comes.",
    ELSEWHERE: "The webhook endpoint of this CRM sends to {address} instead of {url}, so no news comes.",
    DOUBLED: "Stripe has several webhook endpoints for {url}: every event comes more than once, which does no harm.",
    VERSION: "The webhook endpoint sends events in another version of Stripe's API than this package speaks.",
    EVENTS: "The webhook endpoint does not listen to all events that billing needs.",
    SECRET: "The signing secret of the webhook endpoint is not known here, so its events are refused.",
}
BY_ITSELF = "Press Set up, or run: flask crm-stripe doctor --fix"
REMEDIES = {DOUBLED: "Delete the one that you do not want in Stripe's dashboard, Developers, Webhooks."}
KEEPS_NEWS_AWAY = frozenset((MISSING, DISABLED, ELSEWHERE, SECRET))
MENDABLE = frozenset(SAID) - frozenset(REMEDIES)


@dataclass(frozen=True)
class Endpoints:
    """The platform's endpoint for this CRM: one for all businesses. ``url`` is where events have to come in; ``given``
    says whether the CRM was given a signing secret by hand."""

    store: EndpointStore
    at_stripe: Callable[[], Provider]
    environment: Environment
    rights: Rights
    log: ActionLog
    clock: Clock
    url: str
    livemode: bool
    installation: str
    given: bool

    def provider(self) -> Provider:
        """Stripe, for the platform itself; in a copy it can only be read."""
        return watched(self.at_stripe(), self.environment)

    def look(self) -> EndpointHealth:
        """Ask Stripe how events come. One request."""
        provider = self.provider()
        found = self._judge(provider.list_endpoints(), provider.api_version)
        self.store.note_health(self.livemode, found)
        return found

    def known(self) -> EndpointHealth | None:
        """What the last look found."""
        return self.store.health(self.livemode)

    def own(self) -> OwnEndpoint | None:
        """The newest that we made and that stays."""
        return next((own for own in self.store.all(self.livemode) if own.leaving_at is None), None)

    def said(self, health: EndpointHealth) -> list[tuple[str, str]]:
        """Each problem with its sentence and what to do."""
        return [
            (
                problem,
                f"{SAID[problem].format(url=self.url, address=health.address)} {REMEDIES.get(problem, BY_ITSELF)}",
            )
            for problem in health.problems
        ]

    def mend(self) -> EndpointHealth:
        """Make an endpoint where there is none that works, bring ours up to date, roll one of another version."""
        self.rights.require(ADMIN, "set up the webhook endpoint")
        self.environment.require_real("set up the webhook endpoint")
        provider = self.provider()
        with self.log.deed("endpoint.mend", self.url):
            there = provider.list_endpoints()
            mine = self._mine(there)
            if mine is None:
                self._make(provider)
            elif mine.api_version != provider.api_version or not self._has_secret(mine):
                self._make(provider, mine)
            elif mine.url != self.url or not mine.enabled or lacking(mine):
                provider.update_endpoint(mine.id, self.url, WANTED)
            return self.look()

    def roll(self) -> EndpointHealth:
        """Another signing secret: a second endpoint beside ours, which goes when nothing can be on its way to it."""
        self.rights.require(ADMIN, "roll the signing secret")
        self.environment.require_real("roll the signing secret")
        provider = self.provider()
        with self.log.deed("endpoint.roll", self.url):
            self._make(provider, self._mine(provider.list_endpoints()))
            return self.look()

    def retire(self) -> int:
        """Delete those of ours that another has replaced long enough ago. Says how many."""
        now = self.clock.now()
        late = [own for own in self.store.all(self.livemode) if own.leaving_at and own.leaving_at <= now]
        for own in late:
            self.provider().delete_endpoint(own.endpoint_id)
            self.store.drop(own.endpoint_id)
        return len(late)

    def _make(self, provider: Provider, instead_of: RemoteEndpoint | None = None) -> None:
        made = provider.create_endpoint(self.url, WANTED, self.installation, f"endpoint:{secrets.token_hex(16)}")
        now = self.clock.now()
        self.store.add(made, self.livemode, self.rights.actor.ref, now)
        if instead_of is not None:
            self.store.leaving(instead_of.id, now + STAYS_FOR)

    def _own(self) -> dict[str, OwnEndpoint]:
        return {own.endpoint_id: own for own in self.store.all(self.livemode)}

    def _mine(self, there: Sequence[RemoteEndpoint]) -> RemoteEndpoint | None:
        """The newest of ours that is there and stays."""
        by_id = {each.id: each for each in there}
        staying = [own for own in self.store.all(self.livemode) if own.leaving_at is None]
        return next((by_id[own.endpoint_id] for own in staying if own.endpoint_id in by_id), None)

    def _has_secret(self, endpoint: RemoteEndpoint) -> bool:
        return endpoint.id in self._own() and bool(self.store.secrets())

    def _judge(self, there: Sequence[RemoteEndpoint], version: str) -> EndpointHealth:
        now, own = self.clock.now(), self._own()
        leaving = {id for id, each in own.items() if each.leaving_at is not None}
        here = [each for each in there if each.connect and each.url == self.url and each.id not in leaving]
        working = [each for each in here if each.enabled]
        if not working:
            mine = self._mine(there)
            moved = mine is not None and mine.url != self.url
            problem = ELSEWHERE if moved else DISABLED if here else MISSING
            return EndpointHealth(now, (problem,), mine.url if mine and moved else "")
        return EndpointHealth(now, tuple(self._flaws(working, version)))

    def _flaws(self, working: Sequence[RemoteEndpoint], version: str) -> Iterator[str]:
        if len(working) > 1:
            yield DOUBLED
        best = working[0]
        if not self.given and not any(self._has_secret(each) for each in working):
            yield SECRET
        if all(each.api_version != version for each in working):
            yield VERSION
        if lacking(best) and all(lacking(each) for each in working):
            yield EVENTS


def lacking(endpoint: RemoteEndpoint) -> set[str]:
    """The events that billing needs and that the endpoint does not listen to."""
    return set() if "*" in endpoint.events else set(WANTED) - set(endpoint.events)
