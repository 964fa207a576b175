"""Every reader of data from outside, as a function of a folder of its own and some bytes.

Reading is kept if it returns, or raises `AnklebootError` (the server: `ApiError`).
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ankleboot.core.errors import AnklebootError
from ankleboot.data.class_names import read_class_names
from ankleboot.data.fashion_mnist.idx import gunzip, parse_images, parse_labels
from ankleboot.data.label_file import LabelFile, parse_label_file
from ankleboot.data.preprocessing.decode import decode_bytes, formats_of
from ankleboot.data.tables.sources import read_source
from ankleboot.inference.bulk.chunks import TarChunk
from ankleboot.inference.bulk.shards import chunks_of_shard
from ankleboot.inference.predict import ImageBytes
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.run import Run
from ankleboot.models.run_list.columns import read_row
from ankleboot.recipes.catalog import RECIPES
from ankleboot.recipes.parse import override
from ankleboot.server import body_parser
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.http.hosts import HostAllowlist
from ankleboot.server.workers.tensors import parse_tensors
from soak.fuzz import model_files, request_seeds, seeds
from soak.fuzz.model_files import written

CORPUS = Path(__file__).parents[1] / "corpus"
"""Inputs that once failed, in a folder for each reader."""
EXPECTED = (AnklebootError, ApiError)


@dataclass(frozen=True)
class Reader:
    """Reader of one kind of input.

    Attributes:
        weight: Share of the cases; slow readers get few.
    """

    name: str
    make_seeds: Callable[[], Sequence[bytes]]
    read: Callable[[Path, bytes], object]
    weight: float = 1.0
    is_json: bool = False

    @property
    def seeds(self) -> list[bytes]:
        return _seeds(self)


@cache
def _seeds(reader: Reader) -> list[bytes]:
    kept = sorted(path for path in (CORPUS / reader.name).glob("*") if path.is_file())
    return [*reader.make_seeds(), *(path.read_bytes() for path in kept)]


def source(name: str) -> Callable[[Path, bytes], object]:
    """Read a file as `--data` does."""
    return lambda folder, content: read_source(written(folder, name, content))


def idx_folder(folder: Path, content: bytes) -> object:
    written(folder, "train-images-idx3-ubyte", content)
    written(folder, "train-labels-idx1-ubyte", seeds.idx_labels()[0])
    return read_source(folder)


def decode(_: Path, content: bytes) -> object:
    return decode_bytes(content, "x", formats_of(content[:12], "x"))


def label_file(folder: Path, content: bytes) -> None:
    parse_label_file(content, "x")
    file = LabelFile(written(folder, "labels.csv", content))
    file.append("a.png", "x", "y")
    file.undo()


def npz_member(folder: Path, content: bytes) -> object:
    """Read an archive whose checksums are right, whatever its arrays are."""
    good = seeds.npy_files()[0]
    names = ("x_train.npy", "y_train.npy") if content[-1:] < b"\x80" else ("y.npy", "x.npy")
    packed = seeds.zipped(dict(zip(names, (content, good), strict=True)))
    return read_source(written(folder, "x.npz", packed))


def name_file(folder: Path, content: bytes) -> object:
    return read_class_names(written(folder, "labels.txt", content))


def tar(folder: Path, content: bytes) -> None:
    path = written(folder, "x.tar", content)
    for chunk in chunks_of_shard(str(path), lambda _: None):
        if isinstance(chunk, TarChunk) and chunk.num_images < 100:
            for image in chunk.images():
                if isinstance(image, ImageBytes):
                    _ = image.content


def forged_tar(folder: Path, content: bytes) -> None:
    """Read an archive whose headers have right checksums, whatever they say."""
    headers = bytearray(content)
    for start in range(0, len(headers) - 511, 512):
        if headers[start + 257 : start + 262] == b"ustar":
            headers[start + 148 : start + 156] = b" " * 8
            checksum = f"{sum(headers[start : start + 512]):06o}\0 "
            headers[start + 148 : start + 156] = checksum.encode()
    tar(folder, bytes(headers))


def bulk_parquet(folder: Path, content: bytes) -> None:
    path = written(folder, "x.parquet", content)
    for chunk in chunks_of_shard(str(path), lambda _: None):
        if not isinstance(chunk, str) and chunk.num_images < 100:
            list(chunk.images())


def run_file(name: str) -> Callable[[Path, bytes], None]:
    """Read a run folder with one file in place of the good one, as all commands do."""

    def read(folder: Path, content: bytes) -> None:
        for other, good in seeds.run_documents().items():
            written(folder, other, content if other == name else good)
        read_row(folder)
        run = Run(folder)
        parts: list[Callable[[], object]] = [run.recipe, run.manifest, run.metadata, run.result]
        for part in (*parts, run.calibration, run.history, run.summary, run.to_json):
            tolerated(part)

    return read


def tolerated(function: Callable[[], object]) -> None:
    with suppress(*EXPECTED):
        function()


def checkpoint(folder: Path, content: bytes) -> None:
    written(folder, "checkpoint.npz", content)
    Run(folder).read_checkpoint()


def known_images(folder: Path, content: bytes) -> None:
    written(folder, "known_images.npy", content)
    Run(folder).known_images()


def overridden(_: Path, content: bytes) -> None:
    key, _equals, value = content.decode("utf-8", "surrogateescape").partition("=")
    for name in ("baseline", "plain", "sprint"):
        if name in RECIPES:
            tolerated(lambda name=name: override(RECIPES[name], {key: value}))  # type: ignore[misc]


def form(_: Path, content: bytes) -> object:
    return body_parser.parse_images("multipart/form-data; boundary=b", content, 16)


def base64_body(_: Path, content: bytes) -> object:
    return body_parser.parse_images("application/json", content, 16)


def tensors(_: Path, content: bytes) -> object:
    return parse_tensors(content, ModelMetadata(), ServerConfig())


def content_type(_: Path, content: bytes) -> object:
    return body_parser.parse_images(content.decode("latin-1"), b"--b--\r\n", 16)


def host(_: Path, content: bytes) -> None:
    allows = HostAllowlist(ServerConfig(host="127.0.0.1", allowed_hosts=("example.org",))).allows
    if allows([content.decode("latin-1")]) and b"evil" in content.lower():
        raise AssertionError("a foreign host passes")


def server_config(_: Path, content: bytes) -> object:
    return ServerConfig.from_worker_json(content.decode("utf-8", "surrogateescape"))


def plain_tables() -> list[bytes]:
    return [*seeds.csv_tables(), *seeds.pixel_tables()]


def run_reader(name: str) -> Reader:
    def make_seeds() -> list[bytes]:
        return [seeds.run_documents()[name]]

    return Reader(f"run_{name}", make_seeds, run_file(name), 0.7, name.endswith("json"))


READERS = (
    Reader("idx", seeds.idx_images, lambda _, content: parse_images(content, "x"), 2),
    Reader("idx_labels", seeds.idx_labels, lambda _, content: parse_labels(content, "x")),
    Reader("gzip", seeds.idx_images, lambda _, content: gunzip(content, 10_000, "x")),
    Reader("idx_folder", seeds.idx_images, idx_folder, 0.5),
    Reader("images", seeds.images, decode, 8),
    Reader("csv", plain_tables, source("x.csv"), 5),
    Reader("tsv", plain_tables, source("x.tsv"), 2),
    Reader("txt", plain_tables, source("x.txt"), 1),
    Reader("jsonl", seeds.json_lines, source("x.jsonl"), 3, True),
    Reader("npz", seeds.npz_archives, source("x.npz"), 4),
    Reader("npz_member", seeds.npz_arrays, npz_member, 4),
    Reader("zip", seeds.zip_archives, source("x.zip"), 2),
    Reader("parquet", seeds.parquet_files, source("x.parquet"), 2),
    Reader("bulk_parquet", seeds.parquet_files, bulk_parquet, 1),
    Reader("tar", seeds.tar_archives, tar, 3),
    Reader("forged_tar", seeds.tar_archives, forged_tar, 3),
    Reader("labels", seeds.label_files, label_file, 1),
    Reader("class_names", seeds.class_names, name_file, 0.5),
    Reader("set", seeds.overrides, overridden, 2),
    Reader("checkpoint", seeds.checkpoints, checkpoint, 2),
    Reader("known_images", seeds.npy_files, known_images, 2),
    Reader("metadata", seeds.metadata, model_files.text_metadata, 3, True),
    Reader("forged_tflite", seeds.metadata, model_files.forged_tflite, 1, True),
    Reader("forged_onnx", seeds.metadata, model_files.forged_onnx, 1, True),
    Reader("forged_keras", seeds.metadata, model_files.forged_keras, 1, True),
    Reader("tflite", model_files.tflite_files, model_files.tflite_file, 2),
    Reader("onnx", model_files.onnx_files, model_files.onnx_file, 2),
    Reader("keras", model_files.keras_files, model_files.keras_file, 2),
    Reader("network", seeds.networks, model_files.network, 1, True),
    Reader("folder_metadata", seeds.metadata, model_files.folder_document, 1, True),
    Reader("form", request_seeds.forms, form, 4),
    Reader("base64", request_seeds.json_bodies, base64_body, 3, True),
    Reader("tensors", request_seeds.tensor_documents, tensors, 2, True),
    Reader("content_type", request_seeds.types, content_type, 2),
    Reader("host", request_seeds.hosts, host, 3),
    Reader("server_config", request_seeds.server_configs, server_config, 1, True),
    *map(run_reader, seeds.run_documents()),
)
BY_NAME: Mapping[str, Reader] = {reader.name: reader for reader in READERS}
