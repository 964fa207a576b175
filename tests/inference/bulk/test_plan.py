"""Whatever the input is, its chunks hold every image once and in order."""

import os
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.core.errors import EnvironmentFailure, UsageError
from ankleboot.inference.bulk import plan as plan_module
from ankleboot.inference.bulk import shards
from ankleboot.inference.bulk.chunks import (
    Chunk,
    FileChunk,
    TarChunk,
    UnreadFile,
    chunk_from_line,
    chunk_to_line,
)
from ankleboot.inference.bulk.inputs import refuse_shards
from ankleboot.inference.bulk.plan import Plan, find_chunks
from ankleboot.inference.predict import FailedImage, ImageBytes
from helpers.shards import write_parquet, write_tar


def items(paths: Sequence[Any], lines: Iterable[str] = ()) -> list[Any]:
    """All images of the input, through the text of the chunks; (name, bytes) for those in files."""
    found: list[Any] = []
    for chunk in find_chunks([os.fspath(path) for path in paths], lines, lambda _: None):
        again = chunk_from_line(chunk_to_line(chunk))
        assert again == chunk
        images = list(again.images())
        assert len(images) == chunk.num_images
        found += images
    return [(i.name, i.content) if isinstance(i, ImageBytes) else i for i in found]


@given(
    members=st.lists(
        st.tuples(
            st.text("ab/é", min_size=1, max_size=130).map(lambda text: text.strip("/") or "a"),
            st.sampled_from([".png", ".JPG", ".json", ".cls", ""]),
            st.binary(max_size=1500),
        ),
        max_size=12,
        unique_by=lambda member: member[0] + member[1],
    ),
    size=st.integers(1, 5),
    form=st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
)
def test_the_chunks_of_an_archive_are_its_images(
    members: list[tuple[str, str, bytes]],
    size: int,
    form: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("tar") / "shard.tar"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "CHUNK_IMAGES", size)
        patch.setattr(tarfile, "DEFAULT_FORMAT", form)
        write_tar(path, {stem + suffix: content for stem, suffix, content in members})
        expected = [
            (f"{path}/{stem}{suffix}", content)
            for stem, suffix, content in members
            if suffix in (".png", ".JPG")
        ]
        assert items([path]) == expected


def test_folders_archives_tables_and_lists_give_their_images_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.png", "a.jpg", "notes.md", "inner/c.png", ".hidden.png"):
        (folder / name).write_bytes(b"x")
    write_tar(folder / "inner/d.tar", {"1.png": b"one", "._2.png": b"mac", "1.txt": b"label"})
    table = write_parquet(tmp_path / "t.parquet", [b"two", b"three"])
    names = tmp_path / "names.txt"
    names.write_text(f"{folder / 'a.jpg'}\r\n\n{table}\n")
    lines: list[str] = []
    inside = [
        str(folder / "a.jpg"),
        str(folder / "b.png"),
        str(folder / "inner/c.png"),
        (f"{folder}/inner/d.tar/1.png", b"one"),
    ]
    rows = [(f"{table}#0", b"two"), (f"{table}#1", b"three")]
    assert items([folder]) == inside
    assert items([names]) == [str(folder / "a.jpg"), *rows]
    assert items(["-"], [f"{table}\n", f"{folder}\n"]) == rows + inside
    assert items([tmp_path / "*.parquet"]) == rows
    assert items(["-"], ["gone.png", "gone[1].png", "a.tar.gz"]) == [
        "gone.png",
        "gone[1].png",
        "a.tar.gz",
    ]
    list(find_chunks([str(folder)], (), lines.append))
    assert lines == [f"{folder}: skipped, neither images nor shards: 1 (.md 1)"]


@given(rows=st.integers(1, 40), per_group=st.integers(1, 12), size=st.integers(1, 15))
def test_the_chunks_of_a_table_are_its_rows(
    rows: int, per_group: int, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    cells = [f"{number}".encode() for number in range(rows)]
    path = write_parquet(tmp_path_factory.mktemp("table") / "t.parquet", cells, per_group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shards, "CHUNK_IMAGES", size)
        assert items([path]) == [(f"{path}#{n}", cell) for n, cell in enumerate(cells)]


def test_cells_are_bytes_paths_or_both(tmp_path: Path) -> None:
    hugging_face = [{"bytes": b"one", "path": "1.png"}, {"bytes": None, "path": "2.png"}, None]
    path = write_parquet(tmp_path / "hf.parquet", hugging_face)
    one, two, missing = items([path])
    assert one == (f"{path}#0", b"one")
    assert two == str(tmp_path / "2.png")
    assert missing == FailedImage(
        f"{path}#2", "an empty cell; expected the bytes or the path of an image"
    )
    numbers = write_parquet(tmp_path / "numbers.parquet", [[1, 2], [3]])
    assert items([numbers])[0].error == "no column of images; name it image or path (number, image)"
    paths = write_parquet(tmp_path / "paths.parquet", ["a.png", None, "b.png"])
    first, missing, last = items([paths])
    assert (first, last) == (str(tmp_path / "a.png"), str(tmp_path / "b.png"))
    assert missing == FailedImage(str(paths), "a row with an empty path")


def test_bytes_come_before_names(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.table({"filename": ["1.png"], "image": [{"bytes": b"one", "path": None}]})
    parquet.write_table(table, tmp_path / "t.parquet")
    assert items([tmp_path / "t.parquet"]) == [(f"{tmp_path}/t.parquet#0", b"one")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_of_other_programs(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("é.png\nb.png\n", encoding=encoding)
    assert items([tmp_path / "list.txt"]) == ["é.png", "b.png"]


def test_a_new_file_moves_the_borders_of_its_own_chunk_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan_module, "CHUNK_FILES", 20)
    names = [f"photo-{number:04}.jpg" for number in range(2000)]
    before = list(find_chunks(["-"], names, print))
    after = set(find_chunks(["-"], ["added.jpg", *names], print))
    assert len(before) > 50 and len(set(before) - after) <= 3
    assert all(10 <= chunk.num_images <= 40 for chunk in before[:-1])  # the last is what is left


def test_damaged_files_are_one_row_each(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "w.tar", {f"{n}.png": bytes(2000) for n in range(5)})
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[:7000])  # in the third member
    found = items([cut])
    assert [item[0] for item in found[:2]] == [f"{cut}/0.png", f"{cut}/1.png"]
    assert all(isinstance(item, FailedImage) for item in found[2:]) and len(found) in (3, 4)
    for name in ("no.tar", "no.parquet"):
        path = tmp_path / name
        path.write_bytes(b"something else" * 100)
        (failed,) = items([path])
        assert failed.path == str(path) and "damaged or no" in failed.error
    (gone,) = items(["-"], [str(tmp_path / "gone.tar")])
    assert gone.error == "no such file"


@pytest.mark.parametrize(
    "header",
    [
        b"a.png".ljust(263, b"\0"),  # cut short
        b"a.png".ljust(124, b"\0") + b"-0000001000" + bytes(377),
        bytes(range(256)) * 2,
    ],
)
def test_forged_headers_are_damage(header: bytes, tmp_path: Path) -> None:
    content = bytearray(header.ljust(512, b"\0") if len(header) > 300 else header)
    if len(content) == 512:
        content[257:263] = b"ustar\0"
        content[148:156] = b" " * 8
        content[148:156] = b"%06o\0 " % sum(content)
    path = tmp_path / "forged.tar"
    path.write_bytes(content)
    (failed,) = items([path])
    assert "damaged or no tar archive" in failed.error


@pytest.mark.parametrize("suffix", ["tar", "parquet"])
def test_a_shard_that_changes_after_the_plan_ends_the_job(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"s.{suffix}"
    write: Any = {"tar": write_tar, "parquet": lambda p, images: write_parquet(p, [*images])}[
        suffix
    ]
    write(path, {f"{n}.png": b"x" for n in range(4)} if suffix == "tar" else [b"x"] * 4)
    (chunk,) = find_chunks([str(path)], (), print)
    assert len(list(chunk.images())) == 4
    write(path, {"0.png": b"x"} if suffix == "tar" else [b"x"])
    with pytest.raises(EnvironmentFailure, match="changed since it was listed; repeat"):
        list(chunk.images())
    path.unlink()
    with pytest.raises(EnvironmentFailure, match="No such file"):
        list(chunk.images())


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["a.tar.gz"], "packed archive"),
        (["gone.txt"], "No such file"),
        (["nothing*.png"], "no such file or folder"),
        (["gone.png"], "no such file or folder"),
    ],
)
def test_wrong_input_is_one_line(paths: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        items(paths)


def test_an_empty_list_is_refused() -> None:
    with pytest.raises(UsageError, match="standard input: no path"):
        items(["-"], ["\n"])


def test_shards_need_an_output_file(tmp_path: Path) -> None:
    refuse_shards(["a.png", str(tmp_path)])
    (tmp_path / "folder.tar").mkdir()
    refuse_shards([str(tmp_path / "folder.tar")])
    for name in ("a.tar", "a.parquet", "a.tgz", "a.txt"):
        with pytest.raises(UsageError, match="needs --output FILE.parquet"):
            refuse_shards([name])


def test_a_plan_reads_its_chunks_back(tmp_path: Path) -> None:
    chunks: list[Chunk] = [
        FileChunk(("a.png", "b\udcff.png")),
        TarChunk("x.tar", (10, 20), 512, 3),
        UnreadFile("y.tar", "why"),
    ]
    plan = Plan(tmp_path / "plan.jsonl", chunks)
    assert plan.num_images == 6
    assert [plan.chunk(planned) for planned in plan] == chunks
    assert len({planned.key for planned in plan}) == 3
    again = Plan(tmp_path / "again.jsonl", chunks)
    assert [planned.key for planned in again] == [planned.key for planned in plan]
    changed = Plan(tmp_path / "changed.jsonl", [TarChunk("x.tar", (10, 21), 512, 3)])
    assert {planned.key for planned in changed}.isdisjoint(planned.key for planned in plan)


def test_large_images_make_small_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "CHUNK_BYTES", 2500)
    contents = [bytes([n]) * 1000 for n in range(9)]
    tar = write_tar(tmp_path / "s.tar", {f"{n}.png": c for n, c in enumerate(contents)})
    table = write_parquet(tmp_path / "t.parquet", contents, rows_per_group=1)
    for path in (tar, table):
        chunks = list(find_chunks([str(path)], (), print))
        assert all(1 <= chunk.num_images <= 3 for chunk in chunks)
        assert sum(chunk.num_images for chunk in chunks) == 9
