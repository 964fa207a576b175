"""Composition of `benchmarks/foreign_pictures.py`, from small packages that these tests make."""

import csv
import io
import json
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import foreign_pictures
from ankleboot.core.errors import DataError, EnvironmentFailure, UsageError
from ankleboot.core.files import sha256_of_file
from lib import foreign_images, foreign_sources
from lib.foreign_drawings import DRAWINGS
from lib.foreign_sources import Source, fetch, matching

PAGE = (foreign_pictures.ROOT / "docs/foreign_pictures.md").read_text()


def png(color: tuple[int, ...], size: tuple[int, int] = (120, 100)) -> bytes:
    """Encode an image; with four numbers it is an object on a transparent background."""
    content = io.BytesIO()
    image = Image.new("RGBA", (size[0] + 20, size[1] + 20))
    image.paste(color, (10, 10, size[0] + 10, size[1] + 10))
    (image if len(color) == 4 else image.convert("RGB")).save(content, "PNG")
    return content.getvalue()


PHOTOS = {
    "animals/cat.png": png((200, 150, 90)),
    "animals/horse.png": png((90, 60, 30)),
    "animals/man_in_coat.png": png((10, 10, 60)),
    "animals/notes.txt": b"no image",
    "floor.png": png((120, 120, 120), (400, 300)),
}
STAMPS = {
    "package/duck.png": png((240, 220, 0, 255)),
    "package/crumb.png": png((90, 60, 0, 255), (20, 10)),
    "package/drawn.png": png((0, 90, 0, 255)),
}


@pytest.fixture
def plan(tmp_path: Path) -> dict[str, Any]:
    """Two packages in a cache, and the plan that names them."""
    cache = tmp_path / "cache"
    with zipfile.ZipFile(tmp_path / "photos.whl", "w") as wheel:
        for name, content in PHOTOS.items():
            wheel.writestr(name, content)
    with tarfile.open(tmp_path / "stamps.tgz", "w:gz") as package:
        for name, content in STAMPS.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            package.addfile(member, io.BytesIO(content))
    sources = {}
    for name, root in (("photos.whl", ""), ("stamps.tgz", "package")):
        sources[Path(name).stem] = put(tmp_path / name, cache, root)
    return {
        "sources": sources,
        "credits": {"photos": {"animals/cat.png": ["CC0-1.0", "Ada"]}},
        "excluded": {"photos": {"animals/man*.png": "a person in a coat"}},
        "backgrounds": {"surfaces": {"photos": ["floor.png"]}},
        "kinds": {
            "animals": {
                "photos": {"photos": ["animals/*.png"]},
                "cut-outs": {"stamps": ["duck.png", "crumb.png"]},
                "drawings": {"stamps": ["drawn.png"]},
            },
            "documents": {"drawn": {"document": 2}},
        },
    }


def put(archive: Path, cache: Path, root: str) -> dict[str, str]:
    """Lay an archive where a download would put it; return the fields of its source."""
    digest = sha256_of_file(archive)
    folder = cache / f"{archive.stem}-{digest[:12]}.download"
    folder.mkdir(parents=True)
    archive.rename(folder / archive.name)
    fields = {"client": "pip", "version": "1", "sha256": digest, "root": root}
    return fields | {"licence": "MIT", "author": "Us"}


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "pictures.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_folder_holds_every_kind_and_the_table_every_image(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    document = foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache")
    rows = {row["path"]: row for row in rows_of(tmp_path / "set")}
    assert list(rows) == [
        "animals/photos_animals-cat.jpg",
        "animals/photos_animals-horse.jpg",
        "animals/stamps_duck.jpg",
        "animals/stamps_drawn.png",
        "documents/document_00.png",
        "documents/document_01.png",
    ]
    for path, row in rows.items():
        assert sha256_of_file(tmp_path / "set" / path) == row["sha256"]
    cat, duck = rows["animals/photos_animals-cat.jpg"], rows["animals/stamps_duck.jpg"]
    assert (cat["licence"], cat["author"], cat["version"]) == ("CC0-1.0", "Ada", "1")
    assert duck["photo"] == "yes" and "laid on" in duck["way"]
    assert rows["documents/document_00.png"]["author"] == "The Ankleboot authors"
    assert document["num"] == 6 and document["num_photos"] == 3
    assert document["kinds"]["animals"]["licences"] == ["CC0-1.0", "MIT"]


def test_excluded_and_small_images_are_left_out_and_listed(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    document = foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache")
    names = " ".join(document["kinds"]["animals"]["images"])
    assert "coat" not in names and "crumb" not in names
    assert document["too_small"] == ["stamps/crumb.png"]
    assert document["excluded"]["photos"] == {"animals/man*.png": "a person in a coat"}
    assert any("crumb.png" in line for line in foreign_pictures.report(document))


def test_composing_twice_gives_the_same_files_and_removes_stale_ones(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    output = tmp_path / "set"
    first = foreign_pictures.compose(plan, output, tmp_path / "cache")
    (output / "animals/stale.jpg").write_bytes(b"")
    assert foreign_pictures.compose(plan, output, tmp_path / "cache") == first
    assert not (output / "animals/stale.jpg").exists()
    other = foreign_pictures.compose(plan, tmp_path / "other", tmp_path / "cache")
    assert other == first


def test_a_source_left_out_takes_its_images_alone_and_is_reported(
    plan: dict[str, Any], tmp_path: Path
) -> None:
    everything = foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache")
    document = foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache", ["stamps"])
    kept = document["kinds"]["animals"]["images"]
    assert list(kept) == ["photos_animals-cat.jpg", "photos_animals-horse.jpg"]
    assert kept.items() <= everything["kinds"]["animals"]["images"].items()
    line = "left out by --without: every image of stamps"
    assert line in foreign_pictures.report(document)
    with pytest.raises(UsageError, match="the sources are photos, stamps"):
        foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache", ["stmps"])


def test_a_folder_with_other_files_stays(plan: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/letter.txt").write_text("dear")
    with pytest.raises(UsageError, match="holds other files"):
        foreign_pictures.compose(plan, tmp_path / "mine", tmp_path / "cache")
    assert (tmp_path / "mine/letter.txt").read_text() == "dear"


@pytest.mark.parametrize("part", ["excluded", "kinds"])
def test_patterns_that_match_nothing_are_errors(
    part: str, plan: dict[str, Any], tmp_path: Path
) -> None:
    if part == "excluded":
        plan["excluded"]["photos"]["gone.png"] = "a typing error"
    else:
        plan["kinds"]["animals"]["photos"]["photos"].append("gone.png")
    with pytest.raises(DataError, match=r"gone\.png matches no image"):
        foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache")


def test_an_exclusion_that_hides_nothing_is_an_error(plan: dict[str, Any], tmp_path: Path) -> None:
    plan["excluded"]["stamps"] = {"drawn.png": "a drawing"}
    del plan["kinds"]["animals"]["drawings"]
    with pytest.raises(DataError, match=r"drawn\.png of stamps hides no image"):
        foreign_pictures.compose(plan, tmp_path / "set", tmp_path / "cache")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (("sh", "-c", "echo hint; echo no such package >&2; exit 1"), "no such package"),
        (("no-such-client",), "No such file"),
        (("true",), "it wrote no file"),
    ],
)
def test_a_source_that_cannot_be_fetched_ends_with_one_line(
    command: tuple[str, ...],
    reason: str,
    plan: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(foreign_sources.COMMANDS, "pip", command)
    monkeypatch.setattr(tomllib, "loads", lambda _: plan)
    words = ["--output", str(tmp_path / "set"), "--cache", str(tmp_path / "empty")]
    assert foreign_pictures.main(words) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("foreign_pictures: cannot fetch photos 1 with ")
    assert reason in line and line.endswith("--without photos")
    assert not (tmp_path / "set").exists()


def test_another_file_than_the_recorded_one_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "photos.whl"
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("cat.png", PHOTOS["animals/cat.png"])
    fields = put(archive, tmp_path / "cache", "")
    (kept,) = (tmp_path / "cache").glob("*/photos.whl")
    kept.write_bytes(kept.read_bytes() + b"!")
    with pytest.raises(EnvironmentFailure, match="photos 1: expected SHA-256"):
        fetch("photos", Source(**fields), tmp_path / "cache")


def test_members_outside_the_package_are_not_unpacked(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.whl", "w") as wheel:
        for name in ("../escaped.png", "/escaped.png", "inside.png"):
            wheel.writestr(name, PHOTOS["animals/cat.png"])
    fields = put(tmp_path / "photos.whl", tmp_path / "cache", "")
    root = fetch("photos", Source(**fields), tmp_path / "cache")
    assert [path.name for path in matching(root, ("**/*.png",))] == ["inside.png"]
    assert not list(tmp_path.rglob("escaped.png"))


def test_an_object_lies_whole_on_its_background() -> None:
    generator = np.random.default_rng(0)
    subject = Image.new("RGBA", (100, 200), (255, 0, 0, 255))
    for size in foreign_images.FRAMES:
        ground = foreign_images.paper(size, generator)
        scene = np.asarray(foreign_images.laid_on(ground, subject, generator)).astype(int)
        assert scene.shape == (size[1], size[0], 3)
        is_red = scene[..., 0] - scene[..., 1] > 100
        share = is_red.mean()
        assert 0.05 < share < 0.7
        assert not is_red[[0, -1]].any() and not is_red[:, [0, -1]].any()


@pytest.mark.parametrize("name", DRAWINGS)
def test_drawings_follow_their_random_numbers(name: str) -> None:
    first, second, other = (
        np.asarray(DRAWINGS[name](np.random.default_rng(seed), 4)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert first.shape != other.shape or not np.array_equal(first, other)
    assert first.std() > 1


def test_the_plan_names_sources_that_it_describes() -> None:
    plan = tomllib.loads(foreign_pictures.PLAN.read_text(encoding="utf-8"))
    sources = {name: Source(**fields) for name, fields in plan["sources"].items()}
    assert {source.client for source in sources.values()} <= set(foreign_sources.COMMANDS)
    assert all(len(source.sha256) == 64 for source in sources.values())
    assert len({source.sha256 for source in sources.values()}) == len(sources)
    used = {
        name
        for ways in plan["kinds"].values()
        for way, entries in ways.items()
        if way != "drawn"
        for name in entries
    }
    assert used == set(sources)
    assert set(plan["excluded"]) | set(plan["credits"]) <= used
    drawn = {name for ways in plan["kinds"].values() for name in ways.get("drawn", {})}
    assert drawn == set(DRAWINGS)


def test_the_recorded_set_is_large_and_varied() -> None:
    document = json.loads(foreign_pictures.RESULT.read_text())
    assert document["num"] >= 300 and len(document["kinds"]) >= 12
    assert 2 * document["num_photos"] >= document["num"]
    for kind in ("cats", "horses"):
        assert document["kinds"][kind]["num_photos"] > 0
    hashes = [d for kind in document["kinds"].values() for d in kind["images"].values()]
    assert len(hashes) == len(set(hashes)) == document["num"]
    assert document["without"] == []


def test_the_page_names_the_limits_of_the_code() -> None:
    assert f"at most {foreign_images.LONGEST_SIDE} pixels a side" in PAGE
    assert f"below {foreign_images.SMALLEST_OBJECT} pixels are left out" in PAGE
