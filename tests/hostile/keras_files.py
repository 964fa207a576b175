"""Hostile files of Keras: programs, bombs, links and damage."""

import json
import zipfile
from functools import partial

import h5py

from ankleboot.models.files.metadata import ModelMetadata
from hostile.hostile_file import HostileFile
from hostile.keras_writers import (
    CODE,
    FLATTEN,
    INITIALIZER,
    INPUT,
    config_twice,
    cycle,
    declare,
    deep_config,
    external_storage,
    feature_maps,
    flipped,
    hidden_units,
    keras_file,
    layer,
    link_as_config,
    many_arrays,
    old_file,
    program,
    put,
    resealed,
    sequential,
    truncated,
    virtual,
    weights,
    with_layers,
    with_metadata,
    with_weights,
)

KERAS_FILES = (
    HostileFile(
        "lambda.keras",
        "runs a program",
        "a Lambda layer runs a program",
        with_layers(program(CODE)),
    ),
    HostileFile(
        "nested-lambda.keras",
        "hides a program in a model inside",
        "a Lambda layer runs a program",
        with_layers(sequential(INPUT, program(CODE))),
    ),
    HostileFile(
        "system.keras",
        "names os.system as a layer (CVE-2025-1550)",
        "'system' comes from os",
        with_layers(layer("system", "os", command="touch marker")),
    ),
    HostileFile(
        "eval.keras",
        "names eval as an initializer",
        "'eval' is not allowed",
        with_layers(FLATTEN, layer("Dense", units=10, kernel_initializer=INITIALIZER)),
    ),
    HostileFile(
        "get-file.keras",
        "downloads and unpacks an archive (CVE-2025-9906, CVE-2025-12060)",
        "'get_file' is not allowed",
        with_layers(layer("get_file", "keras.utils", origin="http://127.0.0.1:9/x", extract=True)),
    ),
    HostileFile(
        "tfsm.keras",
        "loads a SavedModel from a path (CVE-2026-1462)",
        "'TFSMLayer' is not allowed",
        with_layers(layer("TFSMLayer", filepath="/tmp/x")),
    ),
    HostileFile(
        "torch.keras",
        "unpickles a module of PyTorch",
        "'TorchModuleWrapper' is not allowed",
        with_layers(layer("TorchModuleWrapper", content="gASVAA==")),
    ),
    HostileFile(
        "registered.keras",
        "names a registered class",
        "comes from Mine>Dense",
        with_layers(layer("Dense") | {"registered_name": "Mine>Dense"}),
    ),
    HostileFile(
        "vocabulary.keras",
        "reads a file as a vocabulary (CVE-2025-12058)",
        "'StringLookup' is not allowed",
        with_layers(layer("StringLookup", vocabulary="/etc/passwd")),
    ),
    HostileFile(
        "slip.keras",
        "writes outside the folder",
        r"holds '\.\./marker'",
        partial(keras_file, more={"../marker": b"x"}),
    ),
    HostileFile(
        "absolute.keras",
        "writes to an absolute path",
        "holds '/tmp/marker'",
        partial(keras_file, more={"/tmp/marker": b"x"}),
    ),
    HostileFile("twice.keras", "holds two configurations", "holds a file twice", config_twice),
    HostileFile("link.keras", "holds a link as its configuration", "or a link", link_as_config),
    HostileFile(
        "members.keras",
        "holds 20,000 members",
        "holds more members",
        partial(keras_file, more={f"a/{number}": b"" for number in range(20_000)}),
    ),
    HostileFile(
        "bomb.keras",
        "unpacks to 200 MB",
        r"its members declare 209,",
        lambda path: keras_file(path, content=bytes(200 * 2**20), compression=zipfile.ZIP_DEFLATED),
    ),
    HostileFile(
        "shape.keras",
        "declares an array of 3.7 GiB (CVE-2026-0897)",
        "declare 4,000,000,000 bytes",
        with_weights(declare((1_000_000, 1_000), chunks=(1_000, 1_000), compression="gzip")),
    ),
    HostileFile(
        "many.keras",
        "declares 100 arrays of 48 MB",
        "its weights declare",
        with_weights(many_arrays),
    ),
    HostileFile(
        "chunk.keras",
        "packs a small array into a chunk of 1 GiB",
        "declare 1,073,741,824 bytes",
        with_weights(declare((10,), chunks=(2**28,), maxshape=(None,))),
    ),
    HostileFile(
        "filter.keras",
        "asks for a filter that is loaded from a library",
        "packed by an unknown filter",
        with_weights(declare((10,), chunks=(10,), compression="lzf")),
    ),
    HostileFile(
        "cycle.keras",
        "holds a group that holds itself, twice",
        "nested too deeply",
        with_weights(cycle),
    ),
    HostileFile(
        "soft.keras",
        "links to another place",
        "are a link",
        with_weights(put("w", h5py.SoftLink("/x"))),
    ),
    HostileFile(
        "outside.keras",
        "links to another file",
        "are a link",
        with_weights(put("w", h5py.ExternalLink("/etc/passwd", "/x"))),
    ),
    HostileFile(
        "external.keras", "reads another file (CVE-2026-1669)", "in another file", external_storage
    ),
    HostileFile("virtual.keras", "reads another file", "in another file", with_weights(virtual)),
    HostileFile(
        "words.keras",
        "holds text in place of weights",
        "are no numbers",
        with_weights(put("w", "x")),
    ),
    HostileFile(
        "units.keras",
        "builds a layer of a million units",
        r"units=1,000,000, but the file holds 7,850",
        with_layers(FLATTEN, layer("Dense", units=1_000_000)),
    ),
    HostileFile(
        "layers.keras",
        "has 10,000 layers",
        "has 10,001 layers",
        with_layers(*[layer("ReLU")] * 10_000),
    ),
    HostileFile(
        "deep.keras",
        "nests its configuration 200,000 times",
        "configuration is damaged",
        lambda path: keras_file(path, deep_config(200_000)),
    ),
    HostileFile(
        "input.keras",
        "takes images of 100,000 pixels per side",
        "its input has 10,000,000,000 values",
        partial(
            keras_file,
            config=sequential(layer("InputLayer", batch_shape=[None, 100_000, 100_000, 1])),
        ),
    ),
    HostileFile(
        "upsampling.keras",
        "enlarges images 100,000 times",
        "size=100,000",
        with_layers(layer("UpSampling2D", size=[100_000, 100_000])),
    ),
    HostileFile(
        "padding.keras",
        "pads images by a million pixels",
        "padding=1,000,000",
        with_layers(layer("ZeroPadding2D", padding=[[1_000_000, 0], [0, 0]])),
    ),
    HostileFile(
        "reshape.keras",
        "reshapes to a trillion values",
        "its input has 1,000,000,000,000 values",
        with_layers(layer("Reshape", target_shape=[10**12])),
    ),
    HostileFile(
        "nan.keras",
        "holds weights that are not numbers",
        "are not finite",
        lambda path: keras_file(path, content=weights(value=float("nan"))),
    ),
    HostileFile("cut.keras", "ends early", "incomplete or damaged model file", truncated),
    HostileFile(
        "flipped.keras", "has one bit flipped", "its SHA-256 is not the stored one", flipped
    ),
    HostileFile(
        "temperature.keras",
        "divides by a temperature that is not a number",
        "damaged metadata",
        partial(with_metadata, temperature=float("nan")),
    ),
    HostileFile(
        "abstain.keras",
        "never abstains, by a threshold that is not a number",
        "damaged metadata",
        lambda path: resealed(
            path, json.dumps(ModelMetadata().to_json() | {"abstain_below": float("nan")}).encode()
        ),
    ),
    HostileFile(
        "size.keras",
        "states images of 10^9 pixels",
        "image_size",
        partial(with_metadata, image_size=10**9, crop="none"),
    ),
    HostileFile(
        "integer.keras",
        "states 10^400 parameters",
        "damaged metadata",
        partial(with_metadata, parameters=10**400),
    ),
    HostileFile(
        "labels.keras",
        "states a label twice",
        "damaged metadata",
        partial(with_metadata, labels=["a", "a"]),
    ),
    HostileFile(
        "nested-metadata.keras",
        "nests its metadata 50,000 times",
        "damaged metadata",
        lambda path: resealed(path, b"[" * 50_000),
    ),
    HostileFile(
        "hidden-units.keras",
        "builds a kernel of 784 million values that the file lacks",
        "needs more weights than the file holds",
        hidden_units,
        reaches_runtime=True,
        needs_tensorflow=True,
    ),
    HostileFile(
        "feature-maps.keras",
        "enlarges images 4,000 times",
        "more than 4,194,304 values",
        feature_maps,
        reaches_runtime=True,
        needs_tensorflow=True,
    ),
    HostileFile(
        "other-input.keras",
        "takes other images than it states",
        r"expected input \(\(28, 28, 1\), 'float32'\)",
        partial(
            keras_file,
            config=sequential(layer("InputLayer", batch_shape=[None, 28, 28, 3]), FLATTEN),
        ),
    ),
    HostileFile(
        "lambda.h5",
        "runs a program (CVE-2025-9905)",
        "a Lambda layer runs a program",
        lambda path: old_file(
            path, {"class_name": "Lambda", "config": {"function": [CODE, None, None]}}
        ),
        by="adopt",
    ),
    HostileFile(
        "shape.h5",
        "declares an array of 4 GB",
        "declare 4,000,000,000 bytes",
        lambda path: old_file(path, {"class_name": "Dense", "config": {}}, (10**6, 1_000)),
        by="adopt",
    ),
    HostileFile(
        "program.pkl",
        "runs a program when unpickled",
        "a pickle can run any program",
        lambda path: path.write_bytes(b"cos\nsystem\n(S'touch marker'\ntR."),
        by="adopt",
    ),
)
