"""The world that FakeStripe keeps: accounts, their objects and events, connections, saved answers, clock.

How the modules share it (everything runs inside ``with world.lock`` for the length of one request):

* An object is a plain dict with every field of Stripe's shape (``shapes.blank("invoice")``), kept whole in
  ``world.store(account_id)[type][id]``: ``invoice["lines"]["data"]`` holds all lines, references are ids. What a
  client or an event sees is a copy made by ``shapes.render`` (lists cut, includable fields left out).
* Change a copy, check everything, then ``world.put`` it and ``world.emit`` what happened: a refused request must
  leave no trace.
* ``world.sinks`` are called with each new event (``sink(event, account_id)``); webhooks.py appends its ``enqueue``.
* ``world.blank(kind)`` is ``shapes.blank(kind)`` with this world's ``livemode``: objects are made with it.
* ``world.accounts`` keeps a closed account too, for its old objects; ``world.closed`` names it, and nothing reaches it.
* ``world.current`` is the request being answered (request id and idempotency key go into its events), or None for
  what a customer does on a hosted page.
* A webhook endpoint is stored in the platform's account with its ``secret``; ``application`` is not null when it
  listens to connected accounts. The routes leave the secret out, except in the answer that creates it.
* Tax settings have no id: an account's stand in its store as ``["tax.settings"]["tax.settings"]`` once they are set.
* Kinds that begin with ``_`` in a store are FakeStripe's own notes, never shown to a client.
* ``world.hosted`` maps the token of a hosted invoice page to ``(account_id, invoice_id)``; finalising fills it.
* The invoice resource calls, each with the stored invoice, already ``open``: ``invoice_payments.start`` when one with
  something to collect is finalised (makes the PaymentIntent and the default InvoicePayment), ``invoice_payments.stop``
  when it is voided (cancels them), ``payments.pay`` for POST /v1/invoices/{id}/pay (raises ``errors.StripeFault`` to
  refuse; changes the invoice with ``world.put`` and emits the events).
* What a finalised invoice owes changes through ``dues.changed`` only, and a customer's balance through ``balances``.
* faults.py can make api.py do the work, answer something else and save that under the idempotency key: it puts an
  ``Answer`` into ``environ[faults.ANSWER_KEY]`` before calling on. A function in ``environ[idempotency.HOLD_KEY]`` is
  called while the request holds its idempotency key and nothing else: a delay there lets a second request meet the
  first one (409). All other faults need no help from api.py.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stripe._api_version import _ApiVersion

from . import merging, shapes
from .records import Platform, RequestRecord, SavedAnswer
from .switches import Switches

API_VERSION = _ApiVersion.CURRENT
"""The only version that FakeStripe speaks: the one that the installed SDK pins."""

Obj = dict[str, Any]
Store = defaultdict[str, dict[str, Obj]]
Sink = Callable[[Obj, str], None]

_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ACCOUNT_ID = re.compile(r"acct_[A-Za-z0-9]{1,250}")


class Clock:
    """FakeStripe's own time in whole seconds: the wall clock plus what was added by ``advance``."""

    def __init__(self) -> None:
        self._added = 0

    def now(self) -> int:
        """Seconds since 1970 on this clock."""
        return int(time.time()) + self._added

    def advance(self, seconds: int) -> int:
        """Move on by so many seconds (0 or more) and return the new time."""
        if seconds < 0:
            raise ValueError("The clock only moves forward: give 0 or more seconds.")
        self._added += seconds
        return self.now()


@dataclass(repr=False)
class World:
    """Everything that this FakeStripe knows. Thread-safe under ``lock``."""

    base_url: str = "http://127.0.0.1:12111"
    platform_name: str = "Platform"
    platform_id: str | None = None
    livemode: bool = False
    switches: Switches = field(default_factory=Switches)
    clock: Clock = field(default_factory=Clock)
    lock: threading.RLock = field(default_factory=threading.RLock)
    accounts: dict[str, Obj] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    platforms: list[Platform] = field(default_factory=list)
    requests: list[RequestRecord] = field(default_factory=list)
    answers: dict[tuple[str, str], SavedAnswer] = field(default_factory=dict)
    flight_lock: threading.Lock = field(default_factory=threading.Lock)
    in_flight: set[tuple[str, str]] = field(default_factory=set)
    hosted: dict[str, tuple[str, str]] = field(default_factory=dict)
    sinks: list[Sink] = field(default_factory=list)
    current: RequestRecord | None = None
    _stores: dict[str, Store] = field(default_factory=dict)

    def now(self) -> int:
        """FakeStripe's time in whole seconds."""
        return self.clock.now()

    def new_id(self, prefix: str) -> str:
        """A new id such as ``in_1Fb7...`` that nothing else has."""
        length = 14 if prefix == "acct" else 22
        return f"{prefix}_1F" + "".join(random.choices(_ALPHABET, k=length))

    def blank(self, kind: str) -> Obj:
        """A fresh object of this type, of this world's mode where the type says which mode it is of."""
        shape = shapes.blank(kind)
        return shape | {"livemode": self.livemode} if "livemode" in shape else shape

    # -- objects -------------------------------------------------------------------------------------------------

    def store(self, account_id: str) -> Store:
        """The objects of one account as ``{type: {id: object}}``, e.g. ``store(a)["invoice"]["in_..."]``."""
        return self._stores.setdefault(account_id, defaultdict(dict))

    def find(self, account_id: str, kind: str, object_id: str) -> Obj | None:
        """The stored object itself (not a copy), or None."""
        return self.store(account_id)[kind].get(object_id)

    def put(self, account_id: str, obj: Obj) -> Obj:
        """Keep ``obj`` (by its ``object`` and ``id``), replacing what was there, and return it."""
        self.store(account_id)[obj["object"]][obj["id"]] = obj
        return obj

    def render(self, obj: Obj) -> Obj:
        """A copy of ``obj`` as a client sees it."""
        return shapes.render(shapes.clone(obj), self.switches.lines_in_response)

    def emit(self, event_type: str, obj: Obj, account_id: str, previous: Obj | None = None) -> Obj:
        """Record that something happened to ``obj`` and hand the Event to the sinks.

        ``previous`` holds the old values of the fields that changed (for ``*.updated``).
        """
        event = self.blank("event") | {
            "id": self.new_id("evt"),
            "type": event_type,
            "created": self.now(),
            "api_version": API_VERSION,
            "data": {"object": self.render(obj)},
            "request": {
                "id": self.current.request_id if self.current else None,
                "idempotency_key": self.current.idempotency_key if self.current else None,
            },
        }
        if previous is not None:
            event["data"]["previous_attributes"] = shapes.clone(previous)
        self.put(account_id, event)
        for sink in self.sinks:
            sink(event, account_id)
        return event

    # -- accounts and connections --------------------------------------------------------------------------------

    def account(self, account_id: str) -> Obj | None:
        """The account with this id, a platform's or another, or None."""
        return self.accounts.get(account_id)

    def create_account(
        self, name: str, country: str = "NL", currency: str = "eur", *, id: str | None = None, **fields: Any
    ) -> Obj:
        """A new Standard account that can be connected: charges and payouts enabled unless ``fields`` say not.

        ``fields`` are merged as by ``FakeStripe.update_account``. ValueError for one that cannot be, or for an ``id``
        that is taken or malformed.
        """
        account_id = self._own_id(id) if id is not None else self.new_id("acct")
        fresh = shapes.account(account_id, name, country, currency, self.now())
        account = merging.merged("account", fresh, fields, merging.FIXED_ON_ACCOUNT)
        self.accounts[account_id] = account
        return account

    def _own_id(self, wanted: str) -> str:
        if not _ACCOUNT_ID.fullmatch(wanted):
            raise ValueError(f"{wanted!r} is no id of an account: acct_, then letters and digits.")
        if wanted in self.accounts:
            raise ValueError(f"There is an account {wanted} already.")
        return wanted

    def platform_of_key(self, key: str) -> Platform:
        """The platform that this secret key belongs to; made, with its account, on the key's first use."""
        for platform in self.platforms:
            if key in platform.keys:
                return platform
        first = self.first_platform()
        platform = self._new_platform() if first.keys else first
        platform.keys.add(key)
        return platform

    def first_platform(self) -> Platform:
        """The platform that the first key and the first client id belong to."""
        return self.platforms[0] if self.platforms else self._new_platform()

    def platform_of_client(self, client_id: str) -> Platform:
        """The platform with this ``ca_...`` client id; made, with its account, on the id's first use."""
        for platform in self.platforms:
            if platform.client_id == client_id:
                return platform
        first = self.first_platform()
        platform = self._new_platform() if first.client_id else first
        platform.client_id = client_id
        return platform

    def claim(self, key: str, client_id: str) -> bool:
        """Whether key and client id belong to one platform; the first pair that is seen together is made one."""
        of_key, of_client = self.platform_of_key(key), self.platform_of_client(client_id)
        if of_key is of_client:
            return True
        if of_key.client_id is not None or of_client.keys:
            return False
        of_key.client_id = client_id
        of_key.connected |= of_client.connected
        self.store(of_key.account_id)["webhook_endpoint"] |= self.store(of_client.account_id)["webhook_endpoint"]
        self.platforms.remove(of_client)
        del self.accounts[of_client.account_id]
        return True

    def connect(self, platform: Platform, account_id: str) -> None:
        """Let the platform's key act for the account (what consent on the Connect page does)."""
        platform.connected.add(account_id)

    def disconnect(self, platform: Platform, account_id: str) -> None:
        """End it: calls with this account's id are refused from now on."""
        platform.connected.discard(account_id)

    def _new_platform(self) -> Platform:
        first_id = None if self.platforms else self.platform_id
        account = self.create_account(self.platform_name, "NL", "eur", id=first_id)
        platform = Platform(account["id"])
        self.platforms.append(platform)
        return platform
