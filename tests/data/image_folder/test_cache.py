"""The cache of preprocessed images: what is believed, and what is never kept."""

import errno
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.data.image_folder import cache as cache_module
from ankleboot.data.image_folder import load as load_module
from ankleboot.data.image_folder.content import decode_hashed, hash_images
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.load import load_data
from ankleboot.recipes.image_spec import ImageSpec
from helpers.image_folders import loaded


def test_a_second_start_decodes_nothing(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded(pets)
    monkeypatch.setattr(cache_module, "decode_hashed", None)  # calling it would fail
    second = loaded(pets)
    assert (first.train.images == second.train.images).all()
    assert (
        isinstance(second.train.images, np.memmap) and second.folder_report == first.folder_report
    )
    with pytest.raises(TypeError):  # the guard can fail: other pixels are wanted here
        load_data(str(pets), image_spec=ImageSpec(16, crop="none"))


@pytest.mark.parametrize("decoder", ["PIL.__version__", "version"])
def test_new_code_makes_new_pixels(
    decoder: str, pets: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(pets)
    if decoder == "version":  # of the HEIC decoder
        monkeypatch.setattr(cache_module, decoder, {"pillow-heif": "0"}.__getitem__)
    else:
        monkeypatch.setattr(decoder, "0")
    loaded(pets)
    assert len(list(cache.glob("*.npy"))) == 2


def with_zeros(array: np.ndarray) -> np.ndarray:
    changed = array.copy()
    changed.reshape(-1)[2_000:3_000] = 0
    return changed


@pytest.mark.parametrize(
    "change",
    [
        with_zeros,
        lambda array: np.full(array.shape, np.nan),
        lambda array: np.resize(array, (len(array), 5, 5, 3)),
        lambda array: array.astype(np.int64),
    ],
)
def test_pixels_that_were_changed_are_made_anew(
    change: Callable[[np.ndarray], np.ndarray],
    pets: Path,
    cache: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = np.array(loaded(pets).train.images)  # in memory: the file is about to shrink
    (path,) = cache.glob("*.npy")
    np.save(path, change(np.load(path)))
    after = loaded(pets)
    np.testing.assert_array_equal(after.train.images, before)
    assert after.train.images.dtype == np.uint8 and "made again" in caplog.text


def test_a_kill_during_preprocessing_leaves_no_cache(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("ankleboot.core.array_cache.write_sealed", killed)
        with pytest.raises(KeyboardInterrupt):
            loaded(pets)
    assert len(loaded(pets).train) == 10


# Faults of the system, and of other programs


def fail_once(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Let the first image of a decoding fail."""
    calls = iter([error])

    def decode(file: ImageFile) -> np.ndarray:
        if (first := next(calls, None)) is not None:
            raise first
        return decode_hashed(file)

    monkeypatch.setattr(cache_module, "decode_hashed", decode)


@pytest.mark.parametrize("error", [EnvironmentFailure("EIO"), MemoryError("no memory")])
def test_a_passing_fault_stops_and_is_not_kept(
    error: Exception, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_once(monkeypatch, error)
    with pytest.raises(type(error)):
        loaded(pets, skip_bad=True)
    data = loaded(pets, skip_bad=True)
    assert len(data.train) == 10 and data.folder_report and not data.folder_report.unreadable


@pytest.mark.parametrize("suffix", ["avif", "webp"])
def test_a_missing_decoder_is_not_remembered(
    suffix: str, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (80, 80), "red").save(pets / f"cat/phone.{suffix}")
    with monkeypatch.context() as patch:
        patch.setattr("PIL.features.check", lambda _: False)
        with pytest.raises(EnvironmentFailure, match=r"phone\..*, which this Pillow cannot read"):
            loaded(pets, skip_bad=True)
    assert len(loaded(pets, skip_bad=True).train) == 11


def test_a_missing_extra_is_not_remembered(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pets / "cat/phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(EnvironmentFailure, match=r"phone.heic: HEIC needs pip install"):
            loaded(pets, skip_bad=True)
    (pets / "cat/phone.heic").unlink()
    assert len(loaded(pets, skip_bad=True).train) == 10


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
@pytest.mark.parametrize("when", [1, 2])
def test_an_image_that_the_system_does_not_give_is_no_bad_image(
    number: int, when: int, pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, opened = Path.open, Counter[str]()

    def refused(path: Path, *arguments: Any, **options: Any) -> Any:
        opened[path.name] += 1
        if path.name == "3.png" and opened[path.name] == when:  # hashed first, then decoded
            raise OSError(number, os.strerror(number))
        return real(path, *arguments, **options)

    with monkeypatch.context() as patch:  # the tests may run as root
        patch.setattr(Path, "open", refused)
        (pets / "dog/3.png").unlink()
        with pytest.raises(EnvironmentFailure, match="cannot read .*cat/3.png") as raised:
            loaded(pets, skip_bad=True)
    assert os.strerror(number) in str(raised.value) and raised.value.exit_code == 5
    assert len(loaded(pets, skip_bad=True).train) == 9


def swap(path: Path) -> None:
    path.write_bytes((path.parent / "1.png").read_bytes())


@pytest.mark.parametrize("change", [swap, Path.unlink, Path.touch, lambda p: p.write_bytes(b"")])
def test_an_image_that_changes_between_hashing_and_decoding_is_refused(
    change: Callable[[Path], object], pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*arguments: Any) -> Any:
        change(pets / "cat/3.png")
        return cache_module.cache_images(*arguments)

    before = np.array(Image.open(pets / "cat/3.png"))
    content = (pets / "cat/3.png").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(load_module, "cache_images", changed)
        if change is not Path.touch:  # the bytes count, not the time
            with pytest.raises(DataError, match=r"cat/3.png: (changed while|no such file, though)"):
                loaded(pets, skip_bad=True)
    (pets / "cat/3.png").write_bytes(content)
    data = loaded(pets)
    row = data.train.names.index("cat/3.png")
    np.testing.assert_array_equal(data.train.images[row], before)


def test_an_image_that_is_gone_before_it_is_hashed_is_one_line(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed(images: list[ImageFile]) -> list[ImageFile]:
        (pets / "cat/3.png").unlink()
        return hash_images(images)

    with monkeypatch.context() as patch:
        patch.setattr(load_module, "hash_images", removed)
        with pytest.raises(DataError, match=r"1 of 10 images .*cat/3.png \(no such file\)"):
            loaded(pets)
    assert len(loaded(pets).train) == 9


def test_what_was_no_file_is_looked_at_again(pets: Path) -> None:
    target = pets.parent / "elsewhere.png"
    (pets / "cat/link.png").symlink_to(target)
    with pytest.raises(DataError, match="a link to a file that is missing"):
        loaded(pets)
    (pets / "cat/link.png").unlink()
    os.mkfifo(pets / "cat/link.png")
    assert len(loaded(pets).train) == 10
    (pets / "cat/link.png").unlink()
    shutil.copy(pets / "cat/1.png", pets / "cat/link.png")
    assert len(loaded(pets).train) == 11


def test_empty_files_alone_are_one_line(pets: Path) -> None:
    for path in pets.rglob("*.png"):
        path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(DataError, match=r"10 of 10 images .*\(an empty file\)"):
            loaded(pets)
        with pytest.raises(DataError, match="two or more classes|every class needs"):
            loaded(pets, skip_bad=True)


def test_a_complete_cache_in_a_read_only_folder_is_used(
    pets: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    loaded(pets)
    for name in ("mkdir", "unlink", "replace", "touch", "write_bytes"):  # the tests may be root's
        monkeypatch.setattr(Path, name, refused)
    monkeypatch.setattr("filelock.FileLock.acquire", refused)
    assert len(loaded(pets).train) == 10 and not caplog.records
    assert len(load_data(str(pets), image_spec=ImageSpec(16, crop="none")).train) == 10
    assert "Read-only file system" in caplog.text and "the result is not kept" in caplog.text
