"""PyTorch weight files: tensors against NumPy; code in them is not run."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import EnvironmentFailure, ModelError
from ankleboot.models.backbones.torch_weights import read_tensors


def write_weights(
    path: Path, program: bytes, numbers: bytes = b"", keys: bytes = b"](X\x01\x00\x00\x000e."
) -> Path:
    """Write a file of the format before PyTorch 1.6 with a given main pickle."""
    sizes: dict[str, int] = {}
    parts = (0x1950A86A20F9469CFC6C, 1001, sizes)
    head = b"".join(pickle.dumps(part, 2) for part in parts)
    path.write_bytes(head + program + b"\x80\x02" + keys + numbers)
    return path


def tensor(
    shape: tuple[int, ...], stride: tuple[int, ...], offset: int = 0, total: int = 6
) -> bytes:
    """Pickle {"a": tensor} opcode by opcode."""

    def number(value: int) -> bytes:
        return b"J" + value.to_bytes(4, "little", signed=True)

    def integers(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(number, values)) + b"t"

    def text(word: bytes) -> bytes:
        return b"X" + len(word).to_bytes(4, "little") + word

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu")
    storage += number(total) + b"NtQ"
    view = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + number(offset)
    view += integers(shape) + integers(stride) + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}" + text(b"a") + view + b"s."


SIX = (6).to_bytes(8, "little") + np.arange(6, dtype="<f4").tobytes()


def test_tensors_are_read_with_their_strides(tmp_path: Path) -> None:
    plain = read_tensors(write_weights(tmp_path / "a.pth", tensor((2, 3), (3, 1)), SIX))["a"]
    np.testing.assert_array_equal(plain, np.arange(6, dtype=np.float32).reshape(2, 3))
    transposed = read_tensors(write_weights(tmp_path / "b.pth", tensor((3, 2), (1, 3)), SIX))["a"]
    np.testing.assert_array_equal(transposed, plain.T)
    part = read_tensors(write_weights(tmp_path / "c.pth", tensor((2,), (1,), offset=4), SIX))["a"]
    assert part.tolist() == [4, 5]


@pytest.mark.parametrize(
    "case",
    [
        tensor((2, 4), (4, 1)),
        tensor((2,), (1,), offset=5),
        tensor((2,), (-1,), offset=3),
        tensor((2,), (1,), offset=-1),
        b"\x80\x02}X\x01\x00\x00\x00aK\x01s.",
        b"\x80\x02K\x01.",
    ],
)
def test_impossible_tensors_are_refused(tmp_path: Path, case: bytes) -> None:
    with pytest.raises(ModelError, match="refused as weights"):
        read_tensors(write_weights(tmp_path / "a.pth", case, SIX))


def test_code_in_a_pickle_is_not_run(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    evil = b"\x80\x02cos\nsystem\n(X" + len(f"touch {victim}").to_bytes(4, "little")
    path = write_weights(tmp_path / "a.pth", evil + f"touch {victim}".encode() + b"tR.", SIX)
    with pytest.raises(ModelError, match=r"calls os\.system"):
        read_tensors(path)
    assert not victim.exists()


def test_other_files_are_refused(tmp_path: Path) -> None:
    whole = write_weights(tmp_path / "a.pth", tensor((2, 3), (3, 1)), SIX).read_bytes()
    for name, content in (("cut", whole[:-5]), ("text", b"weights"), ("empty", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match="as weights"):
            read_tensors(tmp_path / name)
    with pytest.raises(ModelError, match="no such weights file"):
        read_tensors(tmp_path / "missing")
    (tmp_path / "folder").mkdir()
    with pytest.raises(EnvironmentFailure, match="cannot read .*folder"):
        read_tensors(tmp_path / "folder")
    deep = b"\x80\x02" + 100_000 * b"(" + b"t."  # raises many types of errors
    for case in (deep, b"\x80\x02\x8f.", b"\x80\x02" + b"r\xff\xff\xff\x7f.", b"\x80\x09K."):
        with pytest.raises(ModelError, match="refused as weights"):
            read_tensors(write_weights(tmp_path / "a.pth", case, SIX))
