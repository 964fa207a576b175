"""Download of files into the cache, each from the first source that has it.

A source verifies the content, so the sources are ordered by cost. `download` limits the time, size
and speed of a request, against servers that are dead, slow, endless or redirecting.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, Protocol, TypeVar, runtime_checkable
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ankleboot.core.errors import AnklebootError, DataError, EnvironmentFailure
from ankleboot.core.files import atomic_write, file_lock, make_folder, remove_temp_files

RESPONSE_TIMEOUT_S = 4.0  # from the name look-up to the last header
STALL_TIMEOUT_S = 10.0  # longest time for MIN_BYTES_PER_WINDOW
MIN_BYTES_PER_WINDOW = 20_000
BACK_OFF_S = (1.0, 2.0)  # pauses between attempts, for servers that respond with a failure
MAX_REDIRECTS = 5


class DownloadError(AnklebootError):
    """Failed download; `dead` means that a further request to the server would fail as well."""

    def __init__(self, message: str, *, dead: bool = False, retry: bool = False) -> None:
        super().__init__(message)
        self.dead, self.retry = dead, retry


@runtime_checkable
class Named(Protocol):
    """File to fetch."""

    @property
    def name(self) -> str: ...


File = TypeVar("File", bound=Named, contravariant=True)


@runtime_checkable
class Source(Protocol[File]):
    """Source of verified files."""

    name: str

    def read(self, file: File) -> bytes:
        """Return the verified content, or raise an AnklebootError with the cause."""


class Sources(Generic[File]):
    """Sources in the order of requests; a dead source is requested once.

    `failure` is the message for a file that no source has, with the fields `name` and `causes`.
    """

    def __init__(self, sources: Iterable[Source[File]], failure: str) -> None:
        self._sources, self._failure = list(sources), failure
        self._dead: dict[int, DownloadError] = {}

    def fetch_first(self, file: File) -> tuple[bytes, str]:
        """Return the content of a file from the first source that has it, and the source's name.

        Raises:
            DataError: If all sources fail, one of them with wrong content.
            EnvironmentFailure: If all sources fail for other reasons.
        """
        causes: list[AnklebootError] = []
        for number, source in enumerate(self._sources):
            try:
                if number in self._dead:  # waits for a dead server once
                    raise self._dead[number]
                return source.read(file), source.name
            except AnklebootError as error:
                causes.append(error)
                if isinstance(error, DownloadError) and error.dead:
                    self._dead[number] = error
        is_wrong = any(isinstance(cause, DataError) for cause in causes)
        kind = DataError if is_wrong else EnvironmentFailure
        raise kind(self._failure.format(name=file.name, causes="; ".join(map(str, causes))))


def complete(
    folder: Path,
    files: Iterable[File],
    sources: Callable[[ExitStack], list[Source[File]]],
    failure: str,
) -> str:
    """Fetch the missing and damaged files of a cache folder; return the origins of all.

    Safe with several processes at once (one works, the others wait and find the work done) and
    with a kill at any moment (files appear under their names only when complete and verified).

    `sources` returns the sources, the folder first; the stack cleans up. For `failure` see
    `Sources`.

    Raises:
        DataError, EnvironmentFailure: See `Sources.fetch_first`; or the folder is not writable.
    """
    origins = []
    make_folder(folder)
    with file_lock(folder / "lock"), ExitStack() as cleanup:
        remove_temp_files(folder)
        ordered = Sources(sources(cleanup), failure)
        for file in files:
            content, origin = ordered.fetch_first(file)
            if origin != str(folder):
                atomic_write(folder / file.name, content)
            origins.append(origin)
    return ", ".join(dict.fromkeys(origins))


class Download(NamedTuple):
    """Body of a response, and the address that it came from after all redirects."""

    content: bytes
    url: str


def download(url: str, max_bytes: int, *, schemes: tuple[str, ...] = ("https",)) -> Download:
    """Download the body at `url`.

    Redirects are followed to the allowed schemes only.

    Raises:
        DownloadError: If up to three attempts fail.
    """
    for pause in BACK_OFF_S:
        try:
            return _attempt(url, max_bytes, schemes)
        except DownloadError as error:
            if not error.retry:
                raise
        time.sleep(pause)
    return _attempt(url, max_bytes, schemes)


def _attempt(url: str, max_bytes: int, schemes: tuple[str, ...]) -> Download:
    with requests.Session() as session:  # uses the proxies of the environment
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(url).scheme not in schemes:
                raise DownloadError(f"{url}: refused, not {' or '.join(schemes)}")
            with _request(session, url) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    code = response.status_code
                    raise DownloadError(f"{url}: HTTP status {code}", retry=code >= 500)
                return Download(_body(url, response, max_bytes), url)
    raise DownloadError(f"{url}: more than {MAX_REDIRECTS} redirects")


def _request(session: requests.Session, url: str) -> requests.Response:
    """Request `url` and return the response with its body unread.

    The request has its own thread, because no timeout of the library limits the sum of a name
    look-up, eight addresses that drop connections, and headers that arrive byte by byte.
    """
    outcome: list[requests.Response | Exception] = []
    session.headers["Accept-Encoding"] = "identity"  # the file itself is compressed
    get = partial(session.get, timeout=RESPONSE_TIMEOUT_S, stream=True, allow_redirects=False)

    def request() -> None:
        try:
            outcome.append(get(url))
        except Exception as error:  # raised by the caller, unless its time is over
            outcome.append(error)

    thread = threading.Thread(target=request, daemon=True)
    thread.start()
    thread.join(RESPONSE_TIMEOUT_S)
    result = outcome[0] if outcome else requests.Timeout()
    if isinstance(result, requests.RequestException):
        raise _failure(urlsplit(url).netloc, result) from result
    if isinstance(result, Exception):
        raise result
    return result


def _failure(host: str, error: requests.RequestException) -> DownloadError:
    if isinstance(error, requests.Timeout):
        return DownloadError(f"{host}: no response within {RESPONSE_TIMEOUT_S:g} s", dead=True)
    causes = {
        "NameResolutionError": "host name not found",
        "Connection refused": "connection refused",
        "RemoteDisconnected": "connection reset",
        "reset": "connection reset",
    }
    cause = next((causes[mark] for mark in causes if mark in repr(error)), type(error).__name__)
    may_recover = cause == "connection reset"
    return DownloadError(f"{host}: {cause}", dead=not may_recover, retry=may_recover)


def _body(url: str, response: requests.Response, max_bytes: int) -> bytes:
    body = bytearray()
    window_start, window_bytes = time.monotonic(), 0
    try:
        while chunk := response.raw.read1(65_536):
            body += chunk
            if len(body) > max_bytes:
                raise DownloadError(f"{url}: more than the allowed {max_bytes} bytes")
            window_bytes += len(chunk)
            elapsed = time.monotonic() - window_start
            if window_bytes >= MIN_BYTES_PER_WINDOW:
                window_start, window_bytes = time.monotonic(), 0
            elif elapsed > STALL_TIMEOUT_S:
                raise DownloadError(
                    f"{url}: stalled, {window_bytes} bytes in {elapsed:.0f} s", dead=True
                )
    except (HTTPError, OSError) as error:
        if "timed out" in str(error):
            raise DownloadError(f"{url}: stalled after {len(body)} bytes", dead=True) from error
        lost = f"{url}: connection lost after {len(body)} bytes"
        raise DownloadError(lost, retry=True) from error
    return bytes(body)
