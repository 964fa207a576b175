"""Everything that decides how the server behaves."""

from dataclasses import dataclass

MIB = 2**20
PICTURES = 64  # of one request
MAX_PIXELS = 25_000_000  # of a picture, as in photos/decode.py, which the server does not load
QUEUE_BYTES = 256 * MIB  # of all requests that wait


@dataclass(frozen=True, kw_only=True)
class Settings:
    """As given by flags and ANKLEBOOT_ variables.

    Attributes:
        models: Names or paths; the first one answers where none is asked for.
        host, port: To listen on; port 0 takes a free one.
        workers: Processes that answer.
        max_body: Bytes of one request.
        queue: Requests that may wait; more are answered with 503.
        timeout: Seconds from a whole request to its answer.
        drain: Seconds in which a stopping server still accepts, saying that it closes.
        api_key: That callers must show, or None.
        allowed_hosts: Names by which the server may be called, beside those of this machine.
        rate_limit: Requests per second of one client, 0 for any number.
        page: Whether there is a web page at /.
    """

    models: tuple[str, ...] = ("pretrained", "zero-shot")
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 2
    max_body: int = 20 * MIB
    queue: int = 256
    timeout: float = 10.0
    drain: float = 0.5
    api_key: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    rate_limit: float = 0.0
    page: bool = True


@dataclass(frozen=True)
class WorkerSettings:
    """What a worker is told when it starts.

    Attributes:
        models: The name by which each is asked for, and where it is.
        seconds: Spent on the pictures of one request.
    """

    models: dict[str, str]
    seconds: float
