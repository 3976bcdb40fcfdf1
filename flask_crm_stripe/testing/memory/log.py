"""The log and people's names, in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask_crm_stripe.model.log import SEEN, LogEntry, LogFilter, Verdict
from flask_crm_stripe.model.paging import Page
from flask_crm_stripe.ports.chain import Head, Link, head_seal, line_seal, verdict
from flask_crm_stripe.testing.memory.state import Chain, State, page_of

EPOCH = 1


@dataclass(frozen=True)
class MemoryLog:
    """``ports.safety.LogStore``."""

    business: str
    state: State

    def add(self, entry: LogEntry) -> LogEntry:
        """One more line."""
        with self.state.lock:
            chain = self._chain()
            added = replace(entry, seq=chain.head.seq + 1)
            seal = line_seal(self.state.log_key, chain.head.seal, self.business, added)
            chain.links.append(Link(added, EPOCH, seal))
            self._move(chain, replace(chain.head, seq=added.seq, seal=seal, epoch=EPOCH))
            return added

    def page(self, chosen: LogFilter, cursor: str | None = None, limit: int = 50) -> Page[LogEntry]:
        """Newest first."""
        return page_of([(entry.seq, entry) for entry in self.every(chosen)], cursor, limit)

    def every(self, chosen: LogFilter) -> Iterator[LogEntry]:
        """All that match, oldest first."""
        with self.state.lock:
            entries = [link.entry for link in self._chain().links]
        return (entry for entry in entries if matches(entry, chosen))

    def seen_since(self, actor: str, action: str, target: str, since: datetime) -> bool:
        """Whether this person's look at this thing is noted already."""
        chosen = LogFilter(actor, "", SEEN, target, since)
        return any(entry.action == action for entry in self.every(chosen))

    def verify(self, checkpoint: str = "") -> Verdict:
        """Check every line."""
        with self.state.lock:
            chain = self._chain()
            keys = {EPOCH: self.state.log_key}
            return verdict(self.business, chain.head, chain.own_seal, list(chain.links), keys, keys, checkpoint)

    def prune(self, before: datetime) -> int:
        """Remove old lines from the beginning."""
        with self.state.lock:
            chain = self._chain()
            kept = next((n for n, link in enumerate(chain.links) if link.entry.at >= before), 0)
            if kept:
                last = chain.links[kept - 1]
                del chain.links[:kept]
                self._move(chain, replace(chain.head, base_seq=last.entry.seq, base_seal=last.seal))
            return kept

    def _chain(self) -> Chain:
        return self.state.log.setdefault(self.business, Chain(Head()))

    def _move(self, chain: Chain, head: Head) -> None:
        chain.head, chain.own_seal = head, head_seal(self.state.log_key, self.business, head)


def matches(entry: LogEntry, chosen: LogFilter) -> bool:
    """Whether a list with this filter shows the line."""
    return (
        chosen.actor in ("", entry.actor)
        and (chosen.action in ("", entry.action) or entry.action.startswith(f"{chosen.action}."))
        and chosen.outcome in ("", entry.outcome)
        and chosen.target in ("", entry.target)
        and (chosen.since is None or entry.at >= chosen.since)
        and (chosen.until is None or entry.at < chosen.until)
    )


@dataclass(frozen=True)
class MemoryPeople:
    """``ports.safety.PeopleStore``."""

    business: str
    state: State

    def remember(self, ref: str, name: str, now: datetime) -> None:
        """Keep the name."""
        with self.state.lock:
            self.state.people[self.business, ref] = name

    def names(self, refs: Sequence[str]) -> dict[str, str]:
        """Name by ref, of those that are known."""
        with self.state.lock:
            known = {ref: self.state.people.get((self.business, ref)) for ref in refs}
        return {ref: name for ref, name in known.items() if name is not None}

    def refs(self) -> dict[str, str]:
        """Everybody who is known, name by ref."""
        with self.state.lock:
            mine = {ref: name for (business, ref), name in self.state.people.items() if business == self.business}
        return dict(sorted(mine.items(), key=lambda pair: pair[1]))

    def forget(self, ref: str) -> bool:
        """Erase the name."""
        with self.state.lock:
            return self.state.people.pop((self.business, ref), None) is not None
