"""Archives as programs and download pages write them, one or several."""

import errno
import os
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.data.image_folder.listing import ImageListing
from ankleboot.data.tables.sources import read_source
from helpers.images import write_image_folder


@pytest.fixture(autouse=True)
def cache(isolated_cache_dir: Path) -> Path:
    return isolated_cache_dir.parent


@pytest.fixture
def content(tmp_path: Path) -> dict[str, bytes]:
    folder = write_image_folder(tmp_path / "made", {"cat": 3, "dog": 3})
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.png")}


class DosInfo(zipfile.ZipInfo):
    """Member whose name is not marked as UTF-8, as old programs write it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("cp437"), self.flag_bits


def zipped(
    path: Path, names: dict[str, bytes], kind: type[zipfile.ZipInfo] = zipfile.ZipInfo
) -> Path:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in names.items():
            info = kind("x")
            info.filename = name  # the constructor changes separators of this system
            archive.writestr(info, data)
    return path


def listed(path: Path) -> ImageListing:
    listing = read_source(path).listing
    assert listing is not None
    return listing


def counts(path: Path) -> dict[tuple[str, str], int]:
    return Counter((image.split, image.class_name) for image in listed(path).images)


def test_names_with_backslashes_are_folders(content: dict[str, bytes], tmp_path: Path) -> None:
    names = {name.replace("/", "\\"): data for name, data in content.items()}
    assert counts(zipped(tmp_path / "w.zip", names)) == {("train", "cat"): 3, ("train", "dog"): 3}


def test_a_colon_is_a_letter_and_a_drive_is_refused(
    content: dict[str, bytes], tmp_path: Path
) -> None:
    names = {name.replace("cat", "12:30"): data for name, data in content.items()}
    assert ("train", "12:30") in counts(zipped(tmp_path / "a.zip", names))
    for name in ("C:\\x\\a.png", "..\\a.png"):
        with pytest.raises(DataError, match="leads outside the archive"):
            listed(zipped(tmp_path / "b.zip", {**content, name: b"x"}))


def test_archives_of_the_splits_are_read_together(
    content: dict[str, bytes], tmp_path: Path
) -> None:
    train = zipped(tmp_path / "zips/train.zip", content)
    zipped(tmp_path / "zips/Test.zip", dict(list(content.items())[::2]))
    for path in (train, train.parent):
        assert sum(n for (split, _), n in counts(path).items() if split == "test") == 3
        assert "archives read as one folder" in listed(path).notes[0]
    both = {path.name: path.read_bytes() for path in train.parent.iterdir()}
    assert len(listed(zipped(tmp_path / "outer.zip", both)).images) == 9


def test_parts_of_a_download_are_one_folder(content: dict[str, bytes], tmp_path: Path) -> None:
    items = list(content.items())
    for i in (1, 2):
        zipped(tmp_path / f"zips/pets-2024-00{i}.zip", dict(items[i - 1 :: 2]))
    assert counts(tmp_path / "zips") == {("train", "cat"): 3, ("train", "dog"): 3}
    (note,) = listed(tmp_path / "zips/pets-2024-001.zip").notes
    assert note.startswith("parts of the same download") and note.endswith(": pets-2024-002.zip")


def test_archives_of_classes_are_classes(content: dict[str, bytes], tmp_path: Path) -> None:
    for number, label in ((1, "cat"), (2, "dog")):
        flat = {n.split("/")[1]: data for n, data in content.items() if n.startswith(label)}
        zipped(tmp_path / f"zips/Class {number}-samples.zip", flat)
    assert listed(tmp_path / "zips").class_names == ("Class 1", "Class 2")


def test_encrypted_and_empty_archives_are_one_line_with_their_own_name(
    content: dict[str, bytes], tmp_path: Path
) -> None:
    path = zipped(tmp_path / "e.zip", content)
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x01\x02")
    data[start + 8] |= 1  # the flag of the first member in the list of the archive
    path.write_bytes(data)
    with pytest.raises(DataError, match="e.zip: encrypted; unpack it with its password"):
        listed(path)
    with pytest.raises(DataError, match=f"{tmp_path}/n.zip: no images"):
        listed(zipped(tmp_path / "n.zip", {"readme.md": b"x"}))


def test_names_of_an_unknown_encoding_are_noted(content: dict[str, bytes], tmp_path: Path) -> None:
    def renamed(name: bytes) -> dict[str, bytes]:
        return {n.replace("cat", name.decode("cp437")): data for n, data in content.items()}

    unmarked = listed(zipped(tmp_path / "u.zip", renamed("k\xe4tzchen".encode()), DosInfo))
    assert "k\xe4tzchen" in unmarked.class_names and unmarked.notes == ()
    chinese = listed(zipped(tmp_path / "g.zip", renamed("\u72d7".encode("gbk")), DosInfo))
    assert "neither UTF-8 nor marked" in chinese.notes[0]


@pytest.mark.parametrize("damage", ["removed", "zeroed", "cut", "added", "all"])
def test_an_unpacked_folder_that_was_changed_is_unpacked_again(
    damage: str,
    content: dict[str, bytes],
    tmp_path: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = zipped(tmp_path / "pets.zip", content)
    image = next(file.path for file in listed(path).images if file.name.startswith("cat"))
    match damage:
        case "removed":
            image.unlink()
        case "zeroed":
            image.write_bytes(bytes(len(image.read_bytes())))
        case "cut":
            image.write_bytes(image.read_bytes()[:-1])
        case "added":
            image.with_name("more.png").write_bytes(image.read_bytes())
        case "all":
            shutil.rmtree(image.parents[1])
    again = listed(path)
    read = {file.path.relative_to(image.parents[1]).as_posix(): file.path for file in again.images}
    assert {name: path.read_bytes() for name, path in read.items()} == content
    assert len(caplog.records) == (damage != "all")
    listed(path)
    assert len(caplog.records) == (damage != "all")


def test_a_read_only_folder_with_everything_serves(
    content: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    path = zipped(tmp_path / "pets.zip", content)
    listed(path)
    monkeypatch.setattr(Path, "mkdir", refused)  # the tests may run as root
    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    assert len(listed(path).images) == 6


def test_an_archive_that_was_unused_for_long_makes_room_for_another(
    content: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = zipped(tmp_path / "old.zip", content), zipped(tmp_path / "new.zip", content)
    with zipfile.ZipFile(new, "a") as archive:  # another hash
        archive.comment = b"new"
    folder = listed(old).images[0].path.parents[1]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    listed(new)
    assert folder.exists()  # used today
    shutil.rmtree(listed(new).images[0].path.parents[1])
    os.utime(folder, (0, 0))
    listed(old)
    assert folder.stat().st_mtime > 0  # reading is a use
    os.utime(folder, (0, 0))
    listed(new)
    assert not folder.exists() and len(listed(old).images) == 6


def test_folders_of_killed_processes_are_swept(
    content: dict[str, bytes], tmp_path: Path, cache: Path
) -> None:
    path = zipped(tmp_path / "pets.zip", content)
    folder = listed(path).images[0].path.parents[1]
    left = folder.with_name(f".{folder.name}.0123456789ab.tmp")
    folder.rename(left)
    assert len(listed(path).images) == 6 and not left.exists()


def test_an_archive_that_the_system_does_not_give_is_not_called_damaged(
    content: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = zipped(tmp_path / "pets.zip", content)

    def refused(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("ankleboot.data.tables.archive.sha256_of_file", refused)
    with pytest.raises(EnvironmentFailure, match="pets.zip: .*Input/output error"):
        listed(path)
