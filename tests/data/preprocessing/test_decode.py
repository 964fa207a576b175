"""Decoding: every format and mode gives the same pixels; damaged files are refused."""

import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ankleboot.core.errors import DataError, EnvironmentFailure
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.decode import MAX_DECODED_SIDE, MAX_SIDE, decode
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.preprocessing.garment import garment_image
from ankleboot.data.preprocessing.preprocess import load_image
from ankleboot.recipes.image_spec import ImageSpec


def scene() -> Image.Image:
    """A dark L on white, so that every turn looks different."""
    pixels = np.full((40, 30, 3), 255, np.uint8)
    pixels[5:35, 6:12] = (40, 60, 80)
    pixels[29:35, 6:24] = (40, 60, 80)
    return Image.fromarray(pixels)


def saved(path: Path, picture: Image.Image, **options: object) -> Path:
    picture.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        *[(f"a.{suffix}", 0) for suffix in ("png", "bmp", "tiff", "ppm")],
        *[(f"a.{suffix}", 60) for suffix in ("jpg", "webp", "avif")],
        ("a.gif", 2),
    ],
)
def test_formats_show_the_same(tmp_path: Path, name: str, tolerance: int) -> None:
    options = {"quality": 95} if name.endswith(("jpg", "webp", "avif")) else {}
    got = decode(saved(tmp_path / name, scene(), **options)).astype(int)
    assert np.abs(got - np.asarray(scene())).max() <= tolerance  # lossy ones ring at edges
    assert np.abs(got - np.asarray(scene())).mean() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_modes_show_the_same(tmp_path: Path, mode: str) -> None:
    grey = scene().convert("L").convert("RGB")
    suffix = "tiff" if mode == "CMYK" else "png"
    source = grey.point(lambda v: 255 * (v > 128)) if mode == "1" else grey
    changed = source.quantize(16) if mode == "P" else source.convert(mode)
    got = decode(saved(tmp_path / f"a.{suffix}", changed)).astype(int)
    assert np.abs(got - np.asarray(source)).max() <= 2


def test_an_adobe_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", scene().convert("CMYK"), quality=95)
    assert np.abs(decode(path).astype(int) - np.asarray(scene())).mean() < 3


def test_an_adobe_ycck_jpeg_is_not_inverted(tmp_path: Path) -> None:
    """Pillow writes no YCCK: its CMYK file of converted channels gets the mark of one."""
    *inks, black = scene().convert("CMYK").split()
    luma = Image.merge("RGB", inks).convert("YCbCr").split()
    channels = [channel.point(lambda v: 255 - v) for channel in luma]
    path = saved(tmp_path / "a.jpg", Image.merge("CMYK", [*channels, black]), quality=95)
    content = bytearray(path.read_bytes())
    transform = content.index(b"Adobe") + 11
    assert content[transform] == 0
    content[transform] = 2
    path.write_bytes(content)
    assert np.abs(decode(path).astype(int) - np.asarray(scene())).mean() < 3


@pytest.mark.parametrize("mode", ["P", "PA", "L"])
def test_transparent_entries_and_levels_show_white(tmp_path: Path, mode: str) -> None:
    """A palette with a transparent entry, one with alpha, and a transparent level of gray."""
    gray = scene().convert("L").point(lambda v: 0 if v == 255 else v)  # the background hides black
    alpha = gray.point(lambda v: 255 * (v > 0))
    path = tmp_path / ("a.tiff" if mode == "PA" else "a.png")
    if mode == "PA":
        picture = gray.convert("P").convert("PA")
        picture.putalpha(alpha)
        saved(tmp_path / "a.png", picture.convert("RGBA"))
        path = tmp_path / "a.png"
    else:
        saved(path, gray.convert(mode), transparency=0)
    got = decode(path).astype(int)
    expected = np.asarray(scene().convert("L").convert("RGB")).astype(int)
    assert np.abs(got - expected).max() <= 2


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 0, 255)])
def test_transparent_pixels_show_white_whatever_they_hide(
    tmp_path: Path, hidden: tuple[int, int, int]
) -> None:
    rgba = np.dstack([np.asarray(scene()), np.full((40, 30), 255, np.uint8)])
    background = rgba[..., :3].min(axis=2) == 255
    rgba[background] = (*hidden, 0)
    got = decode(saved(tmp_path / "a.png", Image.fromarray(rgba)))
    np.testing.assert_array_equal(got, np.asarray(scene()))


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 300).astype(np.uint16).reshape(10, 30)
    got = decode(saved(tmp_path / "a.png", Image.fromarray(ramp)))
    np.testing.assert_array_equal(got[..., 0], np.rint(ramp / 257))


def test_floats_of_unit_range_are_scaled(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 300, dtype=np.float32).reshape(10, 30)
    got = decode(saved(tmp_path / "a.tiff", Image.fromarray(ramp)))
    np.testing.assert_array_equal(got[..., 0], np.rint(ramp * 255))
    ramp[0, 0] = np.nan
    with pytest.raises(DataError, match="not finite"):
        decode(saved(tmp_path / "b.tiff", Image.fromarray(ramp)))


def test_all_eight_orientations_are_undone(tmp_path: Path) -> None:
    turns: dict[int, Callable[[np.ndarray], np.ndarray]] = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    for orientation, turn in turns.items():
        held = Image.fromarray(np.ascontiguousarray(turn(np.asarray(scene()))))
        exif = Image.Exif()
        exif[0x0112] = orientation
        got = decode(saved(tmp_path / f"{orientation}.png", held, exif=exif))
        np.testing.assert_array_equal(got, np.asarray(scene()), err_msg=str(orientation))


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    other = Image.new("RGB", scene().size, "red")
    for name in ("a.gif", "a.tiff"):
        path = saved(tmp_path / name, scene(), save_all=True, append_images=[other])
        assert np.abs(decode(path).astype(int) - np.asarray(scene())).mean() < 3


def test_heic_is_read_where_its_library_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    path = saved(tmp_path / "a.heic", scene().resize((120, 160)), quality=95)
    assert decode(path).shape == (160, 120, 3)
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(EnvironmentFailure, match=r"HEIC needs pip install 'ankleboot\[heif\]'"):
        decode(path)


def test_a_gray_map_of_sixteen_bits_is_scaled(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 300).astype(">u2").reshape(10, 30)
    (tmp_path / "a.pgm").write_bytes(b"P5 30 10 65535\n" + ramp.tobytes())
    np.testing.assert_array_equal(decode(tmp_path / "a.pgm")[..., 0], np.rint(ramp / 257))


def test_avif_is_named_where_pillow_cannot_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.jpg", scene(), format="AVIF")  # whatever its name says
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    with pytest.raises(EnvironmentFailure, match="AVIF, which this Pillow cannot read"):
        decode(path)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(5, "Input/output error"),
        OSError("decoder jpeg not available"),
        OSError("out of memory error when reading image file"),
        ImportError("libwebp.so: cannot open shared object file"),
        KeyError("PNG"),  # of Pillow, if the plugin could not be loaded
    ],
)
def test_a_good_file_is_not_blamed_for_the_system(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    path = saved(tmp_path / "a.png", scene())
    monkeypatch.setattr("PIL.Image.open", fail)
    with pytest.raises(EnvironmentFailure, match=r"a\.png: cannot be decoded"):
        decode(path)


def test_a_file_is_missing_or_not_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loop.png").symlink_to("loop.png")
    saved(tmp_path / "a.png", scene())
    for name in ("gone.png", "a.png/b.png", 300 * "x", "a\0.png", "loop.png"):
        with pytest.raises(DataError, match="no such file|a link to a file that is missing"):
            decode(tmp_path / name)
    real = Path.stat

    def refused(path: Path, **options: bool) -> os.stat_result:
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(Path, "stat", refused)  # the tests may run as root
    with pytest.raises(EnvironmentFailure, match=r"cannot read .*a\.png: Permission denied"):
        decode(tmp_path / "a.png")


def test_other_formats_are_named_as_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.jxl").write_bytes(b"\xff\x0a" + bytes(50))
    with pytest.raises(DataError, match="JPEG XL, a format that is not read; convert it"):
        decode(tmp_path / "a.jxl")


@pytest.mark.parametrize("size", [(8_000, 6_000), (8_160, 6_144)])
def test_phone_photos_of_48_and_50_megapixels_are_read(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    path = saved(tmp_path / "a.jpg", Image.new("L", size, 90))
    assert decode(path).shape[1] == MAX_DECODED_SIDE
    assert decode(path).max() <= 92


def test_pixels_are_counted_after_the_fraction_that_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="15000 x 9000 pixels, allowed are 120,000,000"):
        decode(saved(tmp_path / "a.jpg", Image.new("L", (15_000, 9_000))))
    with pytest.raises(DataError, match="9000 x 7000 pixels, allowed are 60,000,000"):
        decode(saved(tmp_path / "b.jpg", Image.new("L", (9_000, 7_000)), progressive=True))


@pytest.mark.parametrize("size", [(1, 1), (MAX_SIDE, 1), (1, MAX_SIDE)])
def test_the_smallest_and_the_thinnest_images_are_read(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    pixels = decode(saved(tmp_path / "a.png", Image.new("L", size, 90)))
    assert pixels.shape == (min(size[1], MAX_DECODED_SIDE), min(size[0], MAX_DECODED_SIDE), 3)
    assert (pixels == 90).all()
    longer = Image.new("L", (size[0] + 65_535, 1))
    with pytest.raises(DataError, match="allowed are 65,535 a side"):
        decode(saved(tmp_path / "b.png", longer))


def test_large_images_are_reduced(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", scene().resize((3000, 4000)))
    assert decode(path).shape == (MAX_DECODED_SIDE, 480, 3)


def png_of(width: int, height: int) -> bytes:
    """A few bytes that claim to be a large picture."""
    content = io.BytesIO()
    Image.new("1", (width, height)).save(content, "PNG")
    return content.getvalue()


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "an empty file"),
    "text": (lambda: b"I am not a picture", "not an image of a known format"),
    "pointer": (lambda: b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull"),
    "bomb": (lambda: png_of(13_000, 13_000), "25,000,000"),
    "big": (lambda: png_of(6_000, 5_000), "6000 x 5000 pixels, allowed are 25,000,000"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    make, said = BAD[kind]
    path = tmp_path / "a.png"
    path.write_bytes(make())
    with pytest.raises(DataError) as caught:
        decode(path)
    assert said in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.tiff"])
def test_truncated_files_are_refused(tmp_path: Path, name: str) -> None:
    generator = np.random.default_rng(0)
    noise = Image.fromarray(generator.integers(0, 255, (60, 60, 3), dtype=np.uint8))
    path = saved(tmp_path / name, noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=r"a\.\w+: "):
        decode(path)


@pytest.mark.skipif(os.name != "posix", reason="FIFOs")
def test_a_fifo_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(DataError, match="not a regular file"):
        decode(tmp_path / "a.png")


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_random_bytes_never_escape_as_another_error(content: bytes) -> None:
    path = Path(f"/tmp/ankleboot-bytes-{os.getpid()}.png")
    try:
        path.write_bytes(content)
        with pytest.raises(DataError):
            decode(path)
    finally:
        path.unlink()


def test_images_of_the_data_set_pass_unchanged(tmp_path: Path) -> None:
    for index, image in enumerate(load_data("sample").test.images[:50]):
        path = saved(tmp_path / f"{index}.png", Image.fromarray(image))
        np.testing.assert_array_equal(load_image(path, ImageSpec()), image)


def garment(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A textured rectangle on white."""
    generator = np.random.default_rng(seed)
    pixels = np.full((height + 60, width + 80, 3), 255, np.uint8)
    pixels[20 : 20 + height, 30 : 30 + width] = generator.integers(20, 200, (height, width, 1))
    return pixels


@pytest.mark.parametrize(
    ("height", "width", "box"),
    [(140, 70, (28, 14)), (50, 200, (7, 28)), (90, 90, (28, 28)), (10, 4, (28, 11))],
)
def test_the_longest_side_becomes_28_and_the_rest_is_centred(
    height: int, width: int, box: tuple[int, int]
) -> None:
    image = garment_image(garment(height, width))
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1) == box
    assert rows[0] == (28 - box[0]) // 2 and columns[0] == (28 - box[1]) // 2


def test_margins_do_not_matter() -> None:
    pixels = garment(80, 60)
    wider = np.pad(pixels, ((40, 3), (0, 77), (0, 0)), constant_values=255)
    np.testing.assert_array_equal(garment_image(pixels), garment_image(wider))


def test_polarity_does_not_matter() -> None:
    pixels = garment(80, 60)
    np.testing.assert_array_equal(garment_image(pixels), garment_image(255 - pixels))


def test_dark_on_light_becomes_light_on_dark() -> None:
    image = garment_image(np.asarray(scene()))
    assert image[0, 0] == 0 and image.max() > 150


@pytest.mark.parametrize("level", [0, 127, 255])
def test_a_single_color_gives_nothing(level: int) -> None:
    assert not garment_image(np.full((50, 40, 3), level, np.uint8)).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (2, 2), (28, 28)])
def test_odd_shapes_are_converted(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(1)
    image = garment_image(generator.integers(0, 255, (*shape, 3), dtype=np.uint8))
    assert image.shape == (28, 28) and image.dtype == np.uint8


def test_folders_are_searched_in_order_and_links_in_circles_are_not_followed(
    tmp_path: Path,
) -> None:
    for name in ("b.png", "a.JPG", "notes.txt", ".hidden.png", "Thumbs.db", "sub/c.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "link.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "@eaDir").mkdir()
    (tmp_path / "@eaDir/thumb.jpg").write_bytes(b"x")
    notes: list[str] = []
    names = [
        path.relative_to(tmp_path).as_posix() for path in find_images([str(tmp_path)], notes.append)
    ]
    assert names == ["a.JPG", "b.png", "link.png", "sub/c.webp"]
    assert len(notes) == 1 and "2 files skipped" in notes[0] and "notes.txt" in notes[0]


def test_a_folder_is_named_before_it_is_a_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "[2024] Images"
    folder.mkdir()
    for name in ("a.jpg", "b.jpg", "c.png"):
        (folder / name).write_bytes(b"x")
    found = find_images([f"{folder}/*.jpg"], pytest.fail)
    assert [path.name for path in found] == ["a.jpg", "b.jpg"]
    found = find_images([f"{tmp_path}/[[]2024] Images/?.png"], pytest.fail)
    assert [path.name for path in found] == ["c.png"]


def test_patterns_and_missing_names(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "we[i]rd.png"):
        (tmp_path / name).write_bytes(b"x")
    pattern, literal, missing = (str(tmp_path / n) for n in ("?.png", "we[i]rd.png", "no*.png"))
    found = find_images([pattern, literal, missing], pytest.fail)
    assert [path.name for path in found] == ["a.png", "b.png", "we[i]rd.png", "no*.png"]


def test_a_folder_without_images_stays_in_the_result(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert find_images([str(tmp_path / "a"), str(tmp_path / "?")], print) == [tmp_path / "a"] * 2
    with pytest.raises(DataError, match=f"{tmp_path}/a: no images in this folder"):
        decode(tmp_path / "a")


@pytest.mark.parametrize("name", ["x" * 300, "no/such/folder/a.png"])
def test_impossible_names_are_refused_in_one_line(name: str) -> None:
    assert find_images([name], pytest.fail) == [Path(name)]
    with pytest.raises(DataError, match="no such file"):
        decode(Path(name))


def test_half_and_half_is_no_division_by_zero() -> None:
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[:, 20:] = 255
    assert garment_image(pixels).max() == 255
