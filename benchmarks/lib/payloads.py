"""What `bench serve` sends: images of the sample, made-up photographs, bodies around them."""

import base64
import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from ankleboot.data.load import load_data

BOUNDARY = "----ankleboot-boundary"
PHOTO_SIZE = (640, 480)  # pixels
PHOTO_QUALITY = 85  # of JPEG


def images(most: int = 2_500) -> list[bytes]:
    """PNG files of 28 x 28 grey pixels, all different: the images of the sample."""
    sample = load_data("sample")
    found = np.concatenate([sample.train.images, sample.test.images])[:most]
    return [_encoded(Image.fromarray(image), "PNG") for image in found]


def photographs(num: int, seed: int = 0) -> list[bytes]:
    """JPEG files of garments on patterned ground, as large as photographs on the web."""
    generator = np.random.default_rng(seed)
    sample = load_data("sample").train.images
    width, height = PHOTO_SIZE
    found = []
    for image in sample[generator.permutation(len(sample))[:num]]:
        ground = generator.integers(60, 200, (height // 40, width // 40, 3), dtype=np.uint8)
        picture = Image.fromarray(ground).resize(PHOTO_SIZE, Image.Resampling.BICUBIC)
        shape = Image.fromarray(image).resize((400, 400), Image.Resampling.BICUBIC)
        color = tuple(int(part) for part in generator.integers(0, 256, 3))
        garment = Image.merge(
            "RGB", [shape.point([part * v // 255 for v in range(256)]) for part in color]
        )
        mask = shape.point([255 * (v > 25) for v in range(256)]).filter(ImageFilter.GaussianBlur(2))
        picture.paste(garment, (120, 40), mask)
        grain = generator.normal(0, 6, (height, width, 3))
        pixels = np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)
        found.append(_encoded(Image.fromarray(pixels), "JPEG"))
    return found


def multipart(parts: Sequence[tuple[str, str, str, bytes]]) -> tuple[str, bytes]:
    """Content type and body of an upload; a part is field, file name, content type, content."""
    found = []
    for field, name, kind, content in parts:
        disposition = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
        head = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n"
        found.append(head.encode() + content + b"\r\n")
    end = f"--{BOUNDARY}--\r\n".encode()
    return f"multipart/form-data; boundary={BOUNDARY}", b"".join([*found, end])


def as_json(files: Sequence[bytes]) -> tuple[str, bytes]:
    """Content type and body of a JSON document with some files in it."""
    texts = [base64.b64encode(file).decode() for file in files]
    return "application/json", json.dumps({"images": texts}).encode()


def _encoded(picture: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, quality=PHOTO_QUALITY)
    return file.getvalue()
