"""The label page's server: decisions, and who may make them."""

import csv
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from helpers.images import write_image_folder
from helpers.labeling import Page, label_page, load_planted, planted_folder, planted_queue


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with _page(tmp_path) as page:
        yield page


@pytest.fixture(scope="module")
def untouched_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One page for all requests that store nothing."""
    with _page(tmp_path_factory.mktemp("page")) as page:
        yield page


@contextmanager
def _page(folder: Path) -> Iterator[Page]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANKLEBOOT_CACHE", str(folder / "cache"))
        pets, _ = planted_folder(folder / "pets", {"cat": 15, "dog": 15}, moved=4)
        with label_page(planted_queue(patch, pets), pets / "labels.csv") as page:
            yield page


def test_decisions_are_stored_at_once_and_taken_back(page: Page) -> None:
    session = page.json("/api/session")
    assert session["classes"] == ["cat", "dog"] and session["mode"] == "check"
    assert session["progress"]["suspects"] == 4 and not page.labels.exists()
    first, second = page.json("/api/items?start=0&count=2")["items"]
    assert first["suspect"] and first["predictions"][0][0] != first["label"]
    right = first["predictions"][0][0]
    done = page.json("/api/decide", {"rows": [first["row"]], "label": right})
    assert done["items"][0]["decision"] == "changed" and done["progress"]["next"] == 1
    line = page.labels.read_text().splitlines()[-1]
    assert line.startswith(f"{first['name']},{right},{first['label']},20")
    page.json("/api/decide", {"rows": [second["row"]], "label": ""})
    assert page.json("/api/items?start=1&count=1")["items"][0]["decision"] == "unusable"
    undone = page.json("/api/undo", {})
    assert undone["items"][0]["row"] == second["row"] and undone["progress"]["decided"] == 1
    page.json("/api/undo", {})
    assert page.labels.read_text() == "path,label,old_label,time\n"
    assert page.json("/api/undo", {})["items"] == []


def test_decisions_of_an_earlier_session_are_taken_back_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    folder, _ = planted_folder(tmp_path / "pets", {"cat": 15, "dog": 15}, moved=4)
    queue, labels = planted_queue(monkeypatch, folder), folder / "labels.csv"
    labels.write_text("path,label,old_label,time\ngone/1.png,cat,dog,\n")  # not on the page
    with label_page(queue, labels) as page:
        items = page.json("/api/items?start=0&count=2")["items"]
        for item in items:
            page.json("/api/decide", {"rows": [item["row"]], "label": ""})
    with label_page(queue, labels) as page:
        assert page.json("/api/session")["progress"]["decided"] == 2
        for item in reversed(items):
            (undone,) = page.json("/api/undo", {})["items"]
            assert undone["name"] == item["name"] and undone["decision"] == ""
        assert page.json("/api/undo", {})["items"] == []
    assert labels.read_text() == "path,label,old_label,time\ngone/1.png,cat,dog,\n"


def test_decided_images_leave_the_view_by_class(page: Page) -> None:
    path = "/api/items?start=0&count=50&class=cat&open=1"
    before = page.json(path)
    rows = [item["row"] for item in before["items"][:3]]
    assert all(item["label"] == "cat" for item in before["items"])
    page.json("/api/decide", {"rows": rows, "label": "cat"})
    after = page.json(path)
    assert after["total"] == before["total"] - 3
    assert not {item["row"] for item in after["items"]} & set(rows)


def test_images_and_neighbors_are_sent(untouched_page: Page) -> None:
    (item,) = untouched_page.json("/api/items?start=0&count=1")["items"]
    status, body, headers = untouched_page.request(
        f"/api/image?set=shown&row={item['row']}&side=160"
    )
    assert status == 200 and body.startswith(b"\x89PNG")  # small ones without loss
    assert headers["content-type"] == "image/png"
    neighbors = untouched_page.json(f"/api/neighbors?row={item['row']}")
    assert len(neighbors) == 6 and item["row"] not in [n["row"] for n in neighbors]


def test_the_table_of_predictions_has_every_image(page: Page) -> None:
    (item,) = page.json("/api/items?start=0&count=1")["items"]
    page.json("/api/decide", {"rows": [item["row"]], "label": ""})
    _, body, _ = page.request("/api/predictions.csv")
    rows = list(csv.DictReader(io.StringIO(body.decode())))
    assert len(rows) == 30
    by_path = {row["path"]: row for row in rows}
    assert by_path[item["name"]]["decision"] == "unusable"
    assert by_path[item["name"]]["predicted"] == item["predictions"][0][0]


def test_the_page_is_public_and_everything_else_wants_the_key(untouched_page: Page) -> None:
    status, body, headers = untouched_page.request("/", key="")
    assert status == 200 and b"<!doctype html>" in body
    assert "default-src 'none'" in headers["content-security-policy"]
    for key in ("", "wrong", untouched_page.key[:-1]):
        assert untouched_page.request("/api/session", key=key)[0] == 401
        status, body, _ = untouched_page.request(
            "/api/decide", {"rows": [0], "label": "cat"}, key=key
        )
        assert status == 401 and json.loads(body)["error"]["code"] == "unauthorized"
    assert not untouched_page.labels.exists()


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Host": "evil.example"}, 400, "unknown_host"),
        ({"Origin": "http://evil.example"}, 403, "foreign_origin"),
        ({"Origin": "null"}, 403, "foreign_origin"),
        ({"Origin": "http://127.0.0.1:1"}, 403, "foreign_origin"),  # another server here
    ],
)
def test_other_pages_cannot_label_even_with_the_key(
    untouched_page: Page, headers: dict[str, str], status: int, code: str
) -> None:
    got, body, _ = untouched_page.request("/api/decide", {"rows": [0], "label": "cat"}, **headers)
    assert got == status and json.loads(body)["error"]["code"] == code
    assert not untouched_page.labels.exists()


def test_the_pages_own_origin_passes(page: Page) -> None:
    origin = page.root.rstrip("/")
    status, _, _ = page.request("/api/decide", {"rows": [0], "label": "cat"}, Origin=origin)
    assert status == 200


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("/api/decide", {"rows": [0], "label": "fox"}, 422),
        ("/api/decide", {"rows": [99], "label": "cat"}, 422),
        ("/api/decide", {"rows": [-1], "label": "cat"}, 422),
        ("/api/decide", {"rows": [True], "label": "cat"}, 422),
        ("/api/decide", {"rows": "0", "label": "cat"}, 422),
        ("/api/decide", {"rows": [0]}, 422),
        ("/api/decide", [0], 422),
        ("/api/decide", {"rows": [0], "label": "cat" * 500_000}, 413),
        ("/api/refit", {}, 422),
        ("/api/none", {}, 404),
        ("/api/items?start=0", None, 422),
        ("/api/items?start=-1&count=1", None, 422),
        ("/api/items?start=0&count=1&class=fox", None, 422),
        ("/api/image?row=99&side=160", None, 422),
        ("/api/image?row=0&side=9999", None, 422),
        ("/api/image?set=other&row=0&side=160", None, 422),
        ("/api/neighbors?row=99", None, 422),
        ("/../labels.csv", None, 404),
    ],
)
def test_a_wrong_request_is_refused_and_stores_nothing(
    untouched_page: Page, path: str, document: object, status: int
) -> None:
    got, body, _ = untouched_page.request(path, document)
    assert got == status and "error" in json.loads(body)
    assert not untouched_page.labels.exists()


def test_new_images_get_labels_and_the_layer_learns_from_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ankleboot.training.label_queue import new_image_queue

    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    folder, _ = planted_folder(tmp_path / "pets", {"cat": 12, "dog": 12}, moved=0)
    planted_queue(monkeypatch, folder)
    new = write_image_folder(tmp_path / "new", {"a": 4, "b": 4}, seed=5)
    queue = new_image_queue(load_planted(folder), new, lambda line: None)
    with label_page(queue, new / "labels.csv", is_new=True) as page:
        session = page.json("/api/session")
        assert session["mode"] == "new" and session["can_refit"]
        items = page.json("/api/items?start=0&count=9")["items"]
        assert len(items) == 8 and items[0]["label"] == "" == items[0]["decision"]
        done = page.json("/api/decide", {"rows": [items[0]["row"]], "label": "dog"})
        assert done["items"][0]["label"] == "dog" and done["items"][0]["decision"] == "changed"
        assert page.json("/api/refit", {})["progress"]["decided"] == 1
        neighbors = page.json(f"/api/neighbors?row={items[0]['row']}")
        assert {neighbor["label"] for neighbor in neighbors} <= {"cat", "dog"}
    assert (new / "labels.csv").read_text().count("\n") == 2
