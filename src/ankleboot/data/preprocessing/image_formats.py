"""Image formats that the decoder accepts: the one list of them. Importing it loads no decoder."""

from typing import NamedTuple


class ImageFormat(NamedTuple):
    """Image format.

    Attributes:
        name: Pillow's name of the format.
        media_type: Media type in HTTP.
        suffixes: Endings of file names, in lower case.
        in_browsers: Whether all browsers show the format; the server accepts only these.
        extra: Extra of this package that installs the decoder; "" if Pillow has it.
    """

    name: str
    media_type: str
    suffixes: tuple[str, ...]
    in_browsers: bool = True
    extra: str = ""


IMAGE_FORMATS = (
    ImageFormat("PNG", "image/png", (".png",)),
    ImageFormat("JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif")),
    ImageFormat("WEBP", "image/webp", (".webp",)),
    ImageFormat("GIF", "image/gif", (".gif",)),
    ImageFormat("BMP", "image/bmp", (".bmp",)),
    ImageFormat("TIFF", "image/tiff", (".tif", ".tiff"), in_browsers=False),
    ImageFormat("PPM", "image/x-portable-anymap", (".pgm", ".ppm", ".pbm", ".pnm"), False),
    ImageFormat("AVIF", "image/avif", (".avif",), in_browsers=False),
    ImageFormat("HEIF", "image/heic", (".heic", ".heif"), in_browsers=False, extra="heif"),
)

SUFFIXES = frozenset(suffix for entry in IMAGE_FORMATS for suffix in entry.suffixes)
"""Suffixes of the files to find in a folder; a file that the user names may have any."""

UNREAD_FORMATS = {
    suffix: name
    for name, suffixes in {
        "camera raw": ".arw .cr2 .cr3 .dng .nef .orf .raf .raw .rw2",
        "DICOM": ".dcm .dicom",
        "JPEG 2000": ".j2k .jp2",
        "JPEG XL": ".jxl",
        "Photoshop": ".psd",
        "SVG": ".svg",
        "Targa": ".tga",
        "icon": ".ico",
        "not on this disk but in iCloud; download it": ".icloud",
    }.items()
    for suffix in suffixes.split()
}
"""Formats of images that are not read, by suffix, so that messages name them as what they are."""
