"""Small valid inputs of every reader, made by code: equal bytes in every process."""

import gzip
import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image, features

from ankleboot.core.types import npy_bytes, pack_array
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.models.history import COLUMNS
from ankleboot.recipes.catalog import RECIPES

PIXELS = (np.arange(12 * 10 * 3).reshape(12, 10, 3) * 7 % 256).astype(np.uint8)
HASH = "0" * 64


def idx_images() -> list[bytes]:
    content = struct.pack(">IIII", 2051, 2, 28, 28) + bytes(2 * 28 * 28)
    return [content, struct.pack(">IIII", 2051, 3, 4, 5) + bytes(60), gzip.compress(content)]


def idx_labels() -> list[bytes]:
    content = struct.pack(">II", 2049, 4) + bytes([0, 1, 9, 3])
    return [content, gzip.compress(content)]


def images() -> list[bytes]:
    """Return one image of every format, and of the modes that are read otherwise."""
    gray, alpha = PIXELS[..., 0], np.dstack((PIXELS, PIXELS[..., :1]))
    deep = gray.astype(np.uint16) * 257
    made: list[tuple[Any, str, dict[str, Any]]] = [
        (PIXELS, "PNG", {}),
        (gray, "PNG", {}),
        (alpha, "PNG", {}),
        (deep, "PNG", {}),
    ]
    made += [(PIXELS, "JPEG", {}), (PIXELS, "JPEG", {"progressive": True}), (gray, "JPEG", {})]
    made += [(PIXELS, "WEBP", {}), (alpha, "WEBP", {"lossless": True}), (PIXELS, "BMP", {})]
    made += [(PIXELS, "GIF", {}), (PIXELS, "TIFF", {}), (deep, "TIFF", {})]
    made += [(PIXELS, "TIFF", {"compression": "tiff_lzw"}), (gray.astype("f4"), "TIFF", {})]
    made += [(PIXELS, "AVIF", {})] * bool(features.check("avif"))
    contents = [
        encoded(Image.fromarray(array), format, **options) for array, format, options in made
    ]
    palette = Image.fromarray(PIXELS).quantize(8)
    contents.append(encoded(palette, "PNG", transparency=1))
    contents.append(encoded(Image.fromarray(PIXELS).convert("CMYK"), "JPEG"))
    contents.append(encoded(Image.fromarray(gray).convert("1"), "PNG"))
    frames = [Image.fromarray(PIXELS), Image.fromarray(PIXELS[::-1])]
    contents.append(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    turned = Image.Exif()
    turned[0x0112] = 6
    contents.append(encoded(Image.fromarray(PIXELS), "JPEG", exif=turned))
    return contents


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def csv_tables() -> list[bytes]:
    rows = "".join(
        f"img/{i}.png,{'cat' if i % 2 else 'dog'},{'train' if i < 4 else 'test'}\n"
        for i in range(6)
    )
    texts = [
        "path,label,split\n" + rows,
        "a.png,cat\nb.png,dog\n",
        "file;class\na.png;1\nb.png;2\n",
    ]
    texts += [
        "image_id,cat,dog\na,1,0\nb,0,1\n",
        "path\tlabel\tgroup\na.png\tx\tg1\nb.png\ty\tg2\n",
    ]
    texts += [
        '"path","label"\n"a, b.png","x"\n"c.png","y ""z"""\n',
        "sep=;\npath;label\na.png;b\nc.png;d\n",
    ]
    texts += ["path label\na.png x\nb.png y\n"]
    return [text.encode() for text in texts] + [
        texts[0].encode("utf-16"),
        "path,label\né.png,ü\nb.png,x\n".encode("cp1252"),
    ]


def pixel_tables() -> list[bytes]:
    header = "label," + ",".join(f"pixel{i}" for i in range(16))
    rows = "\n".join(
        f"{row % 2}," + ",".join(str(row * 16 + i) for i in range(16)) for row in range(4)
    )
    named = "class," + ",".join(f"{i}x{j}" for i in range(1, 5) for j in range(1, 5)) + ",Usage"
    usage = "\n".join(
        line + (",Training" if i < 2 else ",PublicTest") for i, line in enumerate(rows.split("\n"))
    )
    cell = "emotion,pixels\n0," + " ".join("7" * 16) + "\n1," + " ".join("9" * 16) + "\n"
    texts = [f"{header}\n{rows}\n", f"{rows}\n", f"{named}\n{usage}\n", cell]
    return [text.encode() for text in texts] + [texts[0].encode("utf-16")]


def json_lines() -> list[bytes]:
    rows = [{"file_name": f"{i}.png", "label": i % 2, "split": "train"} for i in range(3)]
    deep = [{"path": "a.png", "label": ["x", {"y": 1}]}, {"path": None, "label": 1e400}]
    return ["".join(json.dumps(row) + "\n" for row in each).encode() for each in (rows, deep)]


def npz_archives() -> list[bytes]:
    images, labels = np.zeros((4, 6, 5), np.uint8), np.array([0, 1, 1, 0])
    named = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    color = {"images": np.zeros((2, 4, 4, 3), np.float32), "labels": np.eye(2)}
    texts = {"X": images, "y": np.array(["a", "b", "b", "a"]), "class_names": np.array(["a", "b"])}
    numbered = {"arr_0": images, "arr_1": labels, "names": np.array(["x", "y"])}
    return [npz(each) for each in (named, color, texts, numbered)] + [npz(named, compressed=True)]


def npz(arrays: Mapping[str, Any], compressed: bool = False) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **arrays)
    return file.getvalue()


def npy_files() -> list[bytes]:
    arrays = (np.arange(5, dtype=np.uint64), np.zeros(0, np.uint64), np.zeros((2, 2), "f4"))
    return [npy_bytes(array) for array in arrays]


def npz_arrays() -> list[bytes]:
    arrays = (np.zeros((5, 4, 4), np.uint8), np.zeros((5, 4, 4, 3), "f4"), np.arange(5), np.eye(5))
    texts = (np.array(["a", "b", "a", "b", "c"]), np.array([b"a", b"b", b"a", b"b", b"c"]))
    return [npy_bytes(array) for array in (*arrays, *texts)]


def zip_archives() -> list[bytes]:
    image = encoded(Image.fromarray(PIXELS), "PNG")
    trees = [{f"{label}/{i}.png": image for label in "ab" for i in range(2)}]
    trees += [{"data/metadata.csv": b"file_name,label\nx.png,1\ny.png,2\n", "data/x.png": image}]
    trees += [{"t\u00e9st/a\\b.png": image, "__MACOSX/x": b"", "empty/": b""}]
    return [
        zipped(tree, kind) for tree in trees for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    ]


def zipped(tree: Mapping[str, bytes], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in tree.items():
            archive.writestr(zipfile.ZipInfo(name), content, kind)
    return file.getvalue()


def parquet_files() -> list[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    image = encoded(Image.fromarray(PIXELS), "PNG")
    features = {"info": {"features": {"label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}}}
    tables = [pa.table({"path": ["a.png", "b.png"], "label": ["x", "y"]})]
    bytes_of = {"image": [{"bytes": image, "path": "a.png"}] * 2, "label": [0, 1]}
    tables.append(pa.table(bytes_of).replace_schema_metadata({"huggingface": json.dumps(features)}))
    contents = []
    for table in tables:
        sink = pa.BufferOutputStream()
        parquet.write_table(table, sink)
        contents.append(sink.getvalue().to_pybytes())
    return contents


def label_files() -> list[bytes]:
    header, stamp = "path,label,old_label,time\n", "2026-11-29T10:12:03+0000"
    texts = [
        f"{header}cat/17.jpg,dog,cat,{stamp}\ncat/18.jpg,,cat,{stamp}\n",
        "path,label\na.png,x\n",
    ]
    return [text.encode() for text in (*texts, texts[0][:-4], '"path",label\n"a\nb.png",x\n')]


def class_names() -> list[bytes]:
    return [b"0 cat\n1 dog\n", b"cat\ndog\n", "\ufeffé\nx".encode()]


def tar_archives() -> list[bytes]:
    image = encoded(Image.fromarray(PIXELS), "PNG")
    contents = []
    for format in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=format) as archive:
            long = "d/" * (40 if format == tarfile.USTAR_FORMAT else 90) + "x" * 50 + ".png"
            for name in ("a.png", long, "b.txt", "dir/c.jpg"):
                entry = tarfile.TarInfo(name)
                entry.size = len(image)
                archive.addfile(entry, io.BytesIO(image))
        contents.append(file.getvalue())
    return contents


def recipes() -> list[bytes]:
    return [json.dumps(recipe.to_json()).encode() for recipe in list(RECIPES.values())[:8]]


def overrides() -> list[bytes]:
    texts = ("epochs=3", "learning_rate=1e-3", "architecture=mlp", "image_size=64", "color=true")
    return [text.encode() for text in (*texts, "model.width=[1, 2]", "seed=-1", "crop=none")]


def metadata() -> list[bytes]:
    plain, named = ModelMetadata(), ModelMetadata(labels=("a", "b", "c"), reject_labels=("c",))
    old = {"layout": 1, "colour": False, "framing": "whole", "labels": ["a", "b"]}
    return [json.dumps(each).encode() for each in (plain.to_json(), named.to_json(), old)]


def run_documents() -> dict[str, bytes]:
    """Return the files of a run folder that are JSON or CSV, by name."""
    recipe = next(iter(RECIPES.values()))
    metrics = {"accuracy": 0.9, "loss": 0.3}
    documents: dict[str, Any] = {
        "recipe.json": recipe.to_json(),
        "manifest.json": {
            "data": {"name": "bars", "train_sha256": HASH},
            "data_source": "made by the tests",
            "created": "2026-11-29T10:00:00+0000",
            "arithmetic": "float32 on tensorflow",
            "format": 1,
            "split": {"sha256": HASH, "num_train": 90, "num_validation": 10},
            "hardware": {"cpu": "a processor", "cpu_flags": ["avx2"], "usable_cores": 2}
            | {"cores": 2, "machine": "x86_64"},
            "versions": {"ankleboot": "0.1"},
            "labels": ["a", "b"],
            "adopted": {"file": "model.onnx", "sha256": HASH},
        },
        "result.json": {"recipe": recipe.name, "seed": 0, "data": "bars", "epochs": 2}
        | {"parameters": 1_000, "best_epoch": 1, "model_epoch": 2, "train_seconds": 5.0}
        | {"model_sha256": HASH, "train": metrics, "validation": metrics},
        "calibration.json": {"temperature": 1.1, "abstain_below": 0.6, "precision_wanted": 0.95}
        | {"precision": 0.96, "coverage": 0.9, "num_examples": 1_000}
        | {"loss": [0.3, 0.29], "ece": [0.03, 0.01]},
        "verdict.json": {"verdict": "good fit", "sentences": ["x"]},
        "test_reads.json": {"test_reads": 3},
        "evaluation-test.json": {"accuracy": 0.9, "accuracy_ci95": [0.8, 0.95], "loss": 0.3},
    }
    texts = {name: json.dumps(document).encode() for name, document in documents.items()}
    history = f"{','.join(COLUMNS)}\n1,0.5,0.8,0.6,0.7,1e-3,2.5\n"
    return texts | {"history.csv": history.encode()}


def networks() -> list[bytes]:
    """Return documents of a tiny network of every kind of layer, for 28 x 28 and ten classes."""
    generator = np.random.default_rng(0)

    def array(*shape: int) -> dict[str, Any]:
        return pack_array(generator.normal(size=shape).astype(np.float32))

    layers: list[dict[str, Any]] = [
        {"kind": "scale", "scale": array(1), "offset": array(1)},
        {"kind": "convolution", "kernel": array(3, 3, 1, 2), "bias": array(2)}
        | {"stride": 2, "padding": "same"},
        {"kind": "activation", "function": "leaky_relu", "slope": 0.1},
        {"kind": "pooling", "by": "max", "window": 2, "stride": 2, "padding": "same"},
        {"kind": "flatten"},
        {"kind": "dense", "kernel": array(98, 10), "bias": array(10)},
    ]
    mean = [dict(layer, by="mean") if layer["kind"] == "pooling" else layer for layer in layers]
    return [json.dumps({"layers": each}).encode() for each in (layers, mean)]


def checkpoints() -> list[bytes]:
    text = np.frombuffer(json.dumps({"epoch": 1, "best": 0.5}).encode(), np.uint8)
    return [npz({"model%2Fkernel": np.zeros((3, 2), np.float32), "progress": text})]
