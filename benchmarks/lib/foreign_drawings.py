"""Drawn images without garments: textures, documents, charts and faces.

    DRAWINGS["face"](np.random.default_rng(0), 3)

Each function takes random numbers and the number of the image, which chooses its variety.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Generator = np.random.Generator
SIDE = 480
FONTS = Path(matplotlib.get_data_path()) / "fonts/ttf"
WORDS = (
    "the of and to in for with on that from was this are they which have time people number water "
    "place under year morning river garden letter station paper season window bridge market "
    "question answer music kitchen summer winter mountain weather village history island journey"
).split()
GOODS = ("Bread", "Milk", "Apples", "Coffee", "Rice", "Soap", "Honey", "Tea", "Cheese", "Salt")
LINE = {"a letter": 68, "two columns": 33}


def texture(generator: Generator, number: int) -> Image.Image:
    """Draw noise, clouds, stripes, a checkerboard, a gradient, dots, wood or tiles."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    angle, count = generator.uniform(0, np.pi), generator.integers(4, 24)
    along = columns * np.cos(angle) + rows * np.sin(angle)
    match number % 8:
        case 0:
            value = generator.random((SIDE, SIDE))
        case 1:
            value = sum(_cloud(generator, cells) / cells for cells in (3, 6, 12, 24, 48))
        case 2:
            value = (np.floor(along * count) % 2).astype(float)
        case 3:
            value = ((np.floor(rows * count) + np.floor(columns * count)) % 2).astype(float)
        case 4:
            value = along
        case 5:
            spots = np.sin(np.pi * rows * count) * np.sin(np.pi * columns * count)
            value = (np.abs(spots) > 0.6).astype(float)
        case 6:
            value = np.sin(2 * np.pi * count * (columns + 0.1 * _cloud(generator, 4)))
        case _:
            joints = np.minimum(rows * count % 1, columns * count % 1) < 0.06
            tiles = generator.random((count + 1, count + 1))
            tiles = tiles[(rows * count).astype(int), (columns * count).astype(int)]
            value = np.where(joints, -0.5, tiles)
    value = (value - np.min(value)) / max(np.ptp(value), 1e-9)
    dark, light = generator.integers(0, 256, (2, 3))
    colored = dark + value[..., None] * (light - dark)
    return Image.fromarray(colored.astype(np.uint8))


def document(generator: Generator, number: int) -> Image.Image:
    """Draw a letter, a page of two columns, a receipt or a table; half of them lie on a desk."""
    page = Image.new("RGB", (420, 594), (252, 251, 246))
    draw = ImageDraw.Draw(page)
    match number % 4:
        case 0:
            _paragraphs(draw, generator, "a letter", 40, size=10)
        case 1:
            _paragraphs(draw, generator, "two columns", 28, size=9)
            _paragraphs(draw, generator, "two columns", 218, size=9)
        case 2:
            page = page.crop((0, 0, 230, 594))
            _receipt(ImageDraw.Draw(page), generator)
        case _:
            _table(draw, generator)
    return page if number % 8 < 4 else _on_desk(page, generator)


def chart(generator: Generator, number: int) -> Image.Image:
    """Draw a line, bar, pie or scatter chart, a histogram or a heat map."""
    figure = Figure(figsize=(6, 4.5), dpi=80, layout="constrained")
    canvas, axes = FigureCanvasAgg(figure), figure.subplots()
    colors = [f"C{int(index)}" for index in generator.permutation(10)]
    size = int(generator.integers(4, 8))
    match number % 6:
        case 0:
            for color in colors[:3]:
                axes.plot(np.cumsum(generator.normal(size=60)), color=color)
        case 1:
            axes.bar(WORDS[20 : 20 + size], generator.uniform(1, 9, size), color=colors)
        case 2:
            axes.pie(generator.uniform(1, 5, size), labels=GOODS[:size], colors=colors)
        case 3:
            axes.scatter(*generator.normal(size=(2, 120)), color=colors[0], alpha=0.6)
        case 4:
            axes.hist(generator.gamma(2, 2, 500), bins=5 * size, color=colors[0])
        case _:
            axes.imshow(generator.random((size, size + 2)), cmap="viridis")
    axes.set_title(" ".join(generator.choice(WORDS, 3)).capitalize())
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])


def face(generator: Generator, _number: int) -> Image.Image:
    """Draw a head with hair, eyes, nose and mouth, and nothing below it."""
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), _color(generator, 150, 256))
    draw = ImageDraw.Draw(image)
    skin, hair = _color(generator, 110, 256), _color(generator, 0, 200)
    middle, width, height = SIDE, int(generator.integers(230, 310)), 340
    top, bottom = middle - height, middle + height
    draw.ellipse((middle - width - 40, top - 50, middle + width + 40, middle + 200), fill=hair)
    draw.ellipse((middle - width, top, middle + width, bottom), fill=skin, outline="black", width=6)
    draw.chord((middle - width, top - 8, middle + width, top + 420), 195, 345, fill=hair)
    eye, apart = int(generator.integers(30, 56)), int(generator.integers(90, 130))
    for center in (middle - apart, middle + apart):
        draw.ellipse(_around(center, middle - 40, eye, eye * 0.7), fill="white", outline="black")
        draw.ellipse(_around(center, middle - 40, eye / 2, eye / 2), fill=_color(generator, 0, 140))
        draw.arc(_around(center, middle - 80, eye * 1.5, 40), 200, 340, fill=hair, width=14)
    draw.arc(_around(middle, middle + 60, 34, 40), 20, 160, fill="black", width=8)
    smile = generator.uniform(-0.4, 1)
    box = _around(middle, middle + 170, 110, 20 + 60 * abs(smile))
    draw.arc(box, *((15, 165) if smile > 0 else (195, 345)), fill=(170, 40, 50), width=16)
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


DRAWINGS: dict[str, Callable[[Generator, int], Image.Image]] = {
    "texture": texture,
    "document": document,
    "chart": chart,
    "face": face,
}


def _cloud(generator: Generator, cells: int) -> Any:
    """Return smooth noise of as many cells a side."""
    coarse = Image.fromarray(generator.random((cells, cells)).astype(np.float32))
    return np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _color(generator: Generator, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(value) for value in generator.integers(low, high, 3))


def _around(x: float, y: float, width: float, height: float) -> tuple[float, float, float, float]:
    return x - width, y - height, x + width, y + height


def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / f"{name}.ttf", size)


def _paragraphs(
    draw: ImageDraw.ImageDraw, generator: Generator, layout: str, left: int, *, size: int
) -> None:
    title = " ".join(generator.choice(WORDS, 2)).capitalize()
    draw.text((left, 30), title, fill="black", font=_font("DejaVuSerif-Bold", size + 5))
    font, y = _font("DejaVuSerif", size), 66
    while y < 540:
        for _ in range(int(generator.integers(3, 8))):
            line = " ".join(generator.choice(WORDS, 30))[: LINE[layout]].rpartition(" ")[0]
            draw.text((left, y), line, fill=(25, 25, 30), font=font)
            y += size + 5
        y += size + 4


def _receipt(draw: ImageDraw.ImageDraw, generator: Generator) -> None:
    font, total = _font("DejaVuSansMono", 12), 0.0
    draw.text((60, 24), "CORNER SHOP", fill="black", font=_font("DejaVuSansMono-Bold", 14))
    chosen = generator.choice(GOODS, int(generator.integers(8, 16)))
    for row, name in enumerate(chosen):
        price = round(float(generator.uniform(0.5, 15)), 2)
        total += price
        draw.text((18, 66 + 24 * row), f"{name:<14}{price:>9.2f}", fill="black", font=font)
    draw.line((18, 70 + 24 * len(chosen), 206, 70 + 24 * len(chosen)), fill="black")
    draw.text((18, 80 + 24 * len(chosen)), f"{'TOTAL':<14}{total:>9.2f}", fill="black", font=font)


def _table(draw: ImageDraw.ImageDraw, generator: Generator) -> None:
    font = _font("DejaVuSans", 10)
    for row in range(21):
        y = 40 + 25 * row
        draw.line((30, y, 390, y), fill=(120, 120, 120))
        cells = [str(generator.choice(WORDS)), *generator.integers(0, 9999, 3).astype(str)]
        for column, cell in enumerate(cells if row < 20 else []):
            draw.text((36 + 90 * column, y + 6), cell, fill="black", font=font)
    for column in range(5):
        draw.line((30 + 90 * column, 40, 30 + 90 * column, 540), fill=(120, 120, 120))


def _on_desk(page: Image.Image, generator: Generator) -> Image.Image:
    """Return a sheet as a camera sees it: turned, on a desk, a little out of focus."""
    desk = Image.new("RGB", (533, 711), _color(generator, 30, 150))
    sheet = page.convert("RGBA").rotate(
        generator.uniform(-14, 14), Image.Resampling.BICUBIC, expand=True
    )
    sheet.thumbnail((500, 670))
    place = ((533 - sheet.width) // 2, (711 - sheet.height) // 2)
    desk.paste(sheet, place, sheet)
    return desk.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1)))
