"""Images of the sample as PNG bytes, and in tar and Parquet files."""

import io
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image as PillowImage

from ankleboot.data.load import load_data


def png_images(num: int) -> list[bytes]:
    """The first test images of the sample, repeated if there are too few."""
    images = load_data("sample").test.images
    return [png(images[number % len(images)]) for number in range(num)]


def png(image: Any) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def write_tar(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_parquet(path: Path, cells: Sequence[Any], rows_per_group: int = 10) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    table = pa.table({"number": range(len(cells)), "image": cells})
    parquet.write_table(table, path, row_group_size=rows_per_group)
    return path
