"""Scan of OpenVINO's two files: the network in XML, and the bytes of its constants."""

import math
from pathlib import Path
from typing import Any
from xml.parsers import expat

from ankleboot.core.errors import ModelError
from ankleboot.models.files.checksums import MAX_MODEL_BYTES, read_model
from ankleboot.models.foreign.scanners.limits import (
    MAX_CONFIG_BYTES,
    MAX_TENSOR_VALUES,
    check_values,
)

NETWORK, CONSTANTS = "model.xml", "model.bin"
OPSET = "opset"  # prefix of the names of its own sets of operations
MAX_DEPTH = 100
MAX_ELEMENTS = 500_000


def scan_openvino(folder: Path) -> None:
    """Scan the folder of a model."""
    content = read_model(folder / NETWORK, MAX_CONFIG_BYTES)
    constants = folder / CONSTANTS
    num_bytes = constants.stat().st_size if constants.is_file() else 0
    if num_bytes > MAX_MODEL_BYTES:
        raise ModelError(f"larger than the allowed {MAX_MODEL_BYTES >> 20} MiB")
    reader = _Reader(num_bytes)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ModelError(f"damaged network ({error})") from error


class _Reader:
    """Handlers of an XML parser that refuse what no image classifier has."""

    def __init__(self, num_bytes: int) -> None:
        self._num_bytes = num_bytes
        self._depth = self._num_elements = 0
        self._sizes: list[int] | None = None
        self.parser: Any = expat.ParserCreate()
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self._text_of_dim: str | None = None

    def _refuse_doctype(self, *_: Any) -> None:
        raise ModelError("its network declares a type of document")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._num_elements += 1
        if self._depth > MAX_DEPTH or self._num_elements > MAX_ELEMENTS:
            raise ModelError("its network is nested too deeply, or too large")
        match name:
            case "layer" if not attributes.get("version", OPSET).startswith(OPSET):
                raise ModelError(f"the operation {attributes.get('type')} is not OpenVINO's own")
            case "data":
                self._check_data(attributes)
            case "port":
                self._sizes = []
            case "dim":
                self._text_of_dim = ""

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == "dim" and self._text_of_dim is not None and self._sizes is not None:
            self._sizes.append(max(_integer(self._text_of_dim), 1))
            self._text_of_dim = None
        elif name == "port" and self._sizes is not None:
            check_values(self._sizes, MAX_TENSOR_VALUES, "of a layer")
            self._sizes = None

    def _text(self, text: str) -> None:
        if self._text_of_dim is not None:
            self._text_of_dim += text[:40]

    def _check_data(self, attributes: dict[str, str]) -> None:
        offset, size = (_integer(attributes.get(key, "0")) for key in ("offset", "size"))
        if min(offset, size) < 0 or offset + size > self._num_bytes and "offset" in attributes:
            raise ModelError("its constants end behind their file")
        if "offset" in attributes and "shape" in attributes:
            shape = [_integer(part) for part in attributes["shape"].split(",") if part.strip()]
            if min(shape, default=0) < 0 or math.prod(shape) > 8 * size:
                raise ModelError(f"a constant declares the shape {shape} and holds {size:,} bytes")


def _integer(text: str) -> int:
    """Return a size; -1 if it is open or no number."""
    try:
        return int(text[:20])
    except ValueError:
        return -1
