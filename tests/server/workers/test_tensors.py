"""Tensors of the open inference protocol, against hostile shapes, sizes, types and values."""

import base64
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.server.config import ServerConfig
from ankleboot.server.error_responses import ApiError
from ankleboot.server.workers.tensors import parse_tensors

GRAY = ModelMetadata()
COLOR = ModelMetadata(image_size=8, color=True, crop="none")
ZEROS = [0] * 784


def request(**changes: Any) -> bytes:
    """Return a request for one black image, with changes of its tensor."""
    tensor = {"name": "images", "shape": [1, 28, 28, 1], "datatype": "UINT8", "data": ZEROS}
    return json.dumps({"inputs": [tensor | changes]}).encode()


def parse(body: bytes, info: ModelMetadata = GRAY, **limits: Any) -> list[Any]:
    return parse_tensors(body, info, ServerConfig(**limits)).images


def refused(body: bytes, info: ModelMetadata = GRAY, **limits: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        parse(body, info, **limits)
    return caught.value


@pytest.mark.parametrize("info", [GRAY, COLOR])
@pytest.mark.parametrize("is_nested", [True, False])
@pytest.mark.parametrize("datatype", ["UINT8", "FP32"])
def test_numbers_become_the_same_images(
    info: ModelMetadata, datatype: str, *, is_nested: bool
) -> None:
    shape = (3, *info.image_spec.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    values: Any = images if datatype == "UINT8" else images / 255
    data = values.tolist() if is_nested else values.ravel().tolist()
    parsed = parse(request(shape=list(shape), datatype=datatype, data=data), info)
    np.testing.assert_array_equal(np.stack(parsed), images)


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_bytes_are_image_files_in_base64(shape: list[int]) -> None:
    data = [base64.b64encode(content).decode() for content in (b"one", b"two")]
    nested = data if len(shape) == 1 else [[text] for text in data]
    first, second = parse(request(shape=shape, datatype="BYTES", data=nested))
    assert (first.content, second.content) == (b"one", b"two")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"shape": []}, 422),
        ({"shape": [0, 28, 28, 1], "data": []}, 422),
        ({"shape": [-1, 28, 28, 1]}, 422),
        ({"shape": [1, 28, 28, 3]}, 422),
        ({"shape": [1, 784]}, 422),
        ({"shape": [2**62, 28, 28, 1]}, 413),
        ({"shape": [65, 28, 28, 1]}, 413),
        ({"shape": [2**70, 28, 28, 1]}, 413),
        ({"shape": [True, 28, 28, 1]}, 400),
        ({"shape": "1"}, 400),
        ({"shape": [1, 28, 28, 1, 1]}, 422),
        ({"datatype": "FP64"}, 422),
        ({"datatype": "uint8"}, 422),
        ({"datatype": "INT8"}, 422),
        ({"datatype": None}, 400),
        ({"name": "other"}, 422),
        ({"data": ZEROS[1:]}, 422),
        ({"data": [*ZEROS, 0]}, 422),
        ({"data": [ZEROS]}, 422),
        ({"data": [[[0]] * 28] * 28}, 422),
        ({"data": [*ZEROS[1:], 256]}, 422),
        ({"data": [*ZEROS[1:], -1]}, 422),
        ({"data": [*ZEROS[1:], 0.5]}, 422),
        ({"data": [*ZEROS[1:], True]}, 422),
        ({"data": [*ZEROS[1:], None]}, 422),
        ({"data": [*ZEROS[1:], "0"]}, 422),
        ({"data": [*ZEROS[1:], []]}, 422),
        ({"data": [*ZEROS[1:], {}]}, 422),
        ({"data": [*ZEROS[1:], 10**400]}, 422),
        ({"datatype": "FP32", "data": [*ZEROS[1:], 1.01]}, 422),
        ({"datatype": "FP32", "data": [*ZEROS[1:], float("nan")]}, 400),
        ({"datatype": "FP32", "data": [*ZEROS[1:], float("inf")]}, 400),
        ({"datatype": "BYTES"}, 422),
        ({"data": {}}, 400),
        ({"parameters": {"binary_data_size": 784}}, 422),
    ],
)
def test_a_hostile_tensor_is_refused(changes: dict[str, Any], status: int) -> None:
    error = refused(request(**changes))
    assert error.status == status, error


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[" * 100_000, b"[]", b"null", b'{"inputs": {}}', b'{"inputs": [1]}', b"\xff"],
)
def test_a_body_of_another_form_is_refused(body: bytes) -> None:
    assert refused(body).status == 400


def test_limits_hold_before_the_values_are_read() -> None:
    assert refused(b"[" + b"0," * 1_000 + b"0", max_tensor_values=999).status == 413
    assert refused(request(shape=[2, 28, 28, 1]), max_images_per_request=1).status == 413


def test_nan_written_as_a_number_that_is_too_large_is_refused() -> None:
    body = request(datatype="FP32").replace(b"[0,", b"[1e999,", 1).replace(b"[0, 0", b"[1e999, 0")
    assert b"1e999" in body and refused(body).status in (400, 422)


def test_outputs_are_chosen_and_binary_ones_refused() -> None:
    tensor = json.loads(request())
    plain = {"name": "label", "parameters": {"binary_data": False}}  # as Triton's client has it
    chosen = json.dumps(tensor | {"outputs": [plain], "id": "7"}).encode()
    parsed = parse_tensors(chosen, GRAY, ServerConfig())
    assert parsed.outputs == ("label",) and parsed.id == "7"
    for outputs in (
        [{"name": "logits"}],
        [{"name": "label"}] * 2,
        [{"name": "label", "parameters": {"binary_data": True}}],
    ):
        assert refused(json.dumps(tensor | {"outputs": outputs}).encode()).status == 422


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)
fields = st.sampled_from(["name", "shape", "datatype", "data", "parameters"])


@given(fields, json_values)
def test_any_value_of_any_field_gives_images_or_an_api_error(field: str, value: Any) -> None:
    try:
        assert parse(request(**{field: value}))
    except ApiError as error:
        assert error.status in (400, 413, 422)
