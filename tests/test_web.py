"""The exported page: a checked runtime, the arithmetic of Python, and a browser that shows it."""

import base64
import functools
import http.server
import io
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot import pretrained
from ankleboot.data import load
from ankleboot.data.download import DownloadError
from ankleboot.errors import EnvironmentFailure, ModelError
from ankleboot.export.web import PAGE, runtime
from ankleboot.files import sha256_of
from ankleboot.photos import read
from ankleboot.photos.convert import convert
from ankleboot.predictors import load_predictor

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

FAKE_FILES = {"index.js": b'import "@litertjs/wasm-utils"', "wasm-utils.js": b"export {}"}


@pytest.fixture
def small_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A runtime of two tiny files, an empty cache, no npm and no network."""
    files = {
        name: (runtime.CORE if name == "index.js" else runtime.UTILS, name, sha256_of(content))
        for name, content in FAKE_FILES.items()
    }
    monkeypatch.setattr(runtime, "FILES", files)
    monkeypatch.setattr(runtime, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr("shutil.which", lambda name: None)

    def closed(url: str, max_bytes: int) -> bytes:
        raise DownloadError("the network is closed")

    monkeypatch.setattr(runtime, "download", closed)
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def deliver(url: str, max_bytes: int) -> bytes:
    return FAKE_FILES[url.rpartition("/")[2]]


def test_without_any_source_the_causes_are_named(small_runtime: Path) -> None:
    with pytest.raises(
        EnvironmentFailure, match=r"cannot get LiteRT\.js .*: no npm here; the network is closed"
    ):
        runtime.place(small_runtime)


def test_what_was_fetched_is_kept(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(runtime, "download", deliver)
        runtime.place(small_runtime)
    assert (small_runtime / "index.js").read_text() == 'import "./wasm-utils.js"'
    assert "Apache" in (small_runtime / "NOTICE.txt").read_text()
    runtime.place(small_runtime)  # from the cache: the network is closed again


def test_another_content_is_refused(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "download", lambda url, max_bytes: b"evil()")
    with pytest.raises(EnvironmentFailure, match=r"index\.js has sha256 .*, expected"):
        runtime.place(small_runtime)
    assert not runtime.cache_folder().exists()


def test_a_damaged_cache_is_fetched_anew(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "download", deliver)
    runtime.place(small_runtime)
    victim = runtime.cache_folder() / "wasm-utils.js"
    victim.write_bytes(b"damaged")
    runtime.place(small_runtime)
    assert victim.read_bytes() == FAKE_FILES["wasm-utils.js"]


def test_npm_is_asked_with_the_users_own_settings(
    small_runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tarfile

    def pack(command: list[str], cwd: str, **rest: Any) -> subprocess.CompletedProcess[str]:
        package = command[-1].rpartition("@")[0]
        name = f"{package.removeprefix('@').replace('/', '-')}-{runtime.VERSION}.tgz"
        with tarfile.open(Path(cwd) / name, "w:gz") as archive:
            for path, content in FAKE_FILES.items():
                member = tarfile.TarInfo(f"package/{path}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    monkeypatch.setattr("subprocess.run", pack)
    runtime.place(small_runtime)
    assert (small_runtime / "wasm-utils.js").read_bytes() == FAKE_FILES["wasm-utils.js"]


def test_an_npm_that_fails_is_quoted(small_runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/npm")
    failed = subprocess.CompletedProcess([], 1, "", "npm error 404\nno such package")
    monkeypatch.setattr("subprocess.run", lambda *a, **k: failed)
    with pytest.raises(EnvironmentFailure, match="npm pack @litertjs/core: no such package"):
        runtime.place(small_runtime)


def test_the_page_asks_nobody_else() -> None:
    """Its content security policy allows this folder alone."""
    html = (PAGE / "index.html").read_text()
    policy = html.split('content="default-src')[1].split('"')[0]
    assert "'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'" in policy
    assert "http" not in policy and "unsafe-inline" not in policy
    for name in ("app.js", "convert.js", "offline.js", "style.css"):
        assert "http" not in (PAGE / name).read_text(), name


class Site(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the browser has hung up


@pytest.fixture(scope="module")
def page_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The web page of the shipped model."""
    from ankleboot.export import export

    folder = tmp_path_factory.mktemp("site") / "web"
    try:
        export(Path("pretrained"), "web", folder, load("sample"))
    except EnvironmentFailure as error:
        if "cannot get LiteRT.js" not in str(error) or "sha256" in str(error):
            raise
        pytest.skip(str(error))  # no npm and no network here
    return folder


@pytest.fixture(scope="module")
def address(page_folder: Path) -> Iterator[str]:
    handler = functools.partial(Site, directory=str(page_folder))
    server = Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # no sandbox: it cannot be had as root in a container, and the page is our own
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page, loaded and ready; requests to other hosts and script errors fail the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if local(r.url, address) else faults.append(r.url))
    page.on("response", lambda r: faults.append(r.url) if r.status >= 400 else None)
    page.goto(address)
    page.locator("#timing:has-text('Answered')").wait_for()
    yield page
    context.close()
    assert faults == []


def local(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:"))


ASK = """async ([address, images]) => {
  const { predict } = await import(address + "app.js");
  const answers = [];
  for (const text of images) {
    answers.push(await predict(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
  }
  return answers;
}"""

CONVERT = """async ([address, pictures]) => {
  const { toImage } = await import(address + "convert.js");
  return pictures.map(([text, width, height]) =>
    Array.from(toImage(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), width, height)));
}"""


def packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


@needs_browser
def test_the_browser_answers_as_python_does(page: Any, address: str, page_folder: Path) -> None:
    images = load("sample").test.images[:200]
    got = np.array(page.evaluate(ASK, [address, [packed(image) for image in images]]))
    expected = load_predictor(page_folder).predict(images)
    np.testing.assert_array_equal(got.argmax(axis=1), expected.argmax(axis=1))
    np.testing.assert_allclose(got, expected, atol=1e-4)


def pictures() -> list[np.ndarray]:
    """Enlarged garments on light and dark, noise, odd shapes, and images of the data set."""
    generator = np.random.default_rng(0)
    found = []
    for index, image in enumerate(load("sample").test.images[:40]):
        side = int(generator.integers(29, 300))
        size = (side, side + 7 * (index % 3))
        large = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
        large = np.pad(large, int(generator.integers(0, 40)))
        rgb = np.stack([large, large // 2 + large // 4, large], axis=-1)
        found.append(255 - rgb if index % 2 else rgb)
    half = np.zeros((40, 40, 3), np.uint8)
    half[:, 20:] = 255
    found.append(half)
    for shape in ((1, 1), (1, 90), (90, 1), (28, 28), (33, 500), (29, 27)):
        found.append(generator.integers(0, 255, (*shape, 3), dtype=np.uint8))
    found += [np.repeat(image[..., None], 3, axis=2) for image in load("sample").test.images[:5]]
    return found


@needs_browser
def test_the_browser_converts_pictures_pixel_by_pixel_as_python_does(
    page: Any, address: str, tmp_path: Path
) -> None:
    wanted, sent = [], []
    for index, pixels in enumerate(pictures()):
        path = tmp_path / f"{index}.png"
        Image.fromarray(pixels).save(path)
        wanted.append(read(path).ravel())
        opaque = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
        sent.append([packed(opaque), pixels.shape[1], pixels.shape[0]])
    got = page.evaluate(CONVERT, [address, sent])
    np.testing.assert_array_equal(np.array(got), np.array(wanted))


@needs_browser
def test_a_picture_can_be_chosen(page: Any, tmp_path: Path) -> None:
    image = load("sample").test.images[load("sample").test.labels == 9][0]
    large = np.asarray(Image.fromarray(image).resize((280, 280), Image.Resampling.LANCZOS))
    picture = 255 - np.pad(np.repeat(large[..., None], 3, axis=2), ((30, 30), (50, 50), (0, 0)))
    Image.fromarray(picture).save(tmp_path / "boot.png")
    page.set_input_files("#file", tmp_path / "boot.png")
    page.locator("#answer:has-text('Ankle boot')").wait_for()
    top = page.locator(".bars li.first")
    assert top.locator(".name").inner_text() == "Ankle boot"
    probs = load_predictor(Path("pretrained")).predict(convert(picture)[None])[0]
    assert top.locator(".share").inner_text() == f"{100 * probs[9]:.1f} %"
    assert page.locator("#preview").is_visible() and not page.locator("#invitation").is_visible()


@needs_browser
def test_what_is_no_picture_is_said(page: Any, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    page.set_input_files("#file", tmp_path / "a.png")
    page.locator("#answer:has-text('not a picture')").wait_for()


@needs_browser
def test_a_drawing_is_answered_and_cleared(page: Any) -> None:
    before = page.locator("#seen").screenshot()
    page.click("#tab-draw")
    box = page.locator("#pad").bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    for x, y in ((60, 120), (120, 120), (120, 60), (60, 60)):
        page.mouse.move(box["x"] + x, box["y"] + y, steps=3)
    page.mouse.up()
    for _ in range(50):  # a busy machine may take its time
        if page.locator("#seen").screenshot() != before:
            break
        page.wait_for_timeout(100)
    else:
        pytest.fail("the drawing was not seen")
    page.click("#clear")
    page.locator("#answer:has-text('Nothing to see')").wait_for()


@needs_browser
def test_unsure_answers_are_marked(browser: Any, address: str, page_folder: Path) -> None:
    """With a threshold that no answer reaches."""
    info = json.loads((page_folder / "ankleboot.json").read_text()) | {"abstain_below": 1.1}
    context = browser.new_context()
    page = context.new_page()
    page.route("**/ankleboot.json", lambda route: route.fulfill(json=info))
    page.goto(address)
    page.locator("#answer:has-text('Not sure')").wait_for()
    assert "Most likely" in page.locator("#certainty").inner_text()
    context.close()


@needs_browser
def test_the_page_works_again_without_a_network(browser: Any, address: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    page.locator("#timing:has-text('Answered')").wait_for()
    page.locator("body[data-offline=ready]").wait_for()
    context.set_offline(True)
    page.reload()
    page.locator("#timing:has-text('Answered')").wait_for()
    context.close()


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_sticks_out(browser: Any, address: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(address)
    page.locator("#timing:has-text('Answered')").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_a_changed_page_is_refused(page_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(page_folder, tmp_path / "web")
    (tmp_path / "web/app.js").write_text("mine")
    with pytest.raises(ModelError, match=r"app\.js: not the file that was written"):
        load_predictor(tmp_path / "web")


def test_the_page_holds_the_shipped_model(page_folder: Path) -> None:
    info = load_predictor(page_folder).info
    assert info.recipe == load_predictor(Path(pretrained.NAME)).info.recipe
