"""The load client's event loop: `python -m lib.client < load.json > result.json`.

One thread and non-blocking sockets; `lib.load` says what is sent, and starts this.
"""

import base64
import json
import select
import selectors
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from lib.load import HOST, Load, Request, schedule, text, wire
from lib.tally import Tally

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
CHUNK = 1 << 18  # bytes that are read at once
PAUSE = 0.05  # seconds until the next try after a refused connection
LONGEST_BEHIND = 1.0  # seconds that an open loop goes on for those who had to wait
LONGEST_WAIT = 0.5  # seconds between looks at what takes too long


class Connection:
    """A socket and the request on it."""

    __slots__ = (
        "socket",
        "connected",
        "kept",
        "watched",
        "request",
        "due",
        "sent",
        "unsent",
        "received",
    )

    def __init__(self, connecting: socket.socket) -> None:
        self.socket = connecting
        self.connected = False
        self.kept = False  # has answered before
        self.watched = READ | WRITE  # what the selector looks for
        self.request: int | None = None  # the index of the one under way
        self.due = self.sent = 0.0
        self.unsent: bytes | memoryview = b""
        self.received = b""


class Client:
    """Sends a load and tallies what comes back."""

    def __init__(self, load: Load, requests: Sequence[Request]) -> None:
        self.tally = Tally()
        self.bodies: list[bytes] = []
        self._load = load
        self._wire = [wire(request, load) for request in requests]
        self._expected = [request.expected for request in requests]
        self._schedule = schedule(load)
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._num_open = self._num_busy = 0
        self._over = False
        self._not_before = self._started = self._looked = 0.0

    def run(self) -> dict[str, Any]:
        """Send everything, wait for the answers, and return the tally."""
        cpu = time.process_time()
        self._started = self._looked = time.perf_counter()
        while True:
            now = time.perf_counter()
            due = self._due(now)
            while due is not None and due <= now and (free := self._free(now)) is not None:
                self._begin(free, due, now)
                now = time.perf_counter()
                due = self._due(now)
            if self._over and not self._num_busy:
                break
            self._wait(now, due)
        self.tally.never_sent = max(0, len(self._schedule) - self.tally.sent)
        seconds = time.perf_counter() - self._started
        for key in list(self._selector.get_map().values()):
            self._close(key.data)
        self._selector.close()
        return self.tally.to_json(seconds, time.process_time() - cpu)

    def _due(self, now: float) -> float | None:
        """When the next request was or will be due; None after the last one."""
        load, sent = self._load, self.tally.sent
        passed = now - self._started - (load.seconds or 0.0)
        if load.rate is None:
            late = load.seconds is not None and passed >= 0
            self._over |= late or sent == load.requests
        else:  # some that had to wait may follow
            self._over |= passed > LONGEST_BEHIND or sent == len(self._schedule)
        if self._over:
            return None
        return now if load.rate is None else self._started + self._schedule[sent]

    def _free(self, now: float) -> Connection | None:
        """A connection for the next request; None if it has to wait for one."""
        if now < self._not_before:
            return None
        if self._idle:
            return self._idle.popleft()
        if self._num_open == self._load.connections:
            return None
        connecting = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connecting.connect_ex((HOST, self._load.port))  # the selector tells how it went
        connection = Connection(connecting)
        self._selector.register(connecting, READ | WRITE, connection)
        self._num_open += 1
        self.tally.opened += 1
        return connection

    def _begin(self, connection: Connection, due: float, now: float) -> None:
        connection.request = self.tally.sent % len(self._wire)
        connection.due, connection.sent = due, now
        connection.unsent = self._wire[connection.request]
        self.tally.sent += 1
        self.tally.lags.append(now - due)
        self.tally.last_sent = now - self._started
        self._num_busy += 1
        if connection.connected:
            self._send(connection)

    def _wait(self, now: float, due: float | None) -> None:
        """Work on what arrives until the next request is due."""
        until = now + LONGEST_WAIT
        if due is not None and (self._idle or self._num_open < self._load.connections):
            until = min(until, max(due, self._not_before))
        seconds = max(0.0, until - now)
        if self._load.rate is not None and seconds:
            # select() waits by the microsecond, epoll by the millisecond
            select.select([self._selector], [], [], seconds)
            seconds = 0.0
        for key, events in self._selector.select(seconds):
            connection: Connection = key.data
            if not connection.connected and not self._connect(connection):
                continue
            if connection.unsent and events & WRITE:
                self._send(connection)
            if events & READ and connection.socket.fileno() >= 0:
                self._receive(connection)
        if now - self._looked >= LONGEST_WAIT:
            self._looked = now
            for key in list(self._selector.get_map().values()):
                if key.data.request is not None and now - key.data.due > self._load.timeout:
                    self._fail(key.data, "timed_out")

    def _connect(self, connection: Connection) -> bool:
        if connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(connection, "refused")
            self._over |= self._load.until_refused
            self._not_before = time.perf_counter() + PAUSE
            return False
        connection.connected = True
        self._watch(connection, READ)
        return True

    def _send(self, connection: Connection) -> None:
        try:
            num = connection.socket.send(connection.unsent)
        except BlockingIOError:
            num = 0
        except OSError:  # there may be an answer all the same: "too large", say
            self._receive(connection)
            return
        if num == len(connection.unsent):
            connection.unsent = b""
            self._watch(connection, READ)
        else:
            connection.unsent = memoryview(connection.unsent)[num:]
            self._watch(connection, READ | WRITE)

    def _watch(self, connection: Connection, events: int) -> None:
        if connection.watched != events:
            connection.watched = events
            self._selector.modify(connection.socket, events, connection)

    def _receive(self, connection: Connection) -> None:
        try:
            arrived = connection.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._ended(connection, reset=True)
            return
        if not arrived:
            self._ended(connection, reset=False)
            return
        if connection.request is None:  # nobody asked: "408", perhaps
            self._idle.remove(connection)
            self._close(connection)
            return
        received = connection.received + arrived if connection.received else arrived
        end = received.find(b"\r\n\r\n") + 4
        connection.received = received
        if end < 4:
            return
        head = received[: end - 2].lower()
        start = head.find(b"content-length:") + 15
        if start < 15 or not head.startswith(b"http/1."):
            self._fail(connection, "garbled")
            return
        size = int(head[start : head.index(b"\r", start)])
        if len(received) - end >= size:
            self._answered(connection, head, received[end : end + size])

    def _answered(self, connection: Connection, head: bytes, body: bytes) -> None:
        index, status = connection.request, int(head[9:12])
        tally = self.tally
        now = time.perf_counter()
        tally.answered(status, now - connection.due, now - connection.sent)
        if status == 200 and index is not None:
            expected = self._expected[index]
            if expected is not None and body != expected:
                tally.differed(index, body)
        elif status in (429, 503) and b"retry-after:" in head:
            tally.with_retry_after += 1
        if self._load.record:
            self.bodies.append(body)
        self._num_busy -= 1
        stays = self._load.keep_alive and not connection.unsent
        connection.request, connection.received, connection.kept = None, b"", True
        if stays and b"connection: close" not in head:
            self._idle.append(connection)
        else:
            self._close(connection)

    def _ended(self, connection: Connection, *, reset: bool) -> None:
        """The server ended the connection; what that means depends on what was under way."""
        if connection.request is None:
            self._idle.remove(connection)
            self._close(connection)
        elif connection.unsent:
            self._fail(connection, "unsent", reset=reset)
        elif connection.received:
            self._fail(connection, "cut_short", reset=reset)
        else:
            self._fail(connection, "lost_on_kept" if connection.kept else "lost", reset=reset)

    def _fail(self, connection: Connection, how: str, *, reset: bool = False) -> None:
        self.tally.failed(how, reset=reset)
        self._num_busy -= 1
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._num_open -= 1


def main() -> None:
    """Read what to send, send it, print the result as JSON."""
    document = json.load(sys.stdin)
    requests = [
        Request(path, kind, base64.b64decode(body), expected and base64.b64decode(expected))
        for path, kind, body, expected in document["requests"]
    ]
    client = Client(Load(**document["load"]), requests)
    result = client.run()
    if client.bodies:
        result["bodies"] = [text(body) for body in client.bodies]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
