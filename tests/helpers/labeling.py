"""A label page over a queue that needs no backbone: the color of an image is its features."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.core.types import Features
from ankleboot.data.dataset import Dataset
from ankleboot.data.label_file import open_label_file
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.server.http.access_log import AccessLog
from ankleboot.server.labeling.serve import serve_labels
from ankleboot.server.labeling.session import LabelSession
from ankleboot.training.label_queue import LabelQueue, suspect_queue
from helpers.images import write_image_folder

SPEC = ImageSpec(16, color=True, crop="none")


def color_features(images: np.ndarray, *_: Any) -> Features:
    """In place of `backbone_features`: the mean color, which is the class of a test's image."""
    features: np.ndarray = images.reshape(len(images), -1, 3).mean(axis=1).astype(np.float32)
    return features


def use_colors(monkeypatch: Any) -> None:
    """Take colors as features, and the penalty that they get: every other one costs fits."""
    for module in ("data_audit", "label_queue"):
        monkeypatch.setattr(f"ankleboot.training.{module}.backbone_features", color_features)
    monkeypatch.setattr("ankleboot.training.linear_probe.PENALTIES", (0.01,))


def planted_folder(
    folder: Path, classes: dict[str, int], moved: int
) -> tuple[Path, dict[str, str]]:
    """An image folder with images in the folder of the next class; their right classes by name."""
    write_image_folder(folder, classes)
    names, right = list(classes), {}
    for number in range(moved):
        true = names[number % len(names)]
        wrong = names[(number + 1) % len(names)]
        target = folder / wrong / f"moved{number}.png"
        (folder / true / f"{number}.png").rename(target)
        right[f"{wrong}/{target.name}"] = true
    return folder, right


def load_planted(folder: Path) -> Dataset:
    return load_data(str(folder), image_spec=SPEC)


@dataclass
class Page:
    """Served label page; `address` has the key."""

    address: str
    session: LabelSession
    labels: Path

    @property
    def root(self) -> str:
        return self.address.partition("#")[0]

    @property
    def key(self) -> str:
        return self.address.partition("#key=")[2]

    def request(
        self, path: str, document: Any = None, *, key: str | None = None, **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send GET, or POST with a document; `key` replaces the right one, "" sends none."""
        key = self.key if key is None else key
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if key:
            fields["Authorization"] = f"Bearer {key}"
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(self.root + path.lstrip("/"), body, fields)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                return response.status, response.read(), dict(response.headers)
        except urllib.error.HTTPError as error:
            return error.code, error.read(), dict(error.headers)

    def json(self, path: str, document: Any = None) -> Any:
        status, body, _ = self.request(path, document)
        assert status == 200, body
        return json.loads(body)


@contextmanager
def label_page(queue: LabelQueue, labels: Path, *, is_new: bool = False) -> Iterator[Page]:
    """Serve the page in a thread of this process."""
    ready, stop = threading.Event(), threading.Event()
    started: list[Any] = []
    with open_label_file(labels) as file:
        session = LabelSession(queue, file, title="pets/", is_new=is_new)

        def on_ready(address: str) -> None:
            started.append(address)
            ready.set()

        thread = threading.Thread(
            target=serve_labels,
            args=(session,),
            kwargs={
                "host": "127.0.0.1",
                "port": 0,
                "log": AccessLog("text"),
                "on_ready": on_ready,
                "is_stopped": stop.is_set,
            },
        )
        thread.start()
        try:
            assert ready.wait(20)
            yield Page(started[0], session, labels)
        finally:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()


def planted_queue(monkeypatch: Any, folder: Path) -> LabelQueue:
    """Queue of a folder with the colors as features."""
    use_colors(monkeypatch)
    return suspect_queue(load_planted(folder), None, lambda line: None)
