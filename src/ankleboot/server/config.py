"""Configuration of the server: every limit, timeout and size that decides how it behaves."""

import json
import os
from dataclasses import asdict, dataclass, field

KIB = 2**10
MIB = 2**20
GIB = 2**30


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Server configuration; the defaults are those of `ankleboot serve`.

    Names end in their unit: `_s` is seconds. Options of the command set the first group alone.

    Attributes:
        models: Names of shipped models or paths; the first one is the default model.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        workers: Number of worker processes.
        max_body_bytes: Largest request body; longer bodies get 413.
        queue_size: Number of requests that may wait for a worker; more get 503.
        request_timeout_s: Time from a whole request to its response, and the time after which
            the pool restarts a silent worker.
        drain_s: Time for which a stopping server still accepts connections.
        api_key: Key that clients must send, or None.
        allowed_hosts: Host names of the server, besides those of this machine.
        rate_limit_per_s: Requests per second and client; 0 switches the limit off.
        page: Whether the server has a web page at /.

        accept_backlog: Number of connections that the system holds until the server accepts them.
        keep_alive_s: Time for which an idle connection stays open; a whole number for uvicorn.
        header_timeout_s: Time from the connection or a request's first byte to its last header.
        body_timeout_s: Time from a request's headers to the end of its body; then 408.
        write_stall_timeout_s: Time within which a client must read `min_read_bytes` of a response
            that waits in the server.
        min_read_bytes: See `write_stall_timeout_s`.
        max_header_bytes: Largest headers of a request, and framing around a body; then 431.
        discard_timeout_s: Time for which the server reads the rest of a refused body. A client
            that is still sending would lose the response otherwise.
        discard_margin_bytes: Number of bytes beyond `max_body_bytes` that it reads of such a body.

        accept_pause_s: Pause between the last listen and the last accept of a stopping server.
        last_request_grace_s: Time for the connections accepted last to send a request.
        shutdown_grace_s: Time for responses under way after `drain_s`; a whole number for uvicorn.

        rate_burst_s: Seconds' worth of requests that a client may send at once.
        max_tracked_clients: Number of clients whose rates are known; the oldest is dropped.

        max_queue_bytes: Largest sum of the bodies that wait, and of those that are arriving.
        max_queue_delay_s: Longest estimated wait; a request that would wait longer gets 503.
        max_exclusive_jobs: Number of requests that may wait to have a worker to themselves.
        always_read_body_bytes: Body that is read even while `max_queue_bytes` are arriving.

        max_jobs_per_worker: Number of requests that one worker holds. The pool cannot take them
            back, so more would wait behind a slow one.
        max_bytes_per_worker: Sum of their bodies, except for a single larger one.
        busy_after_s: Time without a response after which other workers are preferred.
        watchdog_period_s: Time between two checks for workers that hang.
        model_load_timeout_s: Time in which a worker must have loaded its models.
        worker_exit_timeout_s: Time in which an idle worker must exit at shutdown.
        max_restart_backoff_s: Longest pause before a worker that failed to start is tried again.

        max_images_per_request: Number of images in one request; more get 413.
        max_decoded_images: Number of decoded images that a worker holds at a time.
        max_batched_image_bytes: Largest image file that shares a batch with other requests.
        max_worker_memory_bytes: Address space of a worker; a decoder that needs more fails.
        smoke_test_batch_size: Number of images per batch when a worker tests a model.
        smoke_test_images_per_class: Number of images of each class in that test.
        min_smoke_test_accuracy: Accuracy below which the server refuses a model. Guessing gives
            0.1, a model trained for seconds 0.5.
    """

    models: tuple[str, ...] = ("pretrained", "zero-shot")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    max_body_bytes: int = 20 * MIB
    queue_size: int = 256
    request_timeout_s: float = 10.0
    drain_s: float = 0.5
    api_key: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    rate_limit_per_s: float = 0.0
    page: bool = True

    # connections
    accept_backlog: int = 2048
    keep_alive_s: int = 15
    header_timeout_s: float = 10.0
    body_timeout_s: float = 12.0
    write_stall_timeout_s: float = 15.0
    min_read_bytes: int = 128 * KIB
    max_header_bytes: int = 32 * KIB
    discard_timeout_s: float = 5.0
    discard_margin_bytes: int = 64 * KIB

    # shutdown
    accept_pause_s: float = 0.02
    last_request_grace_s: float = 0.1
    shutdown_grace_s: int = 8

    # rate limit
    rate_burst_s: float = 2.0
    max_tracked_clients: int = 10_000

    # queue
    max_queue_bytes: int = 256 * MIB
    max_queue_delay_s: float = 0.5
    max_exclusive_jobs: int = 16
    always_read_body_bytes: int = 64 * KIB

    # workers, seen from the pool
    max_jobs_per_worker: int = 128
    max_bytes_per_worker: int = 512 * KIB
    busy_after_s: float = 0.25
    watchdog_period_s: float = 0.5
    model_load_timeout_s: float = 60.0
    worker_exit_timeout_s: float = 1.0
    max_restart_backoff_s: float = 4.0

    # inside a worker
    max_images_per_request: int = 64
    max_decoded_images: int = 16
    max_batched_image_bytes: int = 64 * KIB
    max_worker_memory_bytes: int = 8 * GIB
    smoke_test_batch_size: int = 8
    smoke_test_images_per_class: int = 10
    min_smoke_test_accuracy: float = 0.3

    @property
    def image_budget_s(self) -> float:
        """Time that a worker spends on one request's images: half of the request timeout."""
        return self.request_timeout_s / 2

    def to_worker_json(self) -> str:
        """Serialize the numbers alone: other users can read a worker's command line."""
        numbers = {
            key: value for key, value in asdict(self).items() if isinstance(value, int | float)
        }
        return json.dumps(numbers)

    @classmethod
    def from_worker_json(cls, text: str) -> "ServerConfig":
        """Read what `to_worker_json` wrote."""
        return cls(**json.loads(text))
