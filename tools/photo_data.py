"""Photos of the clothing dataset as folders of classes, for the tools about photos.

`PHOTO_KINDS` maps folders to labels; shoe_kinds.csv, made by eye, divides the shoes. There are no
photos of bags: bags, and some images of every other class, are composites: Fashion-MNIST images,
enlarged, colored and pasted on the backgrounds of photos.
"""

import csv
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.csv_text import csv_text
from ankleboot.core.types import Image
from ankleboot.data.load import load_data
from ankleboot.data.preprocessing.decode import decode
from ankleboot.evaluation.photo_kinds import PHOTO_KINDS

SHOE_KINDS = Path(__file__).with_name("shoe_kinds.csv")
SENDER_FILES = ("senders.csv", "labels.csv")
REJECT_LABELS = tuple(
    kind.learned_as for kind in PHOTO_KINDS.values() if kind.learned_as and not kind.labels
)
LABELS = (*CLASS_NAMES, *REJECT_LABELS)
NUM_BAGS, NUM_OTHERS = 150, 25  # composites of the class Bag, and of each other class
COMPOSITE = "fashion-mnist"  # kind of a composite, as in the name of its file
SIDE = 400  # pixels per side of a composite


@dataclass(frozen=True)
class SourcePhoto:
    """A photo of a known photographer.

    Attributes:
        kind: Name of its folder, one of `PHOTO_KINDS`.
        label: Label that the model learns it as; empty if it learns none of its kind.
        sender: Its photographer.
        is_childrens: Whether it shows children's clothes.
        is_further: Whether it is not of the ten kinds of the small version of the data set.
    """

    path: Path
    kind: str
    label: str
    sender: str
    is_childrens: bool
    is_further: bool

    @property
    def right_labels(self) -> frozenset[str]:
        """Labels that are right: those of its kind, or the one to decline that it is learned as."""
        return PHOTO_KINDS[self.kind].labels or frozenset({self.label})

    @property
    def name(self) -> str:
        """Name of its copy, which tells the kind."""
        return f"{self.kind}__{self.path.name}"


def list_photos(folders: list[Path]) -> list[SourcePhoto]:
    """List the photos of all known kinds; the first folder is the small version of the data set.

    Each folder has a table with the columns path, sender and kids.
    """
    shoes, photos = read_shoe_kinds(), []
    for folder in folders:
        for row in _read_senders(folder):
            path = folder / row["path"]
            kind = path.parent.name
            if kind in PHOTO_KINDS:
                label = shoes[path.name] if kind == "shoes" else PHOTO_KINDS[kind].learned_as
                further, childrens = folder != folders[0], row["kids"] == "True"
                photos.append(SourcePhoto(path, kind, label, row["sender"], childrens, further))
    unlearned = Counter(photo.kind for photo in photos if not photo.label)
    print("not learned:", ", ".join(f"{number} of {kind}" for kind, number in unlearned.items()))
    return photos


def read_shoe_kinds() -> dict[str, str]:
    """Return the label of each photo of shoes by the name of its file."""
    with SHOE_KINDS.open(newline="") as file:
        return {row["file"]: row["kind"] for row in csv.DictReader(file)}


def _read_senders(folder: Path) -> list[dict[str, str]]:
    tables = [folder / name for name in SENDER_FILES if (folder / name).is_file()]
    if not tables:
        raise SystemExit(f"{folder}: expected {' or '.join(SENDER_FILES)}")
    with tables[0].open(newline="") as file:
        return sorted(csv.DictReader(file), key=lambda row: row["path"])


def prepare(photos: list[SourcePhoto], folder: Path) -> int:
    """Write a folder for every class, and groups.csv beside them; return the number of composites.

    A composite is in the group of its background's photographer: no fold learns a floor that it is
    judged on.
    """
    learned = [photo for photo in photos if photo.label]
    for photo in learned:
        class_folder = folder / "photos" / photo.label.replace("/", "_")
        class_folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(photo.path, class_folder / photo.name)
    rows = [(photo.label.replace("/", "_") + "/" + photo.name, photo.sender) for photo in learned]
    senders = {photo.path: photo.sender for photo in learned}
    composites = write_composites([photo.path for photo in learned], folder / "photos")
    rows += [(name, senders[background]) for name, background in composites]
    (folder / "groups.csv").write_text(csv_text([("path", "group"), *rows]))
    return len(composites)


def write_composites(backgrounds: list[Path], folder: Path) -> list[tuple[str, Path]]:
    """Write composites to the folders of classes; return the name and the background of each."""
    rng, train = np.random.default_rng(0), load_data().train
    composites = []
    for index, label in enumerate(CLASS_NAMES):
        number = NUM_BAGS if label == "Bag" else NUM_OTHERS
        chosen = rng.choice(np.flatnonzero(train.labels == index), number, replace=False)
        class_folder = folder / label.replace("/", "_")
        class_folder.mkdir(parents=True, exist_ok=True)
        for position in chosen:
            background = backgrounds[int(rng.integers(len(backgrounds)))]
            image = composite(train.images[position], decode(background), rng)
            path = class_folder / f"{COMPOSITE}__{position}.jpg"
            image.save(path, quality=88)
            composites.append((f"{class_folder.name}/{path.name}", background))
    return composites


def composite(image: Image, photo: np.ndarray, rng: np.random.Generator) -> PillowImage.Image:
    """Paste a colored image of the data set on the repeated border of a photo."""
    height, width = photo.shape[:2]
    strip = photo[: height // 6] if rng.random() < 0.5 else photo[:, : width // 6]
    strip = np.concatenate([strip, strip[::-1]])
    strip = np.concatenate([strip, strip[:, ::-1]], axis=1)
    repeats = [-(-SIDE // side) for side in strip.shape[:2]]
    canvas = PillowImage.fromarray(np.tile(strip, (*repeats, 1))[:SIDE, :SIDE])

    side = int(rng.integers(SIDE * 5 // 10, SIDE * 9 // 10))
    gray = 255 - np.asarray(
        PillowImage.fromarray(image).resize((side, side), PillowImage.Resampling.BICUBIC),
        np.float32,
    )
    gray += rng.normal(0, 6, gray.shape)
    tint = rng.uniform(0.5, 1.1, 3)
    color = np.clip(gray[..., None] * tint + rng.uniform(0, 40, 3), 0, 255)
    alpha = PillowImage.fromarray(np.where(image > 8, 255, 0).astype(np.uint8))
    alpha = alpha.resize((side, side), PillowImage.Resampling.BICUBIC)
    garment, degrees = PillowImage.fromarray(color.astype(np.uint8)), rng.normal(0, 10)
    left, top = rng.integers(0, SIDE - side, 2)
    canvas.paste(garment.rotate(degrees), (int(left), int(top)), alpha.rotate(degrees))
    return canvas
