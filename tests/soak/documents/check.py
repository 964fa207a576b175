"""Promise of the documents: what stands at a key is read, or refused with the name of the file."""

import contextlib
import io
import os
from collections.abc import Iterator, Sequence
from unittest import mock

from ankleboot.core.errors import AnklebootError
from soak.documents.catalog import Document, Reader, documents
from soak.documents.places import VALUES, Place, places_of, with_value
from soak.promise import Broken, Cases, Outcome, Promise


def check(cases: Cases) -> Outcome:
    outcome = Outcome()
    environment = {"ANKLEBOOT_CACHE": str(cases.folder / "cache")}
    environment |= {"XDG_STATE_HOME": str(cases.folder / "state")}
    with mock.patch.dict(os.environ, environment):
        changes = _changes(cases)
        for number, chance in cases:
            found = next(changes, None) if cases.only is None else _nth(changes, number)
            if found is None:
                break
            document, place, kind = found
            where = f"{document.name} {'.'.join(map(str, place))} {kind}"
            with outcome.case(number, where), contextlib.redirect_stderr(io.StringIO()):
                drawn = [chance.choice(document.drawn)] if document.drawn else []
                content = with_value(document.content, place, kind)
                _read(document, [*document.readers, *drawn], content)
            outcome.counts[document.name] += 1
    return outcome


def _changes(cases: Cases) -> Iterator[tuple[Document, Place, str]]:
    (cases.folder / "documents").mkdir()
    for document in documents(cases.folder / "documents"):
        for place in places_of(document.content):
            if len(place) <= document.depth:
                for kind in VALUES:
                    yield document, place, kind


def _nth(
    changes: Iterator[tuple[Document, Place, str]], number: int
) -> tuple[Document, Place, str] | None:
    return next((change for i, change in enumerate(changes) if i == number), None)


def _read(document: Document, readers: Sequence[Reader], content: bytes) -> None:
    for reader in readers:
        try:
            reader(content)
        except AnklebootError as error:
            if document.named not in str(error):
                raise Broken(f"names no file: {error}") from error


DOCUMENTS = Promise(
    "documents",
    "values of keys in JSON documents read, or refused by the name of the file",
    check,
    weight=2,
    goal=5_000,
    short_goal=100,
)
