"""Configuration of the server: every limit, timeout and size that decides how it behaves."""

import json
import os
from dataclasses import asdict, dataclass, field

from ankleboot.core.documents import parse_document
from ankleboot.core.errors import UsageError

KIB, MIB, GIB = 2**10, 2**20, 2**30


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Server configuration; the defaults are those of `ankleboot serve`.

    Names end in their unit: `_s` is seconds. Options of the command set the first group alone.
    """

    models: tuple[str, ...] = ("pretrained", "zero-shot")  # or paths; the first is the default
    trust: bool = False  # import code from outside the package that a model names
    host: str = "127.0.0.1"  # address to listen on
    port: int = 8000  # 0 takes a free one
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)  # processes
    max_body_bytes: int = 20 * MIB  # of a request; longer ones get 413
    queue_size: int = 256  # requests that may wait for a worker; more get 503
    # from a whole request to its response; the pool restarts a worker that is silent for so long
    request_timeout_s: float = 10.0
    drain_s: float = 0.5  # for which a stopping server still accepts connections
    api_key: str | None = field(default=None, repr=False)  # that clients must send
    allowed_hosts: tuple[str, ...] = ()  # names of the server, besides those of this machine
    rate_limit_per_s: float = 0.0  # requests of one client; 0 switches the limit off
    page: bool = True  # serve a web page at /
    v2: bool = False  # serve the open inference protocol at /v2
    keep_previous: int = 1  # workers that keep the models from before a reload, for SIGUSR1

    # connections
    accept_backlog: int = 2048  # connections that the system holds until the server accepts them
    keep_alive_s: int = 15  # for which an idle connection stays open; whole number for uvicorn
    header_timeout_s: float = 10.0  # from connection or first byte of a request to its last header
    body_timeout_s: float = 12.0  # from a request's headers to the end of its body; then 408
    write_stall_timeout_s: float = 15.0  # within which a client must read `min_read_bytes`
    min_read_bytes: int = 128 * KIB  # of a response that waits in the server
    max_header_bytes: int = 32 * KIB  # headers, and framing around a body; then 431
    # the server reads the rest of a refused body: its sender would lose the response otherwise
    discard_timeout_s: float = 5.0
    discard_margin_bytes: int = 64 * KIB  # of such a body beyond `max_body_bytes`

    # shutdown
    accept_pause_s: float = 0.02  # between the last listen and the last accept
    last_request_grace_s: float = 0.1  # in which the connections accepted last may send a request
    shutdown_grace_s: int = 8  # for responses under way after `drain_s`; whole number for uvicorn

    # rate limit
    rate_burst_s: float = 2.0  # seconds' worth of requests that a client may send at once
    max_tracked_clients: int = 10_000  # whose rates are known; the oldest is dropped

    # queue
    max_queue_bytes: int = 256 * MIB  # sum of the bodies that wait, and of those that are arriving
    max_queue_delay_s: float = 0.5  # estimated wait; a request that would wait longer gets 503
    max_exclusive_jobs: int = 16  # requests that may wait to have a worker to themselves
    always_read_body_bytes: int = 64 * KIB  # of a body, even while `max_queue_bytes` are arriving

    # workers, seen from the pool, which cannot take back what it has sent them
    max_jobs_per_worker: int = 128  # requests of one worker; more would wait behind a slow one
    max_bytes_per_worker: int = 512 * KIB  # sum of their bodies, except for a single larger one
    busy_after_s: float = 0.25  # without a response after which other workers are preferred
    watchdog_period_s: float = 0.5  # between two checks for workers that hang
    model_load_timeout_s: float = 60.0  # in which a worker must have loaded its models
    worker_exit_timeout_s: float = 1.0  # in which an idle worker must exit at shutdown
    max_restart_backoff_s: float = 4.0  # before a worker that failed to start is tried again

    # inside a worker
    max_images_per_request: int = 64  # more get 413
    max_decoded_images: int = 16  # that a worker holds at a time
    max_tensor_values: int = 2**20  # numbers in a request of the open inference protocol
    max_batched_image_bytes: int = 64 * KIB  # of an image file that shares a batch
    max_worker_memory_bytes: int = 8 * GIB  # address space; a decoder that needs more fails
    smoke_test_batch_size: int = 8  # images per batch when a worker tests a model
    smoke_test_images_per_class: int = 10  # in that test
    min_smoke_test_accuracy: float = 0.3  # to serve; guessing: 0.1, a model of seconds: 0.5

    def to_worker_json(self) -> str:
        """Serialize the numbers alone: other users can read a worker's command line."""
        fields = asdict(self).items()
        return json.dumps({key: value for key, value in fields if isinstance(value, int | float)})

    @classmethod
    def from_worker_json(cls, text: str) -> "ServerConfig":
        """Read what `to_worker_json` wrote.

        Raises:
            UsageError: If it is something else.
        """
        try:
            return parse_document(text, cls)
        except ValueError as error:
            raise UsageError(f"configuration of the server: {error}") from error
