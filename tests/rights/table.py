"""Who may what: found out by trying, entry by entry, for each role, in their own business and in another one.

python -m tests.rights.table        writes the table into docs/rights.md
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from flask_crm_stripe.model.business import ALL_PERMISSIONS
from tests.rights.others import names, prepare
from tests.rights.others import row as row_of_way
from tests.rights.scenes import JSON, ME, PAGES, Ask, Scene, world
from tests.rights.words import LOGIN, NO, NONE, OWN, YES
from tests.support.billing_host import billing_host
from tests.web.page_stage import NORTH, SOUTH, Stage

DOCUMENT = Path(__file__).parents[2] / "docs" / "rights.md"
BEGIN, END = "<!-- table: begins -->", "<!-- table: ends -->"
ORDER = ("view", "view_personal", "draft", "send", "refund", "write_off", "approve", "sync", "connect", "admin")
ROLES = ("stranger", "nobody", *ORDER, "draft+send", "all")
OURS = re.compile(r"Van den Berg|Yard planning|Training handbook|acct_north|Harbour|crediteuren|MEM-0001")


@dataclass(frozen=True)
class Entry:
    """A way in: a method and a rule, with what is meant where one rule does several things."""

    kind: str
    name: str
    method: str
    rule: str
    label: str
    scene: Scene | None

    @property
    def words(self) -> str:
        """As it stands in the table."""
        label = f" ({self.label})" if self.label else ""
        return f"`{self.method} {self.rule}`{label}"


def entries() -> list[Entry]:
    """Every route that the app itself has. Raises ``KeyError`` for one without a scene."""
    found: dict[tuple[str, str, str], Entry] = {}
    for rule in world().app.url_map.iter_rules():
        blueprint, _, endpoint = rule.endpoint.rpartition(".")
        if blueprint != "crm_stripe":
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for entry in entries_of(endpoint, method, rule.rule.removeprefix("/stripe")):
                found.setdefault((entry.kind, entry.name, entry.method + entry.label), entry)
    return sorted(found.values(), key=lambda entry: (entry.kind != "page", entry.rule, entry.method, entry.label))


def entries_of(endpoint: str, method: str, rule: str) -> Iterator[Entry]:
    """What one endpoint does with one method."""
    if not endpoint.startswith("api_"):
        for label, scene in PAGES[endpoint, method]:
            yield Entry("page", endpoint, method, rule, label, scene)
        return
    name = endpoint.removeprefix("api_")
    if name.startswith("no_method") or name == "nothing":
        name, method = re.sub(r"_\d+$", "", name), "*"
        rule = "/api/v1/… with a method that it does not have" if name == "no_method" else "/api/v1/… that is nothing"
    for label, scene in JSON[name, method]:
        yield Entry("json", name, method, rule, label, scene)


@cache
def row(entry: Entry) -> tuple[str, ...]:
    """What each role may, and what all of them together may with another business's things."""
    assert entry.scene is not None
    own = [tried(entry.scene, role, own=True) for role in ROLES]
    foreign = {tried(entry.scene, role, own=False) for role in ROLES}
    strongest = tried(entry.scene, "all", own=False)
    assert foreign <= {LOGIN, NO, strongest}, (entry, foreign)
    return (*own, strongest)


def tried(scene: Scene, role: str, *, own: bool) -> str:
    """One role, one request, in a world of its own."""
    stage = world()
    ask = scene(stage)
    before = kept(stage)
    stage.business = NORTH if own else SOUTH
    permissions = ALL_PERMISSIONS if role == "all" else {"view", *role.split("+")} & ALL_PERMISSIONS
    stage.actor = None if role == "stranger" else replace(ME, permissions=() if role == "nobody" else permissions)
    answer = asked(stage.client(), ask)
    if answer.status_code == 401:
        assert kept(stage) == before, "a stranger changed something"
        return LOGIN
    if answer.status_code == 403:
        assert kept(stage) == before, "a refused request changed something"
        return NO
    if not own:
        assert kept(stage) == before, "another business's things were changed"
        assert not OURS.search(answer.get_data(as_text=True)), "another business's things are seen"
        return NONE if answer.status_code == 404 else OWN
    if answer.status_code == 404 and 404 not in ask.done and ask.path.startswith("/api/v1/nothing"):
        return YES
    assert answer.status_code in ask.done, (role, ask, answer.status, answer.text[:500])
    return YES


def asked(client: FlaskClient, ask: Ask) -> Any:
    """The request, as it goes out."""
    path = f"/stripe{ask.path}"
    if ask.body is not None:
        headers = {"Idempotency-Key": ask.key} if ask.key else {}
        if ask.body == "":
            return client.post(path, headers=headers, buffered=True)
        return client.post(path, json=ask.body, headers=headers, buffered=True)
    if ask.form or is_post(ask):
        return client.post(path, data=dict(ask.form), buffered=True)
    return client.get(path, buffered=True)


def is_post(ask: Ask) -> bool:
    """Forms without a field of their own."""
    ends = (
        *("/refresh", "/test", "/connect", "/decline", "/seen", "/sync", "/send", "/retry", "/agree", "/withdraw"),
        *("/endpoint", "/roll", "/resend", "/continue", "/start", "/stop", "/resume"),
    )
    posted = ask.path.endswith(ends) or (ask.done == (303,) and re.search(r"/connect/\w{32}$|/delete$", ask.path))
    return bool(posted)


def kept(stage: Stage) -> str:
    """All that north has, here and at Stripe, without its log."""
    state = stage.shared.state
    shop = stage.providers.accounts["acct_north"]
    theirs = [
        sorted(map(repr, (each for each in state.connections.values() if each.business == "north"))),
        [repr(each.invoice) for each in state.invoices if each.invoice.business == "north"],
        repr(state.settings.get("north")),
        sorted(repr(each) for _, each in state.approvals.values() if each.business == "north"),
        sorted(repr(each) for business, each in state.notices.values() if business == "north"),
        sorted(repr(each) for each in state.events.values() if each.business == "north"),
        sorted(home for business, home in state.homes if business == "north"),
        [repr(each) for each in (*shop.products.values(), *shop.customers.values(), *shop.invoices.values())],
        shop.connected,
    ]
    return repr(theirs)


def made() -> str:
    """The table, as Markdown."""
    named = {"stranger": "logged out", "nobody": "no right", "draft+send": "`draft` and `send`", "all": "all"}
    head = ["Entry", *(named.get(role, f"`{role}`") for role in ROLES)]
    lines = [f"| {' | '.join([*head, 'in another business'])} |", f"| {' | '.join(['---'] * (len(head) + 1))} |"]
    for entry in entries():
        lines.append(f"| {' | '.join((entry.words, *row(entry)))} |")
    return "\n".join(lines)


def others_made() -> str:
    """The table of what has no person behind it, as Markdown."""
    lines = ["| Entry | needs | acts on | with another business's ids |", "| --- | --- | --- | --- |"]
    for name in all_names():
        lines.append(f"| {' | '.join((f'`{name}`', *other(name)))} |")
    return "\n".join(lines)


@cache
def all_names() -> list[str]:
    """From an app of its own."""
    with tempfile.TemporaryDirectory() as folder, billing_host(f"sqlite:///{folder}/crm.sqlite") as host:
        return names(host)


def other(name: str) -> tuple[str, str, str]:
    """One of them, in a world of its own."""
    with tempfile.TemporaryDirectory() as folder, billing_host(f"sqlite:///{folder}/crm.sqlite") as host:
        prepare(host)
        return row_of_way(host, name)


def documented() -> list[str]:
    """The rows of both tables in docs/rights.md."""
    text = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    return [line for line in text.splitlines() if line.startswith("| `")]


def main() -> None:
    """Write the tables into the document."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{made()}\n\n{others_made()}\n\n{END}{after}")


if __name__ == "__main__":
    main()
