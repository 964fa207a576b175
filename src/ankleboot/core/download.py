"""Files of the cache: each is fetched once, from the first source that delivers it.

A source verifies the content, so the order of the sources is one of cost, not of trust. `download`
bounds the time, bytes and speed of one request: no dead, slow, endless or redirecting server can
hold up the program.
"""

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ankleboot.core.errors import AnklebootError, DataError, EnvironmentFailure
from ankleboot.core.files import atomic_write, file_lock, make_folder, remove_temp_files

ANSWER_SECONDS = 4.0  # from the look-up of the name to the last header of the answer
STALL_SECONDS = 10.0  # without MIN_BYTES_PER_WINDOW more bytes: give this server up
MIN_BYTES_PER_WINDOW = 20_000
TRIES, BACK_OFF_SECONDS = 3, (1.0, 2.0)  # of a server that answers but fails
MAX_REDIRECTS = 5


class DownloadError(AnklebootError):
    """One address did not deliver; `dead` if the server is not worth asking again."""

    def __init__(self, message: str, *, dead: bool = False, retry: bool = False) -> None:
        super().__init__(message)
        self.dead = dead
        self.retry = retry


@runtime_checkable
class Named(Protocol):
    """A file to fetch."""

    @property
    def name(self) -> str: ...


File = TypeVar("File", bound=Named, contravariant=True)


@runtime_checkable
class Source(Protocol[File]):
    """Delivers the content of files."""

    name: str

    def read(self, file: File) -> bytes:
        """Return the verified content, or raise an AnklebootError with the cause."""


class Sources(Generic[File]):
    """Sources to ask in turn, the cheapest first; a dead source is asked only once.

    Args:
        sources: In this order.
        failure: Message for a file that no source delivers, with the fields `name` and `causes`.
    """

    def __init__(self, sources: Iterable[Source[File]], failure: str) -> None:
        self._sources, self._failure = list(sources), failure
        self._dead: dict[int, DownloadError] = {}

    def obtain(self, file: File) -> tuple[bytes, str]:
        """Return the verified content of a file and the name of its source.

        Raises:
            DataError: If all sources fail, one of them with wrong content.
            EnvironmentFailure: If all sources fail for other reasons.
        """
        causes: list[AnklebootError] = []
        for number, source in enumerate(self._sources):
            try:
                if number in self._dead:  # one wait for a dead server is enough
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

    Args:
        folder: Path to the cache folder.
        files: Files that the folder shall hold.
        sources: Returns the sources, that of the folder first; the stack cleans up after them.
        failure: As for `Sources`.

    Raises:
        DataError, EnvironmentFailure: As `Sources.obtain`, and if the folder cannot be written.
    """
    origins = []
    make_folder(folder)
    with file_lock(folder / "lock"), ExitStack() as cleanup:
        remove_temp_files(folder)
        asked = Sources(sources(cleanup), failure)
        for file in files:
            content, origin = asked.obtain(file)
            if origin != str(folder):
                atomic_write(folder / file.name, content)
            origins.append(origin)
    return ", ".join(dict.fromkeys(origins))


def download(url: str, max_bytes: int, *, schemes: tuple[str, ...] = ("https",)) -> bytes:
    """Return the bytes behind `url`.

    Args:
        url: Where to ask; redirects are followed to the allowed schemes only.
        max_bytes: More than this is refused.
        schemes: Allowed in `url` and in every redirect.

    Raises:
        DownloadError: Saying why, after up to three tries where trying again can help.
    """
    for attempt in range(TRIES):
        try:
            return _attempt(url, max_bytes, schemes)
        except DownloadError as error:
            if not error.retry or attempt == TRIES - 1:
                raise
            time.sleep(BACK_OFF_SECONDS[attempt])
    raise AssertionError("unreachable: the last attempt returns or raises")


def _attempt(url: str, max_bytes: int, schemes: tuple[str, ...]) -> bytes:
    with requests.Session() as session:  # honours the proxies of the environment
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(url).scheme not in schemes:
                raise DownloadError(f"{url}: refused, not {' or '.join(schemes)}")
            response = _answer(session, url)
            with response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    code = response.status_code
                    raise DownloadError(f"{url}: HTTP status {code}", retry=code >= 500)
                return _body(url, response, max_bytes)
    raise DownloadError(f"{url}: more than {MAX_REDIRECTS} redirects")


def _answer(session: requests.Session, url: str) -> requests.Response:
    """Ask for `url` and return the answer with its body still to be read.

    In a thread of its own, because no time-out of the library bounds the whole: the look-up of a
    name, eight addresses that swallow a connection each, headers that arrive byte by byte.
    """
    outcome: list[requests.Response | requests.RequestException] = []

    def ask() -> None:
        try:
            outcome.append(
                session.get(
                    url,
                    timeout=ANSWER_SECONDS,
                    stream=True,
                    allow_redirects=False,
                    # the file itself is compressed, a second layer is none of ours
                    headers={"Accept-Encoding": "identity"},
                )
            )
        except requests.RequestException as error:
            outcome.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    host = urlsplit(url).netloc
    if not outcome:
        raise DownloadError(f"{host}: no answer within {ANSWER_SECONDS:g} s", dead=True)
    if isinstance(outcome[0], requests.RequestException):
        raise _failure(host, outcome[0]) from outcome[0]
    return outcome[0]


def _failure(host: str, error: requests.RequestException) -> DownloadError:
    text = repr(error)
    if isinstance(error, requests.Timeout):
        return DownloadError(f"{host}: no answer within {ANSWER_SECONDS:g} s", dead=True)
    if "NameResolutionError" in text:
        return DownloadError(f"{host}: host name not found", dead=True)
    if "Connection refused" in text:
        return DownloadError(f"{host}: connection refused", dead=True)
    if "RemoteDisconnected" in text or "reset" in text:
        return DownloadError(f"{host}: connection reset", retry=True)
    return DownloadError(f"{host}: {type(error).__name__}", dead=True)


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
            elif elapsed > STALL_SECONDS:
                raise DownloadError(
                    f"{url}: stalled, {window_bytes} bytes in {elapsed:.0f} s", dead=True
                )
    except (HTTPError, OSError) as error:
        if "timed out" in str(error):
            raise DownloadError(f"{url}: stalled after {len(body)} bytes", dead=True) from error
        message = f"{url}: connection lost after {len(body)} bytes"
        raise DownloadError(message, retry=True) from error
    return bytes(body)
