"""Take the screenshots of the served page and of the exported page: two files in docs/images.

    python tools/make_screenshots.py             (needs Chromium, and `make setup` for Playwright)

Both pages classify docs/images/pullover.jpg, which tools/make_example_photo.py composes.
"""

import functools
import http.server
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage
from playwright.sync_api import sync_playwright

from ankleboot.data.load import load_data
from ankleboot.export.export import export_model

IMAGES = Path(__file__).parents[1] / "docs/images"
PHOTO = IMAGES / "pullover.jpg"
VIEWPORT = {"width": 1160, "height": 800}
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


def take(browser: Any, address: str, ready: str, target: Path) -> None:
    """Classify the photo on a page and save the page when an element is there."""
    page = browser.new_page(viewport=VIEWPORT)
    page.set_default_timeout(TIMEOUT_MS)
    page.goto(address)
    page.locator("#samples button").first.wait_for()
    page.set_input_files("#file", PHOTO)
    page.locator(ready).wait_for()
    page.screenshot(path=target, full_page=True)
    page.close()
    reduced = PillowImage.open(target).convert("RGB").quantize(256)  # half the bytes
    reduced.save(target, optimize=True)
    print(target)


def main() -> None:
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-headless-shell", "google-chrome")
        chromium = next(filter(None, map(shutil.which, names)), None)
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with served_page() as address:
            explained = "#panel-single:not(.explaining) #neighbors:not([hidden])"
            take(browser, address, explained, IMAGES / "serve_page.png")
        with exported_page() as address:
            take(browser, address, "#timing:has-text('Predicted')", IMAGES / "web_page.png")
        browser.close()


if __name__ == "__main__":
    main()
