"""Who may what, tried entry by entry, is what docs/rights.md says; what is new has to be thought about first."""

from __future__ import annotations

import pytest

from tests.rights import table
from tests.rights.others import WAYS
from tests.rights.scenes import JSON, PAGES

ENTRIES = table.entries()


def line(*cells: str) -> str:
    """A row of Markdown."""
    return f"| {' | '.join(cells)} |"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.method} {entry.rule} {entry.label}".strip())
def test_each_role_may_what_is_documented(entry: table.Entry) -> None:
    """Tried as each role, in the own business and in another one. Out of date? `make rights` writes the table anew."""
    assert line(entry.words, *table.row(entry)) in table.documented()


@pytest.mark.parametrize("name", WAYS)
def test_commands_tasks_and_webhooks_do_what_is_documented(name: str) -> None:
    """With one's own and with another business's ids."""
    assert line(f"`{name}`", *table.other(name)) in table.documented()


def test_every_entry_has_a_row_and_every_row_an_entry() -> None:
    """A new route, operation, command or task fails here until somebody says who may use it."""
    rows = {row.split(" | ")[0].removeprefix("| ") for row in table.documented()}
    assert rows == {entry.words for entry in ENTRIES} | {f"`{name}`" for name in table.all_names()}
    assert set(table.all_names()) == set(WAYS)
    assert {(entry.name, entry.method) for entry in ENTRIES} == set(PAGES) | set(JSON)
    assert len(rows) > 80


def test_no_entry_goes_without_a_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route that the app has and nobody has thought about is named."""
    monkeypatch.delitem(PAGES, ("overview", "GET"))
    with pytest.raises(KeyError, match="overview"):
        table.entries()
