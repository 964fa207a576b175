"""Images that a person looks at, and their files."""

from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.errors import DataError, UsageError
from ankleboot.core.types import Images
from ankleboot.data.image_folder.cache import cache_images
from ankleboot.data.image_folder.content import hash_images
from ankleboot.data.image_folder.listing import ImageFile
from ankleboot.data.load import Progress
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.recipes.image_spec import ImageSpec


@dataclass(frozen=True)
class ImageSet:
    """Images that are shown: their files, if they have any, and their pixels otherwise."""

    folder: Path
    names: tuple[str, ...]
    images: Images

    def path(self, row: int) -> Path:
        """Return where the image's file would be."""
        return self.folder / self.names[row]


def load_new_images(folder: Path, image_spec: ImageSpec, progress: Progress) -> ImageSet:
    """Decode the images of a folder and below.

    Raises:
        UsageError: If there is no such folder, or no image in it.
        DataError: If none can be decoded.
        EnvironmentFailure: If one cannot be read for a reason other than its content.
    """
    if not folder.is_dir():
        raise UsageError(f"--new {folder}: no such folder")
    folder = folder.resolve()
    paths = [path for path in find_images([folder], progress) if path != folder]
    if not paths:
        raise UsageError(f"--new {folder}: no images in this folder")
    files = hash_images([_image_file(folder, path) for path in paths])
    cached = cache_images(files, image_spec, progress)
    if cached.unreadable:
        for row, reason in cached.unreadable.items():
            progress(f"{files[row].printable}: left out ({reason})")
        if len(cached.unreadable) == len(files):
            raise DataError(f"{folder}: none of {len(files):,} images can be read")
    names = tuple(f.printable for i, f in enumerate(files) if i not in cached.unreadable)
    return ImageSet(folder, names, cached.images)


def _image_file(folder: Path, path: Path) -> ImageFile:
    return ImageFile(path, path.relative_to(folder).as_posix(), "train", "")
