"""`ankleboot label` from end to end; a function in place of the page decides."""

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.data.dataset import Dataset, LabeledImages
from ankleboot.data.label_file import read_label_file
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.server.labeling import serve
from ankleboot.server.labeling.session import LabelSession
from ankleboot.training import label_queue
from helpers.images import write_image_folder
from helpers.labeling import planted_folder, use_colors

Person = Callable[[LabelSession], None]
"""What somebody does on the page."""


@pytest.fixture(autouse=True)
def colors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    use_colors(monkeypatch)


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    return planted_folder(tmp_path / "pets", {"cat": 8, "dog": 8, "owl": 8}, moved=3)


@pytest.fixture
def page(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[dict[str, Any], str]]:
    """Run the command with a person on its page; return the JSON document and stderr."""

    def opened(person: Person, *arguments: str | Path) -> tuple[dict[str, Any], str]:
        def serve_labels(
            session: LabelSession, *, on_ready: Callable[[str], None], **_: Any
        ) -> None:
            on_ready("http://127.0.0.1:1/#key=k")
            person(session)

        monkeypatch.setattr(serve, "serve_labels", serve_labels)
        capsys.readouterr()
        assert ankleboot(["label", *map(str, arguments), "--json"]) == 0
        printed = capsys.readouterr()
        document: dict[str, Any] = json.loads(printed.out)
        return document, printed.err

    return opened


def failure(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = ankleboot(["label", *map(str, arguments)])
    printed = capsys.readouterr()
    assert not printed.out
    return code, printed.err.splitlines()[-1]


def first(session: LabelSession, count: int) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = session.items(0, count, None, is_open=True)["items"]
    return items


def test_decisions_are_counted_and_stored(
    planted: tuple[Path, dict[str, str]], page: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    folder, right = planted

    def person(session: LabelSession) -> None:
        for item in first(session, 3):
            session.decide([item["row"]], right[item["name"]])
        kept, unusable = first(session, 2)
        session.decide([kept["row"]], kept["label"])
        session.decide([unusable["row"]], "")

    document, stderr = page(person, folder)
    assert "open http://127.0.0.1:1/#key=k" in stderr
    assert document == {
        "data": "pets/",
        "label_file": str(folder / "labels.csv"),
        "total": 24,
        "decided": 5,
        "changed": 3,
        "confirmed": 1,
        "unusable": 1,
        "suspects": 3,
        "suspects_decided": 3,
        "next": 5,
    }
    stored = {each.path: each.label for each in read_label_file(folder / "labels.csv")[1]}
    assert right.items() <= stored.items() and list(stored.values()).count("") == 1


def test_a_second_opening_applies_earlier_decisions_and_can_take_them_back(
    planted: tuple[Path, dict[str, str]], page: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    folder, right = planted

    def correct(session: LabelSession) -> None:
        for item in first(session, 3):
            session.decide([item["row"]], right[item["name"]])

    def undo(session: LabelSession) -> None:
        assert not [item for item in first(session, 24) if item["suspect"]]
        (item,) = session.undo()["items"]
        assert item["label"] == item["name"].partition("/")[0]  # as the folder says
        assert len(session.neighbors(item["row"])) == 6

    page(correct, folder)
    document, stderr = page(undo, folder)
    assert "earlier decisions: " in stderr
    assert (document["suspects"], document["changed"]) == (0, 2)
    assert len(read_label_file(folder / "labels.csv")[1]) == 2


def test_new_images_go_to_a_label_file_of_their_own(
    tmp_path: Path, page: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    folder = write_image_folder(tmp_path / "pets", {"cat": 8, "dog": 8})
    new = write_image_folder(tmp_path / "new", {"some": 3, "others": 3})

    def person(session: LabelSession) -> None:
        assert session.describe()["title"] == "new/"
        session.decide([first(session, 1)[0]["row"]], "dog")

    document, _ = page(person, folder, "--new", new)
    assert (document["data"], document["label_file"]) == ("pets/", str(new / "labels.csv"))
    assert (document["total"], document["decided"], document["changed"]) == (6, 1, 1)
    document, _ = page(person, folder, "--new", new)  # learns from the decision before
    assert document["decided"] == 2 and not (folder / "labels.csv").exists()


def test_a_table_has_its_label_file_beside_it(
    planted: tuple[Path, dict[str, str]], page: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    folder, _ = planted
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    table = folder / "labels.csv"
    table.write_text("path,label\n" + "".join(f"{f},{f.partition('/')[0]}\n" for f in files))
    before = table.read_bytes()
    document, _ = page(lambda s: s.decide([0], "owl") and None, table)
    assert document["label_file"] == str(folder / "labels-labels.csv")
    assert document["decided"] == 1 and table.read_bytes() == before


def test_a_table_of_pixels_names_its_rows(
    tmp_path: Path, page: Callable[..., tuple[dict[str, Any], str]]
) -> None:
    table = tmp_path / "pixels.csv"
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    rows = [",".join([str(i % 2), *[str(200 * (i % 2) + i)] * 784]) for i in range(20)]
    table.write_text("\n".join([header, *rows]) + "\n")
    document, _ = page(lambda s: s.decide([0], "") and None, table)
    assert document["label_file"] == str(tmp_path / "pixels-labels.csv")
    document, stderr = page(lambda s: None, table)  # the names are those of before
    assert document["unusable"] == 1 and "earlier decisions: " in stderr


def without_files(spec: ImageSpec) -> Dataset:
    """A data set of another package, whose images come from no files."""
    images = LabeledImages(np.zeros((20, *spec.image_shape), np.uint8), np.arange(20) % 2)
    return Dataset("made", images, images, "memory", {"train": "0" * 64}, ("cat", "dog"))


def test_a_slip_is_one_line_before_any_work(
    planted: tuple[Path, dict[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(label_queue, "suspect_queue", None)
    folder, _ = planted
    code, line = failure(capsys, tmp_path / "nowhere")
    assert code == 2 and line.startswith("error: --data") and "no such file or folder" in line
    code, line = failure(capsys, folder, "--audit", folder, "--new", tmp_path)
    assert code == 2 and line.endswith("leave it out with --new")
    code, line = failure(capsys, folder, "--model", tmp_path / "none")
    assert code == 4 and "no such model file or run folder" in line
    code, line = failure(capsys, f"{__name__}:without_files")
    assert code == 2 and line.endswith("has no image files whose labels could be changed")
    assert not list(tmp_path.rglob("*labels.csv"))


def test_a_port_in_use_is_named(
    planted: tuple[Path, dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = failure(capsys, planted[0], "--port", str(port))
    assert code == 5 and line.startswith("error: ") and str(port) in line


@pytest.mark.parametrize("module", ["cleanlab", "sklearn"])
@pytest.mark.parametrize("command", [["label"], ["data", "audit", "--data"]])
def test_a_missing_extra_is_named_before_an_image_is_read(
    module: str,
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    assert ankleboot([*command, str(tmp_path / "nowhere")]) == 5
    expected = f"error: this needs {module}: pip install 'ankleboot[audit]'\n"
    assert capsys.readouterr().err == expected
