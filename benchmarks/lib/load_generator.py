"""Event loop of the load generator: `python -m lib.load_generator < load.json > result.json`.

One thread and non-blocking sockets; `lib.load_spec` describes the load and starts the process.
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

from lib.load_spec import HOST, LoadRequest, LoadSpec, encode_request, send_times, to_base64
from lib.load_stats import LoadStats

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
RECEIVE_BYTES = 1 << 18
RECONNECT_PAUSE_S = 0.05  # after a refused connection
OVERTIME_S = 1.0  # an open loop goes on this long for requests that had to wait
TIMEOUT_CHECK_PERIOD_S = 0.5


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
        self.kept = False  # has carried a response before
        self.watched = READ | WRITE  # events registered with the selector
        self.request: int | None = None  # index of the request in flight
        self.due = self.sent = 0.0
        self.unsent: bytes | memoryview = b""
        self.received = b""


class LoadGenerator:
    """Sender of a load, with statistics of the responses."""

    def __init__(self, load: LoadSpec, requests: Sequence[LoadRequest]) -> None:
        self.stats = LoadStats()
        self.bodies: list[bytes] = []
        self._load = load
        self._wire = [encode_request(request, load) for request in requests]
        self._expected = [request.expected for request in requests]
        self._schedule = send_times(load)
        self._selector = selectors.DefaultSelector()
        self._idle: deque[Connection] = deque()
        self._num_open = self._num_busy = 0
        self._over = False
        self._not_before = self._started = self._checked = 0.0

    def run(self) -> dict[str, Any]:
        """Send all requests, wait for the responses, and return the statistics."""
        cpu = time.process_time()
        self._started = self._checked = time.perf_counter()
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
        self.stats.never_sent = max(0, len(self._schedule) - self.stats.sent)
        seconds = time.perf_counter() - self._started
        for key in list(self._selector.get_map().values()):
            self._close(key.data)
        self._selector.close()
        return self.stats.to_json(seconds, time.process_time() - cpu)

    def _due(self, now: float) -> float | None:
        """Return when the next request is due; None after the last one."""
        load, sent = self._load, self.stats.sent
        passed = now - self._started - (load.seconds or 0.0)
        if load.rate is None:
            late = load.seconds is not None and passed >= 0
            self._over |= late or sent == load.requests
        else:
            self._over |= passed > OVERTIME_S or sent == len(self._schedule)
        if self._over:
            return None
        return now if load.rate is None else self._started + self._schedule[sent]

    def _free(self, now: float) -> Connection | None:
        """Return a connection for the next request; None if it has to wait."""
        if now < self._not_before:
            return None
        if self._idle:
            return self._idle.popleft()
        if self._num_open == self._load.connections:
            return None
        connecting = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        connecting.setblocking(False)
        connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connecting.connect_ex((HOST, self._load.port))
        connection = Connection(connecting)
        self._selector.register(connecting, READ | WRITE, connection)
        self._num_open += 1
        self.stats.opened += 1
        return connection

    def _begin(self, connection: Connection, due: float, now: float) -> None:
        connection.request = self.stats.sent % len(self._wire)
        connection.due, connection.sent = due, now
        connection.unsent = self._wire[connection.request]
        self.stats.sent += 1
        self.stats.lags.append(now - due)
        self.stats.last_sent = now - self._started
        self._num_busy += 1
        if connection.connected:
            self._send(connection)

    def _wait(self, now: float, due: float | None) -> None:
        """Handle socket events until the next request is due."""
        until = now + TIMEOUT_CHECK_PERIOD_S
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
        if now - self._checked >= TIMEOUT_CHECK_PERIOD_S:
            self._checked = now
            for key in list(self._selector.get_map().values()):
                if key.data.request is not None and now - key.data.due > self._load.timeout:
                    self._fail(key.data, "timed_out")

    def _connect(self, connection: Connection) -> bool:
        if connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._fail(connection, "refused")
            self._over |= self._load.until_refused
            self._not_before = time.perf_counter() + RECONNECT_PAUSE_S
            return False
        connection.connected = True
        self._watch(connection, READ)
        return True

    def _send(self, connection: Connection) -> None:
        try:
            num = connection.socket.send(connection.unsent)
        except BlockingIOError:
            num = 0
        except OSError:  # the server may have responded and closed: 413, for example
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
            arrived = connection.socket.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self._on_close(connection, reset=True)
            return
        if not arrived:
            self._on_close(connection, reset=False)
            return
        if connection.request is None:  # an unsolicited response such as 408
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
            self._on_response(connection, head, received[end : end + size])

    def _on_response(self, connection: Connection, head: bytes, body: bytes) -> None:
        index, status = connection.request, int(head[9:12])
        stats = self.stats
        now = time.perf_counter()
        stats.record_response(status, now - connection.due, now - connection.sent)
        if status == 200 and index is not None:
            expected = self._expected[index]
            if expected is not None and body != expected:
                stats.record_wrong_body(index, body)
        elif status in (429, 503) and b"retry-after:" in head:
            stats.with_retry_after += 1
        if self._load.record:
            self.bodies.append(body)
        self._num_busy -= 1
        stays = self._load.keep_alive and not connection.unsent
        connection.request, connection.received, connection.kept = None, b"", True
        if stays and b"connection: close" not in head:
            self._idle.append(connection)
        else:
            self._close(connection)

    def _on_close(self, connection: Connection, *, reset: bool) -> None:
        """Classify the end of a connection by the state of its request."""
        if connection.request is None:
            self._idle.remove(connection)
            self._close(connection)
        elif connection.unsent:
            self._fail(connection, "unsent", reset=reset)
        elif connection.received:
            self._fail(connection, "cut_short", reset=reset)
        else:
            self._fail(connection, "lost_on_kept" if connection.kept else "lost", reset=reset)

    def _fail(self, connection: Connection, failure: str, *, reset: bool = False) -> None:
        self.stats.record_failure(failure, reset=reset)
        self._num_busy -= 1
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._num_open -= 1


def main() -> None:
    """Read a load, send it, and print the result as JSON."""
    document = json.load(sys.stdin)
    requests = [
        LoadRequest(path, kind, base64.b64decode(body), expected and base64.b64decode(expected))
        for path, kind, body, expected in document["requests"]
    ]
    generator = LoadGenerator(LoadSpec(**document["load"]), requests)
    result = generator.run()
    if generator.bodies:
        result["bodies"] = [to_base64(body) for body in generator.bodies]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
