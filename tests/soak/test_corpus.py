"""Inputs that once made a reader fail, each kept as a file of tests/soak/corpus."""

from pathlib import Path

import pytest

from soak.fuzz.child import read
from soak.fuzz.readers import BY_NAME, CORPUS, READERS, Reader

KEPT = sorted(CORPUS.glob("*/*"))


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_an_input_that_once_failed_is_read_or_refused(path: Path, tmp_path: Path) -> None:
    assert read(BY_NAME[path.parent.name], tmp_path / "case", path.read_bytes()) == ""


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_a_reader_takes_its_seeds(reader: Reader, tmp_path: Path) -> None:
    for content in reader.make_seeds():
        assert read(reader, tmp_path / "case", content) == ""


def test_a_foreign_exception_is_a_failure_with_its_place(tmp_path: Path) -> None:
    broken = Reader("broken", lambda: [b""], lambda _, content: content[0])
    assert read(broken, tmp_path / "case", b"").startswith("IndexError: 'index out of range'")


def test_the_corpus_is_small() -> None:
    assert sum(path.stat().st_size for path in KEPT) <= 200_000
