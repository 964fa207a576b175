"""Images of the kinds that a plan lists, one by one, each with its origin.

    for made in Composer(plan, roots).images():
        made.image.save(f"{made.kind}/{made.name}.jpg")

`plan` has the content of benchmarks/foreign_pictures.toml, `roots` the folder of each source that
is there. Kinds lose the images of a source that is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from ankleboot.core.errors import DataError
from lib import foreign_images
from lib.foreign_drawings import DRAWINGS
from lib.foreign_sources import Source, matching

OUR_CREDIT = ("MIT", "The Ankleboot authors")
BACKGROUND = "; background "
"""Between the licence of an object and that of its background."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """Image without a garment, and where it comes from."""

    kind: str
    name: str
    image: Image.Image
    is_photo: bool
    source: str
    version: str
    licence: str
    author: str
    way: str  # how it was made


class Composer:
    """Maker of all images of a plan."""

    def __init__(self, plan: dict[str, Any], roots: dict[str, Path]) -> None:
        self._plan = plan
        self._roots = roots
        self._sources = {name: Source(**fields) for name, fields in plan["sources"].items()}
        self._excluded = {
            (name, pattern): set(matching(roots[name], (pattern,)))
            for name, patterns in plan.get("excluded", {}).items()
            if name in roots
            for pattern in patterns
        }
        self._unused = set(self._excluded)
        self._credits = {
            path: tuple(credit)
            for name, patterns in plan.get("credits", {}).items()
            if name in roots
            for pattern, credit in patterns.items()
            for path in matching(roots[name], (pattern,))
        }
        self.too_small: list[str] = []  # cut-outs that were left out for their size
        self._backgrounds = [
            (name, path, place == "rooms")
            for place, files in plan.get("backgrounds", {}).items()
            for name, path in self._files(files)
        ]

    def images(self) -> Iterator[Made]:
        """Yield the images of all kinds.

        Raises:
            DataError: If a pattern matches nothing, or an exclusion hides nothing.
        """
        for kind, ways in self._plan["kinds"].items():
            for name, path in self._files(ways.get("photos", {})):
                yield self._whole(kind, name, path, is_photo=True)
            for name, path in self._files(ways.get("cut-outs", {})):
                yield from self._cut_out(kind, name, path)
            for name, path in self._files(ways.get("drawings", {})):
                yield self._whole(kind, name, path, is_photo=False)
            yield from self._glyphs(kind, ways.get("glyphs", {}))
            yield from _drawn(kind, ways.get("drawn", {}))
        for name, pattern in sorted(self._unused):
            raise DataError(f"the exclusion {pattern} of {name} hides no image; remove it")

    def _files(self, patterns: dict[str, list[str]]) -> Iterator[tuple[str, Path]]:
        """Yield the files of the sources that are there, without the excluded ones."""
        for name, of_source in patterns.items():
            if name not in self._roots:
                continue
            for path in matching(self._roots[name], tuple(of_source)):
                hiding = {key for key, paths in self._excluded.items() if path in paths}
                self._unused -= hiding
                if not hiding:
                    yield name, path

    def _whole(self, kind: str, name: str, path: Path, *, is_photo: bool) -> Made:
        way = f"{self._place(name, path)}, whole"
        return self._made(kind, name, path, foreign_images.whole(path), way, is_photo=is_photo)

    def _cut_out(self, kind: str, name: str, path: Path) -> Iterator[Made]:
        subject = foreign_images.cut_out(path)
        if subject is None:
            self.too_small.append(f"{name}/{self._place(name, path)}")
            return
        generator = foreign_images.generator_of(f"{kind}/{name}/{self._place(name, path)}")
        size = foreign_images.FRAMES[generator.integers(len(foreign_images.FRAMES))]
        way, licence = f"{self._place(name, path)}, laid on ", ""
        if generator.random() < 0.3 or not self._backgrounds:
            ground = foreign_images.paper(size, generator)
            way += "a plain ground"
        else:
            owner, chosen, is_room = self._background(generator.random(), generator.random())
            ground = foreign_images.background(chosen, size, generator, is_blurred=is_room)
            way += f"{owner} {self._place(owner, chosen)}{', blurred' if is_room else ''}"
            licence = self._credit(owner, chosen)[0]
        image = foreign_images.laid_on(ground, subject, generator)
        yield self._made(kind, name, path, image, way, is_photo=True, licence_of_ground=licence)

    def _background(self, which: float, place: float) -> tuple[str, Path, bool]:
        """Return a room in half of the cases, otherwise a surface."""
        rooms = [entry for entry in self._backgrounds if entry[2]]
        surfaces = [entry for entry in self._backgrounds if not entry[2]]
        chosen = (rooms if which < 0.5 else surfaces) or self._backgrounds
        return chosen[int(place * len(chosen))]

    def _glyphs(self, kind: str, fonts: dict[str, str]) -> Iterator[Made]:
        for name, characters in fonts.items():
            if name not in self._roots:
                continue
            (font,) = matching(self._roots[name], ("*.ttf",))
            for character in characters:
                code = f"{ord(character):x}"
                generator = foreign_images.generator_of(f"{kind}/{name}/{code}")
                image = foreign_images.glyph(font, character, generator)
                yield self._made(kind, name, font.with_name(code), image, "glyph", is_photo=False)

    def _made(
        self,
        kind: str,
        source: str,
        path: Path,
        image: Image.Image,
        way: str,
        *,
        is_photo: bool,
        licence_of_ground: str = "",
    ) -> Made:
        licence, author = self._credit(source, path)
        if licence_of_ground not in ("", licence):
            licence += BACKGROUND + licence_of_ground
        return Made(
            kind=kind,
            name=f"{source}_{_slug(self._place(source, path))}",
            image=image,
            is_photo=is_photo,
            source=source,
            version=self._sources[source].version,
            licence=licence,
            author=author,
            way=way,
        )

    def _credit(self, source: str, path: Path) -> tuple[str, str]:
        general = self._sources[source]
        return self._credits.get(path, (general.licence, general.author))

    def _place(self, source: str, path: Path) -> str:
        return path.relative_to(self._roots[source]).as_posix()


def _drawn(kind: str, counts: dict[str, int]) -> Iterator[Made]:
    for drawing, count in counts.items():
        for number in range(count):
            generator = foreign_images.generator_of(f"{kind}/{drawing}/{number}")
            yield Made(
                kind=kind,
                name=f"{drawing}_{number:02}",
                image=DRAWINGS[drawing](generator, number),
                is_photo=False,
                source="",
                version="",
                licence=OUR_CREDIT[0],
                author=OUR_CREDIT[1],
                way=f"drawn by {drawing} number {number}",
            )


def _slug(place: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", place.rpartition(".")[0].lower() or place)
