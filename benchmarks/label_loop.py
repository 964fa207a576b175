"""Measure one pass of the label page over a folder with planted label errors.

    python benchmarks/label_loop.py [--images 10000] [--errors 500] [--work DIR]

Writes images of Fashion-MNIST into a folder for every class, some of them into that of another
class, and starts `ankleboot label`. A headless browser answers truthfully by keyboard, for
twice as many suspects as errors were planted. Then two recipes, one of which learns its training
images by heart, are trained on the folder as it is, with the label file, and without any planted
error; all are evaluated on the test folder, which has no errors. Writes
benchmarks/results/label_loop.json and the table of docs/labels.md.

`--no-browser` makes the same decisions without the page, and keeps the times measured with it.
`--photos DIR` measures the ranks of eight moved photos among some 240 of four classes instead.
"""

import argparse
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ankleboot.core.files import atomic_write, write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.label_file import LABEL_FILE, open_label_file, read_label_file
from ankleboot.data.load import load_data
from ankleboot.evaluation.statistics import mean_interval
from ankleboot.recipes.catalog import PLAIN, SPRINT, TRANSFER
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.label_queue import suspect_queue

ROOT = Path(__file__).parents[1]
RESULT, DOCS = ROOT / "benchmarks/results/label_loop.json", ROOT / "docs/labels.md"
START = "<!-- label loop: written by benchmarks/label_loop.py -->"
END = "<!-- end of label loop -->"
NUM_TEST, SEEDS = 10_000, 3
RECIPES = {
    "`plain`": replace(PLAIN, split="stratified"),
    "`sprint`, 20 epochs": replace(SPRINT, split="stratified", epochs=20),
}
"""The second learns by heart: the hardest half of each batch, for ten times the usual epochs."""
PHOTO_CLASSES = ("dress", "pants", "shoes", "skirt")
PHOTOS_PER_CLASS, MOVED_PHOTOS = 60, 8
NAMES = ("chromium", "chromium-headless-shell", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--errors", type=int, default=500)
    parser.add_argument("--work", type=Path, help="folder to keep; by default a temporary one")
    parser.add_argument("--photos", type=Path, help="folder with a sub-folder for every class")
    parser.add_argument("--no-browser", action="store_true", help="decide without the page")
    arguments = parser.parse_args()
    document = json.loads(RESULT.read_text()) if RESULT.is_file() else {}
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        if arguments.photos is not None:
            document["photos"] = measure_photos(arguments.photos, work)
        else:
            option = " --no-browser" if arguments.no_browser else ""
            answer = decide_in_order if option else answer_suspects
            document |= measure_loop(work, arguments.images, arguments.errors, answer)
            document["command"] = f"python benchmarks/label_loop.py{option}"
    write_json(RESULT, document | machine_info())
    if arguments.photos is None:
        write_table(document["accuracy"])


def write_table(accuracy: dict[str, Any]) -> None:
    """Replace the table of docs/labels.md.

    Raises:
        ValueError: If a marker of the table is missing.
    """
    page = DOCS.read_text()
    first, last = page.index(START) + len(START), page.index(END)
    lines = [page[:first], *table(accuracy), page[last:]]
    atomic_write(DOCS, "\n".join(lines).encode())


def table(accuracy: dict[str, Any]) -> list[str]:
    """Write accuracies in percent, and what was lost and regained with its 95 % interval."""
    lines = [
        "| recipe | without errors | with errors | corrected | lost to the errors | regained |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for recipe, row in accuracy.items():
        names = ("without errors", "with errors", "corrected")
        cells = [f"{100 * row[name]['mean']:.2f} %" for name in names]
        for name in ("lost", "regained"):
            low, high = row[f"{name}_ci95"]
            cells.append(f"{row[f'{name}_points']:.2f} ({low:.2f} to {high:.2f})")
        lines.append(f"| {recipe} | {' | '.join(cells)} |")
    return lines


def measure_loop(
    work: Path, num_images: int, num_errors: int, answer: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    folder, clean = work / "garments", work / "clean"
    right = write_folders(folder, clean, num_images, num_errors)
    session = answer(folder, right, 2 * num_errors)
    decisions = {
        decision.path: decision.label for decision in read_label_file(session.pop("file"))[1]
    }
    found = sum(decisions.get(name) == label for name, label in right.items())
    result = {
        "images": num_images,
        "planted": num_errors,
        "suspects_answered": 2 * num_errors,
        "found": found,
        "found_share": round(found / num_errors, 4),
        **session,
    }
    print(json.dumps(result), flush=True)
    rows = {name: train_all(recipe, work, folder, clean) for name, recipe in RECIPES.items()}
    return result | {"accuracy": rows}


def write_folders(folder: Path, clean: Path, num_images: int, num_errors: int) -> dict[str, str]:
    """Write both folders; return the right class of each image in a wrong folder, by name."""
    data = load_data()
    names = [re.sub(r"\W+", "-", name).strip("-").lower() for name in data.class_names]
    generator = np.random.default_rng(0)
    planted = set(generator.choice(num_images, num_errors, replace=False).tolist())
    right = {}
    for i, (image, label) in enumerate(first_of_each(data.train, num_images)):
        placed = label
        if i in planted:
            placed = (label + int(generator.integers(1, 10))) % 10
            right[f"train/{names[placed]}/{i:05d}.png"] = names[label]
        write_image(folder / "train" / names[placed] / f"{i:05d}.png", image)
        write_image(clean / "train" / names[label] / f"{i:05d}.png", image)
    for i, (image, label) in enumerate(first_of_each(data.test, NUM_TEST)):
        for target in (folder, clean):
            write_image(target / "test" / names[label] / f"{i:05d}.png", image)
    return right


def first_of_each(part: LabeledImages, number: int) -> list[tuple[np.ndarray, int]]:
    rows = [np.flatnonzero(part.labels == label)[: number // 10] for label in range(10)]
    return [(part.images[row], int(part.labels[row])) for row in np.stack(rows, axis=1).ravel()]


def write_image(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


def answer_suspects(folder: Path, right: dict[str, str], number: int) -> dict[str, Any]:
    """Answer by keyboard; return the seconds of a decision, from key to the next image."""
    from playwright.sync_api import sync_playwright

    started = time.perf_counter()
    command = [sys.executable, "-m", "ankleboot", "label", str(folder), "--json"]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as served:
        address = wait_for_address(served)
        startup = time.perf_counter() - started
        seconds = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(address)
            page.locator("#choices button").last.wait_for()
            classes = page.locator("#choices button").evaluate_all("all => all.map(b => b.value)")
            keys = {name: "1234567890"[i] for i, name in enumerate(classes)}
            is_shown = """name => document.getElementById("name").textContent !== name
                && document.getElementById("image").complete"""
            page.wait_for_function(is_shown, arg="")
            for _ in range(number):
                name = page.text_content("#name") or ""
                key = keys[right[name]] if name in right else "Space"
                pressed = time.perf_counter()
                page.keyboard.press(key)
                page.wait_for_function(is_shown, arg=name)
                seconds.append(time.perf_counter() - pressed)
            wanted = f"{number:,} of"
            page.wait_for_function(
                "text => document.getElementById('status').textContent.startsWith(text)", arg=wanted
            )
            browser.close()
        served.terminate()
        document = json.loads(served.communicate(timeout=60)[0])
    return {
        "file": Path(document["label_file"]),
        "suspects_listed": document["suspects"],
        "session_seconds": round(time.perf_counter() - started, 1),
        "startup_seconds": round(startup, 1),
        "seconds_per_decision": round(statistics.mean(seconds), 4),
        "seconds_per_decision_p95": round(sorted(seconds)[int(0.95 * len(seconds))], 4),
    }


def log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def decide_in_order(folder: Path, right: dict[str, str], number: int) -> dict[str, Any]:
    """Decide about the same images as the browser does."""
    queue = suspect_queue(load_data(str(folder), image_spec=TRANSFER.image_spec), None, log)
    with open_label_file(folder / LABEL_FILE) as file:
        for row in queue.order[:number]:
            name = queue.shown.names[row]
            label = queue.class_names[queue.labels[row]]
            file.append(name, right.get(name, label), label)
    return {"file": file.path, "suspects_listed": queue.num_suspects}


def wait_for_address(served: "subprocess.Popen[str]") -> str:
    if served.stderr is None:
        raise RuntimeError("no stderr")
    for line in served.stderr:
        print(line, end="", file=sys.stderr, flush=True)
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise RuntimeError("the page did not open")


def train_all(recipe: Recipe, work: Path, folder: Path, clean: Path) -> dict[str, Any]:
    """Train on three versions of the labels; return test accuracies, and what compare says."""
    from ankleboot.core.silence import import_keras

    import_keras()
    from ankleboot.evaluation.compare import compare
    from ankleboot.evaluation.evaluate import evaluate
    from ankleboot.training.train import train

    versions: dict[str, tuple[Path, Path | None]] = {
        "with errors": (folder, None),
        "corrected": (folder, folder / LABEL_FILE),
        "without errors": (clean, None),
    }
    runs: dict[str, list[Any]] = {}
    scores: dict[str, list[float]] = {}
    for name, (source, labels) in versions.items():
        data = load_data(str(source), image_spec=recipe.image_spec, labels=labels)
        start = f"{work}/runs/{recipe.name}-{name.replace(' ', '-')}-"
        seeds = range(SEEDS)
        runs[name] = [train(replace(recipe, seed=seed), data, f"{start}{seed}") for seed in seeds]
        scores[name] = [evaluate(run, split="test").accuracy for run in runs[name]]
        print(recipe.name, name, scores[name], flush=True)
    pair = [runs["with errors"][0], runs["corrected"][0]]
    verdict = compare(pair, split="test").sentences[0]
    return (
        {name: {"mean": statistics.mean(own), "runs": own} for name, own in scores.items()}
        | gain("lost", scores["with errors"], scores["without errors"])
        | gain("regained", scores["with errors"], scores["corrected"])
        | {"compare_says": verdict.replace(f"{work}/", "")}
    )


def gain(name: str, before: list[float], after: list[float]) -> dict[str, Any]:
    """Return the mean difference in points, and its interval over the pairs of a seed."""
    points = [100 * (high - low) for low, high in zip(before, after, strict=True)]
    interval = mean_interval(points) or (-100.0, 100.0)
    return {
        f"{name}_points": round(statistics.mean(points), 2),
        f"{name}_ci95": [round(each, 2) for each in interval],
    }


def measure_photos(photos: Path, work: Path) -> dict[str, Any]:
    """Move photos to the folder of another class; return their ranks in the queue."""
    ranks = []
    for seed in range(SEEDS):
        generator = np.random.default_rng(seed)
        folder, moved = work / f"photos{seed}", set()
        for number, name in enumerate(PHOTO_CLASSES):
            paths = sorted((photos / name).iterdir())
            chosen = generator.choice(len(paths), PHOTOS_PER_CLASS, replace=False)
            for place, index in enumerate(chosen.tolist()):
                target = name
                if place < MOVED_PHOTOS // len(PHOTO_CLASSES):
                    others = [other for other in PHOTO_CLASSES if other != name]
                    target = others[(place + number) % len(others)]
                    moved.add(f"{target}/{paths[index].name}")
                (folder / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(paths[index], folder / target)
        queue = suspect_queue(load_data(str(folder), image_spec=TRANSFER.image_spec), None, log)
        names = [queue.shown.names[row] for row in queue.order]
        right = float((queue.probs.argmax(axis=1) == queue.labels).mean())
        ranks.append(
            {
                "seed": seed,
                "images": len(names),
                "suspects": queue.num_suspects,
                "out_of_fold_accuracy": round(right, 4),
                "ranks_of_moved": sorted(names.index(name) + 1 for name in moved),
            }
        )
        print(json.dumps(ranks[-1]), flush=True)
    return {"command": "python benchmarks/label_loop.py --photos DIR", "runs": ranks}


if __name__ == "__main__":
    main()
