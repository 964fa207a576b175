from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ankleboot.server.workers.wire import FrameDecoder, pack

heads = st.dictionaries(st.text(max_size=9), st.integers() | st.text(max_size=9), max_size=4)


@given(st.lists(st.tuples(heads, st.binary(max_size=300)), max_size=5), st.integers(1, 50))
def test_frames_are_decoded_as_they_were_packed(
    frames: list[tuple[dict[str, Any], bytes]], chunk_size: int
) -> None:
    stream = b"".join(pack(head, body) for head, body in frames)
    decoder, decoded = FrameDecoder(), list[Any]()
    for start in range(0, len(stream), chunk_size):
        decoded += decoder.feed(stream[start : start + chunk_size])
    assert decoded == frames
