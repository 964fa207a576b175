"""Take the screenshots of all pages: served page, exported page, playground and report.

    python tools/make_screenshots.py [NAME...]   (needs Chromium, and `make .venv/.dev`)

The first two classify docs/images/pullover.jpg, which tools/make_example_photo.py composes. The
report is that of a run of `sprint`, trained for it. The files are in docs/images.
"""

import argparse
import functools
import http.server
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from playwright.sync_api import sync_playwright

from ankleboot.data.load import load_data
from ankleboot.export.export import export_model

IMAGES = Path(__file__).parents[1] / "docs/images"
PHOTO = IMAGES / "pullover.jpg"
TIMEOUT_MS = 120_000
SERVE = [sys.executable, "-m", "ankleboot", "serve", "--port", "0", "--json", "--log", "off"]


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Handler that logs no request."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def served_page() -> Iterator[str]:
    """Run `ankleboot serve` and yield the page's address."""
    with subprocess.Popen(SERVE, stdout=subprocess.PIPE, text=True) as server:
        lines = iter(server.stdout or ())
        ready = "".join(itertools.takewhile(lambda line: line != "}\n", lines))
        yield json.loads(ready + "}")["url"]
        server.terminate()


@contextmanager
def exported_page() -> Iterator[str]:
    """Export the web page of the shipped model and yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        page = export_model("pretrained", "web-float32", f"{folder}/web", load_data("sample")).path
        handler = functools.partial(QuietHandler, directory=str(page))
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}"
            server.shutdown()


@contextmanager
def playground() -> Iterator[str]:
    """Export the playground of the lessons' network and yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        target = f"{folder}/playground"
        page = export_model("pocket", "playground", target, load_data("sample")).path
        yield (page / "index.html").as_uri()


@contextmanager
def report() -> Iterator[str]:
    """Train `sprint` on Fashion-MNIST and yield the address of its report."""
    with tempfile.TemporaryDirectory() as folder:
        run = "runs/sprint-seed0-001"  # the advice on the page names it
        for command in (["train", "sprint", "--run-dir", run], ["report", run]):
            subprocess.run([sys.executable, "-m", "ankleboot", *command], cwd=folder, check=True)
        yield Path(folder, run, "report.html").as_uri()


def classify(page: Any, ready: str) -> None:
    """Classify the photo, and wait for an element."""
    page.locator("#samples button").first.wait_for()
    page.set_input_files("#file", PHOTO)
    page.locator(ready).wait_for()


def classify_and_explain(page: Any) -> None:
    classify(page, "#panel-single:not(.explaining) #neighbors:not([hidden])")


def classify_here(page: Any) -> None:
    classify(page, "#timing:has-text('Predicted')")


def write_kernel(page: Any) -> None:
    """Put a preset in place of a trained kernel, with the section at the top of the screen."""
    page.locator("#samples button").nth(7).click()
    page.get_by_role("button", name="Sobel, vertical edges", exact=True).click()
    page.evaluate("document.getElementById('convolution').scrollIntoView({behavior: 'instant'})")
    page.wait_for_timeout(500)  # animations of the maps


def show_errors(page: Any) -> None:
    page.locator("#confusion").wait_for()


@dataclass(frozen=True)
class Screenshot:
    """What a file shows.

    Attributes:
        open: Context manager that yields the address of the page.
        prepare: Function of the page that shows it at its best.
        width: Width in pixels.
        height: Height in pixels; 0 for the whole page.
    """

    open: Callable[[], AbstractContextManager[str]]
    prepare: Callable[[Any], None]
    width: int
    height: int = 0


SCREENSHOTS = {
    "serve_page": Screenshot(served_page, classify_and_explain, 1160),
    "web_page": Screenshot(exported_page, classify_here, 1160),
    "playground": Screenshot(playground, write_kernel, 1100, 780),
    "report": Screenshot(report, show_errors, 1280, 1240),
}


def take(browser: Any, name: str) -> None:
    """Save the screenshot of a name."""
    shot, target = SCREENSHOTS[name], IMAGES / f"{name}.png"
    with shot.open() as address:
        page = browser.new_page(viewport={"width": shot.width, "height": shot.height or 800})
        page.set_default_timeout(TIMEOUT_MS)
        page.goto(address)
        shot.prepare(page)
        page.screenshot(path=target, full_page=not shot.height)
        page.close()
    reduced = PillowImage.open(target).convert("RGB").quantize(256)  # half the bytes
    reduced.save(target, optimize=True)
    print(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SCREENSHOTS)}")
    names = parser.parse_args().names or [*SCREENSHOTS]
    with sync_playwright() as playwright:
        browsers = ("chromium-headless-shell", "chromium", "google-chrome")
        chromium = next(filter(None, map(shutil.which, browsers)), None)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in names:
            take(browser, name)
        browser.close()


if __name__ == "__main__":
    main()
