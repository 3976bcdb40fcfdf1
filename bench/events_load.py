"""Stripe's side of the wire: signed deliveries over connections that are kept open, and how long each took.

One thread waits on all connections, so that little is taken of the CPU that sender and receiver share. Requests are
built and signed before the clock starts.
"""

from __future__ import annotations

import hashlib
import hmac
import random
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Letter:
    """An event, as it is sent."""

    event_id: str
    body: bytes


@dataclass
class Sent:
    """What became of deliveries: how long they took altogether, each one's answer (0: none) and milliseconds."""

    seconds: float = 0.0
    answers: list[tuple[str, int]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)

    @property
    def acknowledged(self) -> set[str]:
        """Events that were answered with 2xx at least once."""
        return {event_id for event_id, status in self.answers if 200 <= status < 300}

    @property
    def not_2xx(self) -> int:
        """Deliveries that were not."""
        return sum(not 200 <= status < 300 for _, status in self.answers)


def signature(body: bytes, secret: str, at: int) -> str:
    """The header that Stripe would send at that time."""
    return f"t={at},v1={hmac.new(secret.encode(), b'%d.' % at + body, hashlib.sha256).hexdigest()}"


def arrivals(letters: Sequence[Letter], *, twice: float, window: int, seed: int = 1) -> list[Letter]:
    """The letters as they arrive: shuffled within windows, and a share of them for a second time a little later."""
    chance, arriving = random.Random(seed), list[Letter]()
    again = set(chance.sample(range(len(letters)), int(len(letters) * twice)))
    for start in range(0, len(letters), window):
        places = range(start, min(start + window, len(letters)))
        some = [letters[place] for place in places]
        some += [letters[place - window] for place in places if place - window in again]
        chance.shuffle(some)
        arriving += some
    return arriving + [letters[place] for place in sorted(again) if place + window >= len(letters)]


def requests_to(url: str, letters: Sequence[Letter], secret: str) -> list[tuple[str, bytes]]:
    """The bytes to write for each letter, signed now."""
    parts, now = urlsplit(url), int(time.time())
    fixed = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUser-Agent: Stripe/1.0\r\nAccept: */*\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
    )
    return [
        (
            letter.event_id,
            f"{fixed}Stripe-Signature: {signature(letter.body, secret, now)}\r\n"
            f"Content-Length: {len(letter.body)}\r\n\r\n".encode()
            + letter.body,
        )
        for letter in letters
    ]


def spread(url: str, connections: int, processes: int) -> list[socket.socket]:
    """Connections that are shared out evenly among the receiver's processes. Who accepts one is chance: with all at
    one process the other has nothing to do, and a run is half as fast as the next. ``url`` tells the process."""
    parts, found, held = urlsplit(url), list[socket.socket](), Counter[bytes]()
    question = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode()
    deadline = time.monotonic() + 20
    while len(found) < connections:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Only some of the {processes} processes take connections.")
        line, heard = _dial(parts.netloc), b""
        line.sendall(question)
        while not _is_whole(heard):
            heard += line.recv(65536)
        process = heard.rpartition(b"\r\n")[2]
        if held[process] >= connections // processes:
            line.close()
            continue
        held[process] += 1
        found.append(line)
    return found


class Sender:
    """Sends requests over some connections, which may be open already. With ``again`` what was not acknowledged goes to
    the end of the queue."""

    def __init__(
        self, url: str, connections: int | list[socket.socket] = 8, *, again: bool = False, patience: float = 120.0
    ) -> None:
        self.netloc = urlsplit(url).netloc
        self.open = [] if isinstance(connections, int) else connections
        self.connections = connections if isinstance(connections, int) else len(connections)
        self.again, self.patience = again, patience
        self.queue = deque[tuple[str, bytes]]()
        self.sent = Sent()

    def send(self, requests: Sequence[tuple[str, bytes]]) -> Sent:
        """All of them; raises TimeoutError when that takes too long."""
        self.queue, self.sent = deque(requests), Sent()
        began = time.perf_counter()
        with selectors.DefaultSelector() as selector:
            lines = [_Line(self, selector) for _ in range(self.connections)]
            try:
                for line in lines:
                    line.next()
                while any(line.under_way for line in lines):
                    if time.perf_counter() - began > self.patience:
                        raise TimeoutError("The receiver does not answer any more.")
                    for key, _ in selector.select(1.0):
                        key.data.read()
            finally:
                for line in lines:
                    line.close()
        self.sent.seconds = time.perf_counter() - began
        return self.sent

    def answered(self, request: tuple[str, bytes], status: int, since: float) -> None:
        """A delivery is over; 0 is none at all."""
        self.sent.answers.append((request[0], status))
        self.sent.milliseconds.append((time.perf_counter() - since) * 1000)
        if self.again and not 200 <= status < 300:
            self.queue.append(request)


class _Line:
    """A connection with at most one request under way."""

    def __init__(self, sender: Sender, selector: selectors.BaseSelector) -> None:
        self.sender, self.selector = sender, selector
        self.socket: socket.socket | None = None
        if sender.open:
            self._use(sender.open.pop())
        self.under_way: tuple[str, bytes] | None = None
        self.since, self.heard = 0.0, b""

    def next(self) -> None:
        """Write the next request, if there is one."""
        while self.sender.queue:
            self.under_way, self.since, self.heard = self.sender.queue.popleft(), time.perf_counter(), b""
            try:
                self._connected().sendall(self.under_way[1])
            except OSError:
                self._over(0)
                continue
            return
        self.under_way = None

    def read(self) -> None:
        """Some bytes came, or the end."""
        try:
            more = self._connected().recv(65536)
        except OSError:
            more = b""
        self.heard += more
        if self.under_way is None or not more:
            self.close()
        if self.under_way is not None and (not more or _is_whole(self.heard)):
            self._over(int(self.heard[9:12]) if more else 0)
            self.next()

    def close(self) -> None:
        """Hang up."""
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None

    def _over(self, status: int) -> None:
        if status == 0 or b"connection: close" in self.heard.lower():
            self.close()
        if self.under_way is not None:
            self.sender.answered(self.under_way, status, self.since)
        self.under_way = None

    def _connected(self) -> socket.socket:
        return self.socket or self._use(_dial(self.sender.netloc))

    def _use(self, line: socket.socket) -> socket.socket:
        self.socket = line
        self.selector.register(line, selectors.EVENT_READ, self)
        return line


def _dial(netloc: str) -> socket.socket:
    host, _, port = netloc.partition(":")
    line = socket.create_connection((host, int(port)), timeout=30)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


def _is_whole(heard: bytes) -> bool:
    head, end, body = heard.partition(b"\r\n\r\n")
    if not end:
        return False
    lines = (line.lower().partition(b":") for line in head.split(b"\r\n"))
    length = next((int(value) for name, _, value in lines if name == b"content-length"), 0)
    return len(body) >= length
