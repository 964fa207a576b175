"""Compose a folder of images that show no garment, from packages that ship photos.

    python benchmarks/foreign_pictures.py --output DIR [--without SOURCE ...] [--record]

A model of garments has to decline them. foreign_pictures.toml beside this file lists the sources
with their versions and hashes, the kinds, and every exclusion with its reason. DIR/KIND/NAME.jpg
or .png are the images, DIR/pictures.csv says where each comes from. The same sources give the same
files; a folder that this script made is replaced.

--record stores the hashes in benchmarks/results/foreign_pictures.json and writes the tables of
docs/foreign_pictures.md. With --check, exits with 1 if that page is stale.
"""

import argparse
import csv
import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ankleboot.core.errors import AnklebootError, UsageError
from ankleboot.core.files import sha256_of_file, write_json
from ankleboot.core.paths import cache_folder
from lib.foreign_composer import BACKGROUND, Composer, Made
from lib.foreign_sources import Source, fetch
from lib.tables import markdown_table, with_sections

ROOT = Path(__file__).parents[1]
PLAN = Path(__file__).with_suffix(".toml")
RESULT = ROOT / "benchmarks/results/foreign_pictures.json"
PAGE = ROOT / "docs/foreign_pictures.md"
TABLE = "pictures.csv"
COLUMNS = ("path", "kind", "photo", "source", "version", "licence", "author", "way", "sha256")
JPEG_QUALITY = 90
COMMAND = "python benchmarks/foreign_pictures.py --output DIR --record"


def main(words: list[str] | None = None) -> int:
    arguments = parsed(words)
    if arguments.check:
        is_stale = PAGE.read_text() != with_tables(PAGE.read_text())
        if is_stale:
            print(f"docs/foreign_pictures.md is stale: run {COMMAND}")
        return int(is_stale)
    try:
        plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
        document = compose(plan, arguments.output, arguments.cache, arguments.without)
        print("\n".join(report(document)))
        if arguments.record:
            write_json(RESULT, {"command": COMMAND} | document)
            PAGE.write_text(with_tables(PAGE.read_text()))
    except AnklebootError as error:
        print(f"foreign_pictures: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def parsed(words: list[str] | None) -> argparse.Namespace:
    """Parse the command line, and refuse combinations that cannot be met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--output", type=Path)
    parser.add_argument("--cache", type=Path, default=cache_folder("foreign_pictures"))
    parser.add_argument("--without", nargs="*", default=[], metavar="SOURCE")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args(words)
    if arguments.output is None and not arguments.check:
        parser.error("--output DIR is needed")
    if arguments.record and arguments.without:
        parser.error("--record needs every source; leave out --without")
    return arguments


def compose(
    plan: dict[str, Any], output: Path, cache: Path, without: Iterable[str] = ()
) -> dict[str, Any]:
    """Fetch the sources, write the images and their table; return the summary.

    Raises:
        EnvironmentFailure: If a source cannot be fetched.
        UsageError: If `output` holds other files, or `without` names an unknown source.
    """
    check_folder(output)
    sources = {name: Source(**fields) for name, fields in plan["sources"].items()}
    for name in without:
        if name not in sources:
            raise UsageError(f"--without {name}: the sources are {', '.join(sources)}")
    roots = {
        name: fetch(name, source, cache.resolve())
        for name, source in sources.items()
        if name not in without
    }
    composer = Composer(plan, roots)
    part = output.with_name(f"{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    rows = [save(made, part) for made in composer.images()]
    with (part / TABLE).open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    shutil.rmtree(output, ignore_errors=True)
    part.rename(output)
    return summary(plan, rows) | {"too_small": composer.too_small, "without": list(without)}


def check_folder(output: Path) -> None:
    """Refuse to replace a folder that this script did not make."""
    if output.is_dir() and any(output.iterdir()) and not (output / TABLE).is_file():
        raise UsageError(f"{output} holds other files; name a new folder")


def save(made: Made, folder: Path) -> dict[str, str]:
    """Write an image, as JPEG if it is a photo and as PNG otherwise; return its row."""
    relative = Path(made.kind) / f"{made.name}.{'jpg' if made.is_photo else 'png'}"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    made.image.save(path, quality=JPEG_QUALITY)  # which PNG ignores
    return {
        "path": relative.as_posix(),
        "kind": made.kind,
        "photo": "yes" if made.is_photo else "no",
        "source": made.source,
        "version": made.version,
        "licence": made.licence,
        "author": made.author,
        "way": made.way,
        "sha256": sha256_of_file(path),
    }


def report(document: dict[str, Any]) -> list[str]:
    """Return what was made and what was left out, and how it compares with the recorded set."""
    too_small, without = document["too_small"], document["without"]
    lines = kinds_table(document)
    lines.append(f"{document['num']} images, {document['num_photos']} of them photos")
    if too_small:
        lines.append(f"left out as too small: {len(too_small)}: {', '.join(too_small)}")
    if without:
        lines.append(f"left out by --without: every image of {', '.join(without)}")
    if RESULT.exists():
        found, recorded = document["kinds"], stored()["kinds"]
        names = sorted({*recorded, *found})
        differing = [name for name in names if recorded.get(name) != found.get(name)]
        lines.append(f"differs from the recorded set: {', '.join(differing) or 'nothing'}")
    return lines


def summary(plan: dict[str, Any], rows: list[dict[str, str]]) -> dict[str, Any]:
    """Count the images, and list their hashes by kind."""
    kinds: dict[str, Any] = {}
    for row in rows:
        kind = kinds.setdefault(
            row["kind"], {"num": 0, "num_photos": 0, "licences": [], "images": {}}
        )
        kind["num"] += 1
        kind["num_photos"] += row["photo"] == "yes"
        parts = row["licence"].split(BACKGROUND)
        kind["licences"] = sorted({*kind["licences"], *parts})
        kind["images"][Path(row["path"]).name] = row["sha256"]
    for kind in kinds.values():
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(kind["images"].items()))
        kind["sha256"] = hashlib.sha256(lines.encode()).hexdigest()
    used = [row["source"] for row in rows]
    return {
        "num": len(rows),
        "num_photos": sum(row["photo"] == "yes" for row in rows),
        "kinds": kinds,
        "sources": {
            name: fields | {"num": used.count(name)} for name, fields in plan["sources"].items()
        },
        "excluded": plan.get("excluded", {}),
    }


def kinds_table(document: dict[str, Any]) -> list[str]:
    rows = [
        [name.replace("_", " "), str(kind["num"]), str(kind["num_photos"])]
        + ["; ".join(kind["licences"])]
        for name, kind in document["kinds"].items()
    ]
    return markdown_table("kind|images|of them photos|licences", rows)


def sources_table(document: dict[str, Any]) -> list[str]:
    rows = [
        [f"`{name}`", source["client"].split()[0], source["version"], str(source["num"])]
        + [source["licence"], source["author"]]
        for name, source in document["sources"].items()
    ]
    return markdown_table("package|client|version|images|licence|author", rows)


def with_tables(page: str) -> str:
    """Return the page with the figures and tables of the recorded set."""
    document = stored()
    excluded = sum(len(patterns) for patterns in document["excluded"].values())
    sentence = (
        f"{document['num']} images of {len(document['kinds'])} kinds, {document['num_photos']} of "
        f"them photos or photographed objects, from {len(document['sources'])} packages; "
        f"{excluded} patterns are excluded, and {len(document['too_small'])} objects are too small."
    )
    sections = {
        "foreign pictures": [sentence],
        "foreign kinds": kinds_table(document),
        "foreign sources": sources_table(document),
    }
    return with_sections(page, sections)


def stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(RESULT.read_text())
    return document


if __name__ == "__main__":
    sys.exit(main())
