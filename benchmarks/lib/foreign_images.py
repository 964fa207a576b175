"""Images from files of other packages: photos, drawings, glyphs, and cut-outs on backgrounds.

Every image is made from a seed of its own, so that leaving one out changes no other one.
"""

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageFont, ImageOps
from PIL.ImageDraw import ImageDraw

SEED = 20
LONGEST_SIDE = 640  # pixels; predict shrinks photos to it, too
SMALLEST_OBJECT = 90  # pixels of the longer side of a cut-out; smaller ones are blurs
LARGEST_ZOOM = 2.5
FRAMES = ((400, 533), (533, 400), (480, 480))  # of phones, upright and across, and of web shops
GLYPH_PIXELS = 109  # the one size that the font of emoji holds


def generator_of(name: str) -> np.random.Generator:
    """Return the random numbers of one image."""
    digest = hashlib.sha256(f"{SEED}/{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def whole(path: Path) -> Image.Image:
    """Return the image of a file, upright, on white, at most `LONGEST_SIDE` pixels a side."""
    with Image.open(path) as file:
        file.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        image = ImageOps.exif_transpose(file).convert("RGBA")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    return on_white(image)


def on_white(image: Image.Image) -> Image.Image:
    """Return the image without transparency."""
    ground = Image.new("RGBA", image.size, "white")
    ground.alpha_composite(image)
    return ground.convert("RGB")


def cut_out(path: Path) -> Image.Image | None:
    """Return the object of a file with a transparent background, or None if it is too small."""
    with Image.open(path) as file:
        image = file.convert("RGBA")
    box = image.getchannel("A").getbbox()
    image = image.crop(box) if box else image
    return image if max(image.size) >= SMALLEST_OBJECT else None


def glyph(font: Path, character: str, generator: np.random.Generator) -> Image.Image:
    """Return a character of a color font, large, on a plain ground."""
    drawn = Image.new("RGBA", (136, 128))
    face = ImageFont.truetype(font, GLYPH_PIXELS)
    ImageDraw(drawn).text((0, 0), character, font=face, embedded_color=True)
    drawn = drawn.crop(drawn.getchannel("A").getbbox())
    side = int(generator.integers(300, 420))
    drawn = ImageOps.contain(drawn, (side, side), Image.Resampling.BICUBIC)
    color = tuple(int(value) for value in generator.integers(170, 256, 3))
    ground = Image.new("RGBA", (480, 480), color)
    ground.alpha_composite(drawn, ((480 - drawn.width) // 2, (480 - drawn.height) // 2))
    return ground.convert("RGB")


def paper(size: tuple[int, int], generator: np.random.Generator) -> Image.Image:
    """Return a sheet of plain paper or a wall, lit from one side."""
    tone = generator.uniform(150, 245) + generator.uniform(-12, 12, 3)
    return _lit(Image.new("RGB", size, tuple(np.clip(tone, 0, 255).astype(int))), generator)


def background(
    path: Path, size: tuple[int, int], generator: np.random.Generator, *, is_blurred: bool
) -> Image.Image:
    """Return a part of a photo as the background of an object."""
    image = whole(path)
    if path.suffix == ".png":  # the gray textures: tint them, as floors have colors
        light = tuple(int(value) for value in generator.integers(170, 256, 3))
        image = ImageOps.colorize(image.convert("L"), (20, 20, 20), light)
    part = generator.uniform(0.6, 1) * min(image.width / size[0], image.height / size[1])
    width, height = (max(1, round(part * side)) for side in size)
    left = int(generator.integers(0, image.width - width + 1))
    top = int(generator.integers(0, image.height - height + 1))
    box = (left, top, left + width, top + height)
    image = image.resize(size, Image.Resampling.LANCZOS, box=box)
    if is_blurred:
        image = image.filter(ImageFilter.GaussianBlur(generator.uniform(3, 8)))
    return _lit(image, generator)


def laid_on(
    ground: Image.Image, subject: Image.Image, generator: np.random.Generator
) -> Image.Image:
    """Return the object on a background, a little turned, with a soft shadow and camera noise."""
    share = generator.uniform(0.55, 0.85)
    zoom = min(share * ground.width / subject.width, share * ground.height / subject.height)
    zoom = min(zoom, LARGEST_ZOOM)
    size = (max(1, round(zoom * subject.width)), max(1, round(zoom * subject.height)))
    subject = subject.resize(size, Image.Resampling.LANCZOS)
    subject = subject.rotate(generator.uniform(-8, 8), Image.Resampling.BICUBIC, expand=True)
    left = int(generator.integers(0, max(1, ground.width - subject.width)))
    top = int(generator.integers(0, max(1, ground.height - subject.height)))
    shade = Image.new("L", ground.size)
    shade.paste(subject.getchannel("A"), (left + 6, top + 9))
    shade = shade.filter(ImageFilter.GaussianBlur(9)).point(lambda value: int(0.45 * value))
    scene = Image.composite(Image.new("RGB", ground.size), ground, shade)
    scene.paste(subject, (left, top), subject)
    return _noisy(scene, generator)


def _lit(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Return the image under light that falls off across it."""
    angle = generator.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[0 : image.height, 0 : image.width]
    along = np.cos(angle) * columns / image.width + np.sin(angle) * rows / image.height
    light = 1 - generator.uniform(0.05, 0.3) * (along - along.min())
    lit = np.asarray(image, np.float32) * light[..., None]
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


def _noisy(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    image = ImageEnhance.Brightness(image).enhance(generator.uniform(0.85, 1.1))
    noise = generator.normal(0, 2.5, (image.height, image.width, 3))
    return Image.fromarray(np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8))
