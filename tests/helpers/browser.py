"""Headless Chromium, and a local server of files for it."""

import base64
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.inference.decide import GarmentPrediction, Prediction

# The shell alone takes 30 % less of the processor; docs/experiments.md, time of the tests.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


class Site(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the browser has hung up


@contextmanager
def served(folder: Path, site: type[Site] = Site) -> Iterator[str]:
    server = Server(("127.0.0.1", 0), functools.partial(site, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def launched(*arguments: str) -> Iterator[Any]:
    """Headless Chromium, without the sandbox, which root cannot have in a container."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", *arguments]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield browser
        browser.close()


@contextmanager
def visited(browser: Any, address: str) -> Iterator[Any]:
    """A page of a fresh browser; requests to other hosts and script errors fail the test."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda r: None if local(r.url, address) else faults.append(r.url))
    page.on("response", lambda r: faults.append(r.url) if r.status >= 400 else None)
    page.goto(address)
    try:
        yield page
    finally:
        context.close()
    assert faults == []


def local(url: str, address: str) -> bool:
    return url.startswith((address, "blob:", "data:"))


def packed(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


def scene(height: int, width: int, seed: int, color: tuple[int, int, int] = (90, 60, 30)) -> Any:
    """A thing like a T-shirt on a floor of uneven light: all noise, gradients and edges."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    boards = 150 + 40 * rows - 30 * columns + 12 * (np.sin(40 * columns) > 0)
    pixels = np.stack([boards, 0.9 * boards, 0.75 * boards], axis=-1)
    body = (abs(columns - 0.5) < 0.18) & (rows > 0.2) & (rows < 0.85)
    sleeves = (abs(columns - 0.5) < 0.36 - 0.6 * abs(rows - 0.3)) & (rows > 0.2) & (rows < 0.42)
    neck = (columns - 0.5) ** 2 / 0.01 + (rows - 0.2) ** 2 / 0.003 < 1
    pixels[(body | sleeves) & ~neck] = color
    pixels += generator.normal(0, 6, (height, width, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def headline(said: Prediction | GarmentPrediction) -> str:
    """Return the large words of the answer's card."""
    if said.reason is None:
        return said.label
    if said.cause == "unfamiliar":
        return "Something else"
    if said.cause == "declined":
        nearest = said.reason.rpartition("(")[2].removesuffix(")")
        return f"Something else, {nearest}"
    return said.reason[0].upper() + said.reason[1:]
