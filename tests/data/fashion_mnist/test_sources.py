"""Where bytes come from, and what happens when they do not (rows D1, D8-D20)."""

import gzip
import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from ankleboot.core import download
from ankleboot.core.download import DownloadError, Source, Sources
from ankleboot.core.errors import AnklebootError, DataError, EnvironmentFailure
from ankleboot.core.files import sha256_of
from ankleboot.data.fashion_mnist import debian, sources
from ankleboot.data.fashion_mnist import load as fashion_mnist
from ankleboot.data.fashion_mnist.idx import IdxFile
from ankleboot.data.fashion_mnist.sources import FAILURE, LocalFolder, Mirror
from ankleboot.data.load import load_data

real_stall_timeout_s = download.STALL_TIMEOUT_S  # before `short_waits`
Answer = Callable[[BaseHTTPRequestHandler], None]
CONTENT = bytes(8) + bytes(range(200))
WANTED = IdxFile(
    "t10k-labels-idx1-ubyte", 200, sha256_of(CONTENT), sha256_of(gzip.compress(CONTENT, mtime=0))
)


def sources_of(*sources: Source[IdxFile]) -> Sources[IdxFile]:
    return Sources(sources, FAILURE)


def send(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for key, value in (headers or {}).items():
            request.send_header(key, value)
        request.end_headers()
        request.wfile.write(body)

    return answer


def redirect_to(place: str) -> Answer:
    return send(b"", status=302, headers={"Location": place})


class Server:
    """A web server on this machine that answers each request with the next of its answers."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests.append(self.path)
                answer = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                try:
                    answer(self)
                except OSError:  # the client has hung up, as it should
                    pass

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def mirror(self) -> Mirror:
        return Mirror(self.url, schemes=("http",))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    # RESPONSE_TIMEOUT_S stays long: a busy machine may well take 0.3 s to answer itself
    monkeypatch.setattr(download, "STALL_TIMEOUT_S", 0.3)
    monkeypatch.setattr(download, "BACK_OFF_S", (0.01, 0.01))


def test_a_mirror_delivers_verified_content(server: Server) -> None:
    server.answers = [send(gzip.compress(CONTENT, mtime=0))]
    mirror = server.mirror()
    assert mirror.read(WANTED) == CONTENT
    assert mirror.name == server.url
    assert server.requests == ["/t10k-labels-idx1-ubyte.gz"]


def test_another_compression_is_accepted_with_a_note(server: Server) -> None:
    server.answers = [send(gzip.compress(CONTENT, compresslevel=1, mtime=7))]
    mirror = server.mirror()
    assert mirror.read(WANTED) == CONTENT
    assert "recompressed, content verified" in mirror.name


def trickle(request: BaseHTTPRequestHandler) -> None:
    send(b"")(request)
    for _ in range(200):
        request.wfile.write(b"x")
        request.wfile.flush()
        time.sleep(0.02)


def silence(request: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


def headers_then_silence(request: BaseHTTPRequestHandler) -> None:
    send(b"x", headers={"Content-Length": "1000"})(request)
    time.sleep(2)


def endless(request: BaseHTTPRequestHandler) -> None:
    send(b"")(request)
    for _ in range(100):
        request.wfile.write(bytes(10_000))


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.connection.close()


@pytest.mark.parametrize(
    ("answer", "said", "tries"),
    [
        (send(b"gone", status=404), "HTTP status 404", 1),
        (send(b"busy", status=503), "HTTP status 503", 3),
        (hang_up, "connection", 3),
        (trickle, "stalled", 1),
        (send(b"short", headers={"Content-Length": "1000"}), "connection lost after 5 bytes", 3),
        (endless, "more than the allowed", 1),
        (
            send(b"", status=302, headers={"Location": "https://elsewhere.invalid/x"}),
            "refused, not http",
            1,
        ),
        (redirect_to("/again"), "more than 5 redirects", 6),
    ],
)
def test_a_bad_server_is_left_within_bounds(
    server: Server, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str, tries: int
) -> None:
    monkeypatch.setattr(sources, "MAX_DOWNLOAD_BYTES", 100_000)
    server.answers = [answer]
    started = time.monotonic()
    with pytest.raises(DownloadError) as caught:
        server.mirror().read(WANTED)
    assert said in str(caught.value)
    assert len(server.requests) == tries
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    ("answer", "said"),
    [(silence, "no response within 1 s"), (headers_then_silence, "stalled after 1 bytes")],
)
def test_a_silent_server_is_waited_for_once(
    server: Server, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str
) -> None:
    monkeypatch.setattr(download, "RESPONSE_TIMEOUT_S", 1.0)
    server.answers = [answer]
    with pytest.raises(DownloadError, match=said):
        server.mirror().read(WANTED)
    assert len(server.requests) == 1


def test_a_mirror_that_stalls_is_left_for_the_next(server: Server) -> None:
    slow, good = Server(), server
    slow.answers, good.answers = [trickle], [send(gzip.compress(CONTENT, mtime=0))]
    try:
        asked = sources_of(slow.mirror(), good.mirror())
        assert asked.fetch_first(WANTED) == asked.fetch_first(WANTED) == (CONTENT, good.url)
    finally:
        slow.close()
    assert len(slow.requests) == 1 and len(good.requests) == 2
    assert real_stall_timeout_s <= 30


def test_a_redirect_to_another_host_is_named_and_its_content_verified(server: Server) -> None:
    other = Server()
    other.answers = [send(gzip.compress(CONTENT, mtime=0)), send(gzip.compress(bytes(208)))]
    server.answers = [redirect_to(f"{other.url}elsewhere.gz")]
    try:
        content, origin = sources_of(server.mirror()).fetch_first(WANTED)
        assert content == CONTENT and origin == f"{server.url} (redirected to {other.url[7:-1]})"
        with pytest.raises(DataError, match=f"{other.url}elsewhere.gz: .*sha256"):
            server.mirror().read(WANTED)
    finally:
        other.close()


def test_a_redirect_away_from_https_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    response = requests.Response()
    response.status_code, response.raw = 302, io.BytesIO()
    response.headers["location"] = "http://127.0.0.1:9/x"
    monkeypatch.setattr(download, "_request", lambda session, url: response)
    with pytest.raises(DownloadError, match="http://127.0.0.1:9/x: refused, not https"):
        Mirror("https://mirror.example/").read(WANTED)


def test_a_second_try_can_succeed(server: Server) -> None:
    server.answers = [send(b"", status=500), hang_up, send(gzip.compress(CONTENT))]
    assert server.mirror().read(WANTED) == CONTENT


def test_a_login_page_is_quoted(server: Server) -> None:
    server.answers = [send(b"<html>Welcome to the airport")]
    with pytest.raises(DataError, match="begins with b'<html>Welcome"):
        server.mirror().read(WANTED)


def test_a_mirror_that_recompresses_delivers_more_than_one_file(server: Server) -> None:
    server.answers = [send(gzip.compress(CONTENT, compresslevel=1, mtime=7))]
    mirror = server.mirror()
    assert mirror.read(WANTED) == mirror.read(WANTED) == CONTENT
    assert server.requests == ["/t10k-labels-idx1-ubyte.gz"] * 2


@pytest.mark.parametrize("url", ["https://127.0.0.1:9/", "https://name.invalid/"])
def test_a_dead_mirror_is_asked_once(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = sources_of(Mirror(url))
    with pytest.raises(EnvironmentFailure) as first:
        asked.fetch_first(WANTED)
    monkeypatch.setattr(sources, "download", lambda *a, **k: pytest.fail("asked again"))
    with pytest.raises(EnvironmentFailure) as second:
        asked.fetch_first(WANTED)
    assert str(first.value) == str(second.value)


def test_all_causes_are_listed_and_decide_the_exit_code(tmp_path: Path) -> None:
    dead = Mirror("https://name.invalid/")
    with pytest.raises(EnvironmentFailure, match="not found; name.invalid.*--data sample"):
        sources_of(LocalFolder(tmp_path), dead).fetch_first(WANTED)
    (tmp_path / WANTED.name).write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match="sha256 .*; name.invalid"):
        sources_of(LocalFolder(tmp_path), dead).fetch_first(WANTED)


def test_the_next_source_helps_out(tmp_path: Path, server: Server) -> None:
    (tmp_path / f"{WANTED.name}.gz").write_bytes(gzip.compress(CONTENT)[:50])
    server.answers = [send(gzip.compress(CONTENT, mtime=0))]
    found = sources_of(LocalFolder(tmp_path), server.mirror()).fetch_first(WANTED)
    assert found == (CONTENT, server.url)


@pytest.fixture
def sample_as_full(isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the sample's files stand for the full ones, so that whole fetches are quick."""
    monkeypatch.setattr(fashion_mnist, "FASHION_MNIST", fashion_mnist.SAMPLE)
    monkeypatch.setattr(
        fashion_mnist, "all_sources", lambda cleanup: [LocalFolder(fashion_mnist.SAMPLE_FOLDER)]
    )
    return isolated_cache_dir


def test_a_fetched_cache_needs_no_source_any_more(
    sample_as_full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fashion_mnist.fetch_fashion_mnist()
    monkeypatch.setattr(fashion_mnist, "all_sources", lambda cleanup: pytest.fail("asked a source"))
    monkeypatch.setattr("socket.socket.connect", lambda *a: pytest.fail("used the network"))
    assert len(load_data().train) == 2_000
    assert load_data().source == str(sample_as_full)


def test_a_damaged_cache_heals(sample_as_full: Path) -> None:
    fashion_mnist.fetch_fashion_mnist()
    victim = sample_as_full / fashion_mnist.SAMPLE[2].name
    victim.write_bytes(victim.read_bytes()[:-100])
    assert len(load_data().test) == 500
    assert sha256_of(victim.read_bytes()) == fashion_mnist.SAMPLE[2].sha256


def test_a_damaged_cache_that_cannot_heal_is_named(
    sample_as_full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fashion_mnist.fetch_fashion_mnist()
    victim = sample_as_full / fashion_mnist.SAMPLE[1].name
    victim.write_bytes(b"x" * 10)
    monkeypatch.setattr(fashion_mnist, "all_sources", lambda cleanup: [])
    with pytest.raises(DataError, match=f"no source has train-labels.*: {victim}: .*sha256"):
        fashion_mnist.fetch_fashion_mnist()


def test_leftovers_of_killed_fetches_are_swept(sample_as_full: Path) -> None:
    sample_as_full.mkdir(parents=True)
    leftover = sample_as_full / ".train-images-idx3-ubyte.0123456789ab.tmp"
    leftover.write_bytes(b"half")
    fashion_mnist.fetch_fashion_mnist()
    assert not leftover.exists()


def test_a_cache_that_cannot_be_made_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFailure, match="cannot create folder .*file"):
        fashion_mnist.fetch_fashion_mnist()


def test_a_read_only_cache_is_named_and_nothing_else_is_used(
    isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(lock: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("filelock.FileLock.acquire", read_only)
    with pytest.raises(
        EnvironmentFailure, match=f"cannot write {isolated_cache_dir}/lock: Read-only"
    ):
        fashion_mnist.fetch_fashion_mnist()


def test_a_full_disk_is_named_and_leaves_nothing(
    sample_as_full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        EnvironmentFailure, match="disk full while writing .*train-images.* of 1568016 bytes"
    ):
        fashion_mnist.fetch_fashion_mnist()
    assert [p.name for p in sample_as_full.iterdir()] == ["lock"]


FETCH = """
from ankleboot.data.fashion_mnist import load
from ankleboot.data.fashion_mnist.sources import LocalFolder
load.FASHION_MNIST = load.SAMPLE
load.all_sources = lambda _: [LocalFolder(load.SAMPLE_FOLDER)]
load.fetch_fashion_mnist()
"""


def test_eight_processes_fetch_at_once(sample_as_full: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", FETCH], stderr=subprocess.PIPE) for _ in range(8)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    names = {wanted.name for wanted in fashion_mnist.SAMPLE}
    assert {p.name for p in sample_as_full.iterdir()} - {"lock"} == names


def test_a_folder_of_ones_own_is_used_and_never_touched(
    tmp_path: Path, sample_as_full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wanted in fashion_mnist.SAMPLE:
        raw = LocalFolder(fashion_mnist.SAMPLE_FOLDER).read(wanted)
        (tmp_path / wanted.name).write_bytes(raw)
    monkeypatch.setenv("ANKLEBOOT_DATA", str(tmp_path))
    assert load_data().source == str(tmp_path)
    victim = tmp_path / fashion_mnist.SAMPLE[0].name
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(DataError, match=str(victim)):
        load_data()
    assert victim.exists() and not sample_as_full.exists()


def test_the_sample_is_stratified() -> None:
    sample = load_data("sample")
    for part, each in ((sample.train, 200), (sample.test, 50)):
        assert [int((part.labels == label).sum()) for label in range(10)] == [each] * 10


def test_debian_is_no_source_without_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(DownloadError, match="no apt-get on this system"):
        debian.fetch_package(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="apt-get exists on Debian only")
def test_a_hanging_apt_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(debian, "STALL_TIMEOUT_S", 0.3)
    started = time.monotonic()
    with pytest.raises(DownloadError, match="sleep stalled"):
        debian._run(["sleep", "60"], tmp_path)
    assert time.monotonic() - started < 5


def test_mute_mirrors_are_waited_for_once_each(
    isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They accept a connection and never answer: the slowest way to be dead."""
    monkeypatch.setattr(download, "RESPONSE_TIMEOUT_S", 0.3)
    monkeypatch.setattr("ankleboot.data.fashion_mnist.debian.shutil.which", lambda name: None)
    with socket.create_server(("127.0.0.1", 0)) as mute, ExitStack() as cleanup:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/"
        monkeypatch.setattr(sources, "MIRRORS", (url,) * 3)
        monkeypatch.setattr(sources, "Mirror", lambda u: Mirror(u, schemes=("http",)))
        asked = sources_of(*sources.all_sources(cleanup))
        started = time.monotonic()
        for _ in range(4):
            with pytest.raises(EnvironmentFailure):
                asked.fetch_first(WANTED)
        # not 4 * 3 waits: a server that was mute is not asked again
        assert 3 * 0.3 <= time.monotonic() - started < 3 * 3 * 0.3


@pytest.mark.slow
def test_a_closed_network_is_given_up_in_time(
    isolated_cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real limits: the look-up of names never ends, and apt-get hangs."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: time.sleep(60))
    real_run = debian._run
    monkeypatch.setattr(debian, "_run", lambda command, folder: real_run(["sleep", "60"], folder))
    monkeypatch.setattr("ankleboot.data.fashion_mnist.debian.shutil.which", lambda name: name)
    started = time.monotonic()
    with ExitStack() as cleanup, pytest.raises(EnvironmentFailure, match="no response within 4 s"):
        sources_of(*sources.all_sources(cleanup)).fetch_first(WANTED)
    assert time.monotonic() - started < 20


def test_every_error_is_one_line() -> None:
    with pytest.raises(AnklebootError) as caught:
        load_data("no/such/folder")
    assert "\n" not in str(caught.value) and "no/such/folder" in str(caught.value)
