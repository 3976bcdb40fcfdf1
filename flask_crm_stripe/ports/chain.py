"""How the lines of the log seal each other: pure functions that every ledger uses.

A line's seal is an HMAC over the line and the seal before it. So a line that is changed, taken out or put elsewhere no
longer fits, and nobody who has only the database can make it fit: the key is not in it in clear. The head of the chain
(its newest line, and where it begins since old lines were pruned) is sealed too, or the end could be cut off. Whoever
adds a line and finds that the head is not the one that was sealed says so first, in a line that stays.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from datetime import UTC, datetime

from flask_crm_stripe.model.log import FAILED, LogEntry, Verdict

UNSIGNED = 0
"""The epoch of lines that are older than the chain."""

BROKEN = "log.broken"
"""The action of a line that says that the head was changed before it."""

MOST_PROBLEMS = 100
SHORT = 16
CHECKPOINT = re.compile(rf"(\d{{1,18}}):([0-9a-f]{{{SHORT}}})")


@dataclass(frozen=True, slots=True)
class Link:
    """A line as it is stored: with its seal, and the epoch, which names the key."""

    entry: LogEntry
    epoch: int
    seal: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain of a business ends and begins. Lines up to ``unsigned`` are older than the chain."""

    seq: int = 0
    seal: str = ""
    epoch: int = UNSIGNED
    base_seq: int = 0
    base_seal: str = ""
    unsigned: int = 0


def line_seal(key: bytes, before: str, business: str, entry: LogEntry) -> str:
    """The seal of a line behind the line with the seal ``before``."""
    at = entry.at.astimezone(UTC).isoformat()
    rest = (entry.actor, entry.action, entry.target, entry.outcome, entry.reason, entry.address, entry.request_id)
    return _mac(key, ["line", before, business, entry.seq, at, *rest])


def head_seal(key: bytes, business: str, head: Head) -> str:
    """The seal of a head."""
    return _mac(key, ["head", business, *astuple(head)])


def is_sound(business: str, head: Head, own_seal: str, keys: Mapping[int, bytes], epochs: Collection[int]) -> bool:
    """Whether a head that is stored is one that was sealed, as far as anybody can tell: its key may be lost."""
    key = keys.get(head.epoch)
    if key is None:
        return head.epoch in lost_epochs(keys, epochs)
    return hmac.compare_digest(head_seal(key, business, head), own_seal)


def lost_epochs(keys: Mapping[int, bytes], epochs: Collection[int]) -> frozenset[int]:
    """Epochs whose key cannot be opened any more. A new one begins only then: one behind a key that can be opened never
    was."""
    first = min(keys, default=None)
    return frozenset(epoch for epoch in epochs if epoch > UNSIGNED and (first is None or epoch < first))


def broken_line(at: datetime) -> LogEntry:
    """What stands in the log for ever where its head was changed."""
    return LogEntry(at, "system", BROKEN, "log", FAILED, "The head of the log was not the one that was sealed.")


def checkpoint(seq: int, seal: str) -> str:
    """What to keep elsewhere: ``1042:6f1c...``."""
    return f"{seq}:{seal[:SHORT]}"


def verdict(
    business: str,
    head: Head,
    seal_of_head: str,
    links: Iterable[Link],
    keys: Mapping[int, bytes],
    epochs: Collection[int],
    wanted: str = "",
) -> Verdict:
    """What is wrong with a chain. ``links`` come by number; ``keys`` are those that can be opened, of all ``epochs``;
    ``wanted`` is an earlier checkpoint, if there is one."""
    check = _Check(business, head, keys, epochs, wanted)
    for link in links:
        check.line(link)
    check.end(seal_of_head)
    return Verdict(
        check.checked,
        tuple(check.problems[:MOST_PROBLEMS]),
        check.unsigned,
        check.unknown,
        checkpoint(check.last, check.before or "") if check.last else "",
    )


class _Check:
    """One walk along a chain."""

    def __init__(
        self, business: str, head: Head, keys: Mapping[int, bytes], epochs: Collection[int], wanted: str
    ) -> None:
        self.business, self.head, self.keys, self.epochs = business, head, keys, epochs
        self.lost, self.newest = lost_epochs(keys, epochs), UNSIGNED
        self.last, self.before = head.base_seq, head.base_seal
        self.checked = self.unsigned = self.unknown = 0
        self.problems: list[str] = []
        given = CHECKPOINT.fullmatch(wanted)
        self.wanted, self.short = (int(given[1]), given[2]) if given else (0, "")
        if wanted and not given:
            self.problems.append("The checkpoint can't be read. It is like 1042:6f1c0a4be2d97735.")
        if given and self.wanted == head.base_seq and not head.base_seal.startswith(self.short):
            self.problems.append(f"Line {self.wanted}, the last one that was let go, is not the one of the checkpoint.")

    def line(self, link: Link) -> None:
        """The next line there is."""
        seq, follows = link.entry.seq, link.entry.seq == self.last + 1
        if not follows:
            self.problems.append(_missing(self.last + 1, seq - 1))
        self.checked += 1
        self.problems += self._wrong(link, follows)
        if seq == self.wanted and not link.seal.startswith(self.short):
            self.problems.append(f"Line {seq} is not the one of the checkpoint.")
        self.last, self.before = seq, link.seal

    def end(self, seal_of_head: str) -> None:
        """After the last line."""
        if self.last < self.head.seq:
            self.problems.append(_missing(self.last + 1, self.head.seq))
        elif (self.last, self.before) != (self.head.seq, self.head.seal):
            self.problems.append("The head of the log does not name its newest line.")
        there_is_one = seal_of_head or self.head.epoch != UNSIGNED
        if there_is_one and not is_sound(self.business, self.head, seal_of_head, self.keys, self.epochs):
            self.problems.append("The head of the log was changed.")
        if self.wanted > self.last:
            self.problems.append(f"The line of the checkpoint, {self.wanted}, is gone: the end was cut off.")

    def _wrong(self, link: Link, follows: bool) -> Iterator[str]:
        seq, key = link.entry.seq, self.keys.get(link.epoch)
        if link.epoch < self.newest:
            yield f"Line {seq} names an older key than the line before it."
        self.newest = max(self.newest, link.epoch)
        if link.epoch == UNSIGNED:
            self.unsigned += 1
            if seq > self.head.unsigned:
                yield f"Line {seq} was not written by billing: it has no seal."
        elif key is None:
            self.unknown += 1
            if link.epoch not in self.lost:
                yield f"Line {seq} names a key that there never was."
        elif link.entry.action == BROKEN:
            yield f"Before line {seq} somebody changed the head of the log."
        elif follows and not hmac.compare_digest(line_seal(key, self.before, self.business, link.entry), link.seal):
            yield f"Line {seq} is not what was written, or not in its place."


def _missing(first: int, last: int) -> str:
    return f"Line {first} is missing." if first == last else f"Lines {first} to {last} are missing."


def _mac(key: bytes, parts: list[object]) -> str:
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
