"""Fetch one small file over the network within bounds: time, bytes, speed, and https.

What arrives is judged by its hash elsewhere; here a dead, slow, endless or redirecting server must
not hold anybody up.
"""

import time
from urllib.parse import urljoin, urlsplit

import requests
from urllib3.exceptions import HTTPError

from ankleboot.errors import AnklebootError

CONNECT_SECONDS = 3.0
FIRST_BYTE_SECONDS = 4.0
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
    timeout = (CONNECT_SECONDS, FIRST_BYTE_SECONDS)
    with requests.Session() as session:  # honours the proxies of the environment
        for _ in range(MAX_REDIRECTS + 1):
            if urlsplit(url).scheme not in schemes:
                raise DownloadError(f"{url}: refused, not {' or '.join(schemes)}")
            try:
                # identity: the file itself is compressed, a second layer is none of ours
                response = session.get(
                    url,
                    timeout=timeout,
                    stream=True,
                    allow_redirects=False,
                    headers={"Accept-Encoding": "identity"},
                )
            except requests.RequestException as error:
                raise _connection_failure(url, error) from error
            with response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    code = response.status_code
                    raise DownloadError(f"{url}: HTTP status {code}", retry=code >= 500)
                return _body(url, response, max_bytes)
    raise DownloadError(f"{url}: more than {MAX_REDIRECTS} redirects")


def _connection_failure(url: str, error: requests.RequestException) -> DownloadError:
    host, text = urlsplit(url).netloc, repr(error)
    if isinstance(error, requests.ConnectTimeout):
        return DownloadError(f"{host}: no connection within {CONNECT_SECONDS:g} s", dead=True)
    if isinstance(error, requests.ReadTimeout):
        return DownloadError(f"{host}: no answer within {FIRST_BYTE_SECONDS:g} s", dead=True)
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
        reason = "stalled" if "timed out" in str(error) else "connection lost"
        raise DownloadError(f"{url}: {reason} after {len(body)} bytes", retry=True) from error
    return bytes(body)
