"""The JSON documents, each with how it is written and which functions read it."""

import contextlib
import io
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.cli.main import run as run_command
from ankleboot.core.files import sha256_of
from ankleboot.evaluation.test_set_usage import count_evaluation
from ankleboot.inference.bulk.parts import JOB_FILE, PartsFolder
from ankleboot.inference.load import load_predictor
from ankleboot.inference.numpy_network import FILE_NAME, NumpyPredictor
from ankleboot.models.files import checksums, keras_seal
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import load_run
from ankleboot.models.run_list import index, saved_columns
from ankleboot.models.run_list.index import list_runs
from ankleboot.recipes.catalog import get_recipe
from ankleboot.server.config import ServerConfig
from ankleboot.server.workers.model_check import _read_metrics
from ankleboot.studies.runner import _stored
from soak.fuzz import seeds
from soak.promise import Broken

RUN_FILES: tuple[str, ...] = ("recipe.json", "manifest.json", "result.json", "calibration.json")
RUN_FILES += ("evaluation-test.json", "verdict.json", "test_reads.json")

Reader = Callable[[bytes], object]
"""Function of the text of a document, which it writes where it belongs, and reads."""


@dataclass(frozen=True)
class Document:
    """A document and its readers.

    Attributes:
        content: Document as it is written.
        readers: They return, or raise an `AnklebootError`.
        named: Text that their errors have, so that a person finds the file.
        depth: Most keys on the way to a place.
        drawn: Further readers, one of which reads each case.
    """

    name: str
    content: Any
    readers: tuple[Reader, ...]
    named: str = ""
    depth: int = 9
    drawn: tuple[Reader, ...] = ()


def documents(folder: Path) -> Iterator[Document]:
    """Make the documents in an empty folder, one after the other."""
    for name in RUN_FILES:
        yield _run_document(folder / "runs", name)
    yield from _model_documents(folder)
    yield from _derived_documents(folder)
    yield _search_settings(folder / "search")
    yield _search_trial(folder / "search")


def parsed(content: bytes) -> Any:
    """Parse a document to forge its checksum; None if it is nested too deeply."""
    with contextlib.suppress(RecursionError):
        return json.loads(content)
    return None


def command(*arguments: str) -> None:
    """Run a command of the command line; it may refuse, but not fail."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = run_command(list(arguments))
    if code == 1 or "Traceback" in output.getvalue():
        raise Broken(f"{' '.join(arguments[:2])}: exit code {code}: {output.getvalue()[-200:]}")


def _run_document(base: Path, name: str) -> Document:
    run, other = base / "run", base / "other"
    for target in (run, other):
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(catalog.FOLDERS[catalog.ZERO_SHOT], target)
        (target / "verdict.json").write_bytes(seeds.run_documents()["verdict.json"])
        (target / "test_reads.json").write_bytes(seeds.run_documents()["test_reads.json"])
    images = np.zeros((1, 28, 28), np.uint8)

    def reader(function: Callable[[], object]) -> Reader:
        def read(content: bytes) -> object:
            (run / name).write_bytes(content)
            return function()

        return read

    functions: list[Callable[[], object]] = [
        lambda: load_run(run).to_json(),
        lambda: load_run(run).metadata(),
        lambda: load_run(run).summary(),
        lambda: list_runs(base, use_index=False),
        lambda: load_predictor(run, trust=True).predict(images),
    ]
    commands: list[Callable[[], object]] = [
        lambda: command("runs", "list", str(base), "--csv"),
        lambda: command("runs", "show", str(run)),
        lambda: command("runs", "diff", str(run), str(other)),
        lambda: command("runs", "leaderboard", str(base)),
    ]
    if name.startswith("evaluation") or name == "result.json":
        functions.append(lambda: _read_metrics(run, "test"))
    if name == "test_reads.json":
        functions.append(lambda: count_evaluation(run, "validation"))
    document = json.loads((run / name).read_bytes())
    readers, drawn = tuple(map(reader, functions)), tuple(map(reader, commands))
    return Document(name, document, readers, str(base), drawn=drawn)


def _model_documents(folder: Path) -> Iterator[Document]:
    body = (catalog.FOLDER / "model.tflite").read_bytes()
    flatbuffer, info = checksums.read_verified_tflite(catalog.FOLDER / "model.tflite")
    model = folder / "model.tflite"
    images = np.zeros((1, 28, 28), np.uint8)
    sealed = json.loads(body[body.rindex(b"{", 0, body.rindex(b"}")) :].partition(b"}")[0] + b"}")
    facts = {"bytes": len(flatbuffer), "sha256": sha256_of(flatbuffer)}

    def forged_tflite(content: bytes) -> object:
        labels = "\n".join(info.labels).encode() + b"\n"
        model.write_bytes(checksums._append_zip(flatbuffer, labels, content))  # noqa: SLF001
        return load_predictor(model, trust=True).predict(images)

    yield Document("model.tflite", sealed | facts, (forged_tflite,), str(model))
    yield from _seals(folder, info)
    exported = folder / "exported"
    exported.mkdir()
    network = json.loads(seeds.networks()[0])
    metadata = ModelMetadata(format="playground")

    def layers(content: bytes) -> object:
        (exported / FILE_NAME).write_bytes(content)
        checksums.add_folder_checksums(exported, metadata)
        return NumpyPredictor(exported).predict(images)

    yield Document(FILE_NAME, network, (layers,), str(exported))

    def described(content: bytes) -> object:
        (exported / FILE_NAME).write_bytes(seeds.networks()[0])
        document = parsed(content)
        files: dict[str, Any] = {"files": checksums._checksums(exported)}  # noqa: SLF001
        if isinstance(document, dict):
            document = {**files, **document}
            document["sha256"] = checksums._own_checksum(document)  # noqa: SLF001
            content = json.dumps(document).encode()
        (exported / checksums.METADATA_NAME).write_bytes(content)
        return load_predictor(exported, trust=True).predict(images)

    yield Document("ankleboot.json", metadata.to_json(), (described,), str(exported))


def _seals(folder: Path, info: ModelMetadata) -> Iterator[Document]:
    """Yield the descriptions in .keras and .onnx files, read without their runtimes."""
    keras, onnx = folder / "model.keras", folder / "model.onnx"

    def forged_keras(content: bytes) -> object:
        body = seeds.zipped({"config.json": b"{}"})
        comment = keras_seal.PREFIX + sha256_of(content).encode() + b" " + content
        keras.write_bytes(body[:-2] + (len(comment) % 2**16).to_bytes(2, "little") + comment)
        return keras_seal.read_seal(keras)

    def forged_onnx(content: bytes) -> object:
        entry = checksums._long_field(1, b"ankleboot") + checksums._long_field(2, content)  # noqa: SLF001
        file = b"\x08\x07" + checksums._long_field(14, entry)  # noqa: SLF001
        onnx.write_bytes(checksums.add_onnx_checksum(file))
        return checksums.read_onnx_metadata(onnx)

    yield Document("model.keras", info.to_json(), (forged_keras,), str(keras))
    yield Document("model.onnx", info.to_json(), (forged_onnx,), str(onnx))


def _derived_documents(folder: Path) -> Iterator[Document]:
    job = {"ankleboot": "0.1", "model_sha256": seeds.HASH, "model": "pretrained", "views": None}
    parts = PartsFolder(folder / "x.parquet")

    def bulk(content: bytes) -> None:
        parts.folder.mkdir(exist_ok=True)
        (parts.folder / JOB_FILE).write_bytes(content)
        (parts.folder / "a.parquet").touch()
        with parts.held(job):
            pass

    yield Document(JOB_FILE, job, (bulk,), str(parts.folder))
    packed = {"shape": [4], "dtype": "bool", "values": "8A=="}
    row = {"study": "pooling", "variant": "max", "seed": 0, "diverged": False, "seconds": 1.5}
    row |= {"measures": {"accuracy": 0.9}, "correct": packed, "recipe": {"name": "plain"}}
    yield Document("study row", row, (_written(folder / "row.json", _stored),))
    config = json.loads(ServerConfig(workers=1).to_worker_json())
    yield Document("server config", config, (_config,), "configuration")
    yield Document("run_columns.json", {str(folder): ["run", "seed"]}, (_columns(folder),))
    yield _index_row(folder / "runs")


def _config(content: bytes) -> object:
    return ServerConfig.from_worker_json(content.decode())


def _written(path: Path, function: Callable[[Path], object]) -> Reader:
    def read(content: bytes) -> object:
        path.write_bytes(content)
        return function(path)

    return read


def _columns(folder: Path) -> Reader:
    saved_columns.save_columns(folder, ("run",))
    return _written(saved_columns._path(), lambda _: saved_columns.load_columns(folder))  # noqa: SLF001


def _index_row(base: Path) -> Document:
    """Return a row of the index of runs; one that is damaged is read anew from the run."""
    (row, *_) = good = list_runs(base)
    path = index._index_path(base)  # noqa: SLF001

    def read(content: bytes) -> None:
        if path is None:
            raise Broken("no index")
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE runs SET row = ?", [content.decode()])
        rows = list_runs(base)
        if [set(each) for each in rows] != [set(each) for each in good]:
            raise Broken("rows with other columns")

    return Document("index row", dict(row), (read,))


def _search_settings(folder: Path) -> Document:
    settings = _settings()
    return Document(
        "settings", settings.to_json(), (_attribute(folder, "study", "settings"),), "search", 1
    )


def _search_trial(folder: Path) -> Document:
    """Return all attributes of a trial as one document."""
    content = {"key": "12345678", "recipe": _settings().recipe.to_json(), "state": "complete"}
    content |= {"curve": [0.5, 0.6], "objectives": {"validation_accuracy": 0.6}, "note": ""}
    return Document("trial", content, (_attribute(folder, "trial", None),), "optuna.db", 1)


def _settings() -> Any:
    from ankleboot.training.tuning.space import search_space
    from ankleboot.training.tuning.trials import SearchSettings

    recipe = get_recipe("sprint")
    space = search_space(recipe, ["epochs=2:9"])
    return SearchSettings(recipe, space, ("validation_accuracy",), "sample", seeds.HASH, 0)


def _attribute(folder: Path, table: str, key: str | None) -> Reader:
    from ankleboot.training.tuning.storage import TrialStorage

    path = folder / "optuna.db"
    if not path.exists():
        folder.mkdir()
        TrialStorage(path, _settings()).draw()
        shutil.copy(path, folder / "good.db")

    def read(content: bytes) -> None:
        shutil.copy(folder / "good.db", path)
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            pairs = {key: content.decode()} if key else _texts(content)
            for name, text in pairs.items():
                _set(connection, table, str(name), text)
        TrialStorage(path, _settings()).trials()
        os.unlink(path)

    return read


def _texts(content: bytes) -> dict[str, str]:
    """Return the text of each value; one that is nested too deeply stands alone."""
    values = parsed(content) or {}
    texts = {name: json.dumps(value) for name, value in values.items()}
    return texts or {"curve": content.decode()}


def _set(connection: sqlite3.Connection, table: str, key: str, text: str) -> None:
    name = f"{table}_user_attributes"
    tables = {"study": "studies", "trial": "trials"}
    (parent,) = connection.execute(f"SELECT {table}_id FROM {tables[table]}").fetchone()
    connection.execute(f"DELETE FROM {name} WHERE key = ?", [key])
    columns = f"{table}_id, key, value_json"
    connection.execute(f"INSERT INTO {name} ({columns}) VALUES (?, ?, ?)", [parent, key, text])
