"""Peak GFLOP/s of matrix products; `python -m lib.gemm_peak` prints it for both precisions."""

import json
import time
from typing import Any

SIZE = 2_048  # rows and columns of the matrices whose product is timed
REPEATS = 12


def gemm_peak(dtype: str) -> float:
    """Return the GFLOP/s of the fastest of some products of square matrices."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal([SIZE, SIZE]), dtype)
    multiply = tf.function(lambda a: tf.reduce_sum(tf.matmul(a, a)))
    multiply(matrix)
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        float(multiply(matrix))
        seconds.append(time.perf_counter() - started)
    return round(2 * SIZE**3 / min(seconds) / 1e9, 1)


def main() -> None:
    """Print the peaks as JSON."""
    peaks: dict[str, Any] = {dtype: gemm_peak(dtype) for dtype in ("float32", "bfloat16")}
    print(json.dumps(peaks))


if __name__ == "__main__":
    main()
