"""Request bodies: images of the sample, synthetic photos, multipart and JSON."""

import base64
import io
import json
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageFilter

from ankleboot.data.load import load_data

BOUNDARY = "----ankleboot-boundary"
PHOTO_SIZE = (640, 480)  # pixels
JPEG_QUALITY = 85


def images(max_images: int = 2_500) -> list[bytes]:
    """Return different PNG files of 28 x 28 grey pixels: the images of the sample."""
    sample = load_data("sample")
    images = np.concatenate([sample.train.images, sample.test.images])[:max_images]
    return [_encode(Image.fromarray(image), "PNG") for image in images]


def photos(num: int, seed: int = 0) -> list[bytes]:
    """Return JPEG files of 640 x 480 pixels: garments on a patterned background."""
    generator = np.random.default_rng(seed)
    sample = load_data("sample").train.images
    width, height = PHOTO_SIZE
    files = []
    for image in sample[generator.permutation(len(sample))[:num]]:
        background = generator.integers(60, 200, (height // 40, width // 40, 3), dtype=np.uint8)
        photo = Image.fromarray(background).resize(PHOTO_SIZE, Image.Resampling.BICUBIC)
        shape = Image.fromarray(image).resize((400, 400), Image.Resampling.BICUBIC)
        color = tuple(int(value) for value in generator.integers(0, 256, 3))
        garment = Image.merge(
            "RGB", [shape.point([value * v // 255 for v in range(256)]) for value in color]
        )
        mask = shape.point([255 * (v > 25) for v in range(256)]).filter(ImageFilter.GaussianBlur(2))
        photo.paste(garment, (120, 40), mask)
        noise = generator.normal(0, 6, (height, width, 3))
        pixels = np.clip(np.asarray(photo) + noise, 0, 255).astype(np.uint8)
        files.append(_encode(Image.fromarray(pixels), "JPEG"))
    return files


def multipart(parts: Sequence[tuple[str, str, str, bytes]]) -> tuple[str, bytes]:
    """Return content type and body of an upload; parts are (field, name, type, content)."""
    encoded = []
    for field, name, kind, content in parts:
        disposition = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
        head = f"--{BOUNDARY}\r\n{disposition}\r\nContent-Type: {kind}\r\n\r\n"
        encoded.append(head.encode() + content + b"\r\n")
    end = f"--{BOUNDARY}--\r\n".encode()
    return f"multipart/form-data; boundary={BOUNDARY}", b"".join([*encoded, end])


def as_json(files: Sequence[bytes]) -> tuple[str, bytes]:
    """Return content type and body of a JSON document that holds files."""
    texts = [base64.b64encode(file).decode() for file in files]
    return "application/json", json.dumps({"images": texts}).encode()


def _encode(image: Image.Image, format: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format, quality=JPEG_QUALITY)
    return file.getvalue()
