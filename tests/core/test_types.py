"""Arrays in JSON."""

import json

import numpy as np
import pytest

from ankleboot.core.types import pack_array, unpack_array


@pytest.mark.parametrize("kind", [bool, np.uint8])
def test_arrays_survive_packing(kind: type) -> None:
    values: np.ndarray = np.random.default_rng(0).integers(0, 2, (3, 5, 7)).astype(kind)
    again = unpack_array(json.loads(json.dumps(pack_array(values))))
    assert again.dtype == kind and (again == values).all()
