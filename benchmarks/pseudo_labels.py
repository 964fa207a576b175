"""Label photos without their labels, and judge what learns from it on new photographers.

    python benchmarks/pseudo_labels.py --photos DIR
    python benchmarks/pseudo_labels.py --check    (exits with 1 if docs/photos.md is stale)

DIR holds folders of the ten kinds of the clothing dataset's small version, and senders.csv with the
columns path and sender. Five folds grouped by photographer: the photos of four folds, hats, shorts
and skirts among them, are a pile without labels. A linear classifier learns from the pile's table
of pseudo-labels and is judged on the seven kinds of the fifth. Piles in which a class is absent or
ten times as rare show what the balance assumes. Writes benchmarks/results/pseudo_labels.json and
the table of docs/photos.md.
"""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ankleboot.cli.output.terminal import log_line
from ankleboot.cli.pseudo_label import MIN_CONFIDENCE
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.preprocessing.find_images import find_images
from ankleboot.data.splits import deal_folds
from ankleboot.data.tables.groups import read_group_rows
from ankleboot.evaluation.cross_validation import accuracy_interval
from ankleboot.evaluation.photo_kinds import GARMENT_KINDS, MAIN_KINDS, PHOTO_KINDS
from ankleboot.training import pseudo_labels
from ankleboot.training.label_photos import PhotoSignals, photo_signals
from lib.tables import markdown_table, with_sections

ROOT = Path(__file__).parents[1]
RESULT = ROOT / "benchmarks/results/pseudo_labels.json"
PAGE = ROOT / "docs/photos.md"
COMMAND = "python benchmarks/pseudo_labels.py --photos DIR"
NUM_FOLDS, SEED = 5, 0
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9)
RARE = (("outwear", 0.0), ("outwear", 0.1), ("t-shirt", 0.1))
"""Kinds and the share of their photos that stays in the pile."""
ABSENT = "Bag"  # no photo shows one
METHODS = {
    "zero-shot": "`--model zero-shot` alone",
    "names": "the same times the ImageNet names, nothing learned",
    "equal": "learned from a table with equal frequencies",
    "ours": "**learned from the table of `pseudo-label`**",
}


@dataclass(frozen=True)
class Photos:
    """Photos with what the networks say, their kinds and photographers.

    Attributes:
        is_right: Whether a label (column) is right for a photo (row).
    """

    signals: PhotoSignals
    kinds: np.ndarray
    senders: np.ndarray
    folds: np.ndarray
    is_right: np.ndarray


@dataclass(frozen=True)
class Pile:
    """Pseudo-labels of a pile: indices of its photos, of the labels, and their confidences."""

    rows: np.ndarray
    labels: np.ndarray
    confidences: np.ndarray


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if not arguments.check:
        if arguments.photos is None:
            parser.error("--photos DIR is needed")
        write_json(RESULT, {"command": COMMAND} | measure(read_photos(arguments.photos)))
    page = PAGE.read_text()
    fresh = with_tables(page)
    if arguments.check:
        return int(page != fresh)
    PAGE.write_text(fresh)
    return 0


def read_photos(folder: Path) -> Photos:
    found = [path.absolute() for path in find_images([folder], log_line)]
    paths = [path for path in found if path.parent.name in MAIN_KINDS]
    signals = photo_signals(paths, log_line)
    rows, _ = read_group_rows(folder / "senders.csv")
    sender_of = {(folder / name).absolute(): sender for name, sender in rows}
    kinds = np.array([path.parent.name for path in signals.paths])
    senders = np.unique([sender_of[path] for path in signals.paths], return_inverse=True)[1]
    labels = np.unique(kinds, return_inverse=True)[1]
    folds = deal_folds(labels, senders, NUM_FOLDS, np.random.default_rng(SEED))
    is_right = np.array([[n in PHOTO_KINDS[kind].labels for n in CLASS_NAMES] for kind in kinds])
    return Photos(signals, kinds, senders, folds, is_right)


def measure(photos: Photos) -> dict[str, Any]:
    started = time.perf_counter()
    document: dict[str, Any] = {
        "num_photos": len(photos.kinds),
        "num_judged": int(np.isin(photos.kinds, GARMENT_KINDS).sum()),
        "num_photographers": len(np.unique(photos.senders)),
        "folds": NUM_FOLDS,
        "seed": SEED,
        "min_confidence": MIN_CONFIDENCE,
    }
    prior = pseudo_labels.prior_probs(photos.signals.zero_shot, photos.signals.imagenet)
    everything = np.ones(len(photos.kinds), bool)
    learned, piles = learn(photos, everything)
    equal, _ = learn(photos, everything, equal=True)
    answers = {
        "zero-shot": photos.signals.zero_shot.argmax(axis=1),
        "names": prior[:, : len(CLASS_NAMES)].argmax(axis=1),
        "equal": equal,
        "ours": learned,
    }
    document["methods"] = [{"name": n} | judged(photos, a) for n, a in answers.items()]
    document["table"] = [table_quality(photos, piles, least) for least in CONFIDENCES]
    document["absent"] = rows_with(photos, piles, ABSENT)
    log_line(f"all photos: {100 * document['methods'][-1]['accuracy']['share']:.1f} %")
    document["balance"] = []
    for kind, share in RARE:
        log_line(f"{kind}: {share:g} of its photos in the pile")
        labels, thin_piles = learn(photos, thinned(photos, kind, share))
        (label,) = PHOTO_KINDS[kind].labels
        row = {"kind": kind, "share": share, **judged(photos, labels)}
        document["balance"].append(row | rows_with(photos, thin_piles, label))
    return document | {"seconds": time.perf_counter() - started} | machine_info()


def thinned(photos: Photos, kind: str, share: float) -> np.ndarray:
    """Return which photos are left when a share of a kind's photos stays."""
    is_drawn = np.random.default_rng(SEED).random(len(photos.kinds)) < share
    kept: np.ndarray = (photos.kinds != kind) | is_drawn
    return kept


def learn(
    photos: Photos, kept: np.ndarray, *, equal: bool = False
) -> tuple[np.ndarray, list[Pile]]:
    """Return the label of each photo from the classifier of its fold, and the folds' tables."""
    signals, answers, piles = photos.signals, np.zeros(len(photos.kinds), int), []
    for fold in range(NUM_FOLDS):
        pile, held_out = (photos.folds != fold) & kept, photos.folds == fold
        prior = pseudo_labels.prior_probs(signals.zero_shot[pile], signals.imagenet[pile])
        frequencies = pseudo_labels.estimated_frequencies(prior)
        if equal:
            frequencies = np.full_like(frequencies, 1 / len(frequencies))
        components = pseudo_labels.Components(signals.features[pile])
        inputs = components.of(signals.features[pile])
        probs = pseudo_labels.refined(inputs, prior, frequencies)
        confidences, is_kept, is_other = pseudo_labels.chosen(probs, MIN_CONFIDENCE)
        labels = probs.argmax(axis=1)
        one_hot = np.eye(len(CLASS_NAMES))[labels[is_kept]]
        classifier = pseudo_labels.SoftClassifier(inputs[is_kept], one_hot)
        held_out_inputs = components.of(signals.features[held_out])
        answers[held_out] = classifier.predict(held_out_inputs).argmax(axis=1)
        rows = np.flatnonzero(pile)[~is_other]
        piles.append(Pile(rows, labels[~is_other], confidences[~is_other]))
        log_line(f"fold {fold + 1} of {NUM_FOLDS}")
    return answers, piles


def judged(photos: Photos, answers: np.ndarray) -> dict[str, Any]:
    """Return the share of right labels on the seven kinds, and on each."""
    is_right = photos.is_right[np.arange(len(answers)), answers]

    def share(kinds: tuple[str, ...]) -> dict[str, Any]:
        some = np.isin(photos.kinds, kinds)
        interval = accuracy_interval(is_right[some], photos.senders[some])
        return {
            "share": float(is_right[some].mean()),
            "ci95": list(interval),
            "num": int(some.sum()),
        }

    return {
        "accuracy": share(GARMENT_KINDS),
        "by_kind": {kind: share((kind,)) for kind in GARMENT_KINDS},
    }


def table_quality(photos: Photos, piles: list[Pile], least: float) -> dict[str, Any]:
    """Return the share of the piles with a label of enough confidence, and of right labels."""
    in_table = right = 0
    for pile in piles:
        is_kept = pile.confidences >= least
        in_table += int(is_kept.sum())
        right += int(photos.is_right[pile.rows[is_kept], pile.labels[is_kept]].sum())
    num = (NUM_FOLDS - 1) * len(photos.kinds)  # each photo is in the piles of the other folds
    return {"min_confidence": least, "kept": in_table / num, "right": right / in_table}


def rows_with(photos: Photos, piles: list[Pile], label: str) -> dict[str, Any]:
    """Return the mean number of rows with a label in the tables, and of right ones."""
    index, rows, right = CLASS_NAMES.index(label), 0, 0
    for pile in piles:
        is_kept = (pile.confidences >= MIN_CONFIDENCE) & (pile.labels == index)
        rows += int(is_kept.sum())
        right += int(photos.is_right[pile.rows[is_kept], index].sum())
    return {"label": label, "rows": rows / NUM_FOLDS, "right_rows": right / NUM_FOLDS}


def with_tables(page: str) -> str:
    document = json.loads(RESULT.read_text())
    tables = {"pseudo-labels": methods_table(document), "pseudo-label balance": rest(document)}
    return with_sections(page, tables)


def percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def methods_table(document: dict[str, Any]) -> list[str]:
    rows = []
    for method in document["methods"]:
        low, high = method["accuracy"]["ci95"]
        shares = [percent(kind["share"], 0) for kind in method["by_kind"].values()]
        accuracy = percent(method["accuracy"]["share"])
        rows.append([METHODS[method["name"]], accuracy, f"{100 * low:.0f} to {100 * high:.0f}"])
        rows[-1] += shares
    kinds = "|".join(f"`{kind}`" for kind in GARMENT_KINDS)
    return [
        *markdown_table(f"new photographers|right|95 % interval|{kinds}", rows),
        "",
        f"{document['num_photos']:,} photos by {document['num_photographers']} photographers, in "
        f"{document['folds']} folds grouped by photographer; {document['num_judged']:,} of the "
        "seven kinds are judged, each by a linear classifier that learned from the table of the "
        "other folds. Hats, shorts and skirts are among the photos that it learned from.",
    ]


def rest(document: dict[str, Any]) -> list[str]:
    """Return the tables about confidence and balance."""
    confidence = [
        [f"{row['min_confidence']:g}", percent(row["kept"], 0), percent(row["right"], 0)]
        for row in document["table"]
    ]
    balance = [
        [
            f"`{row['kind']}` {'absent' if not row['share'] else 'one tenth as frequent'}",
            percent(row["accuracy"]["share"]),
            percent(row["by_kind"][row["kind"]]["share"], 0),
            f"{row['rows']:.0f}, {row['right_rows']:.0f} of them right",
        ]
        for row in document["balance"]
    ]
    absent = document["absent"]
    ours = percent(document["methods"][-1]["accuracy"]["share"])
    whole = [f"all; there is no {absent['label']}", ours, "", f"{absent['rows']:.0f}, none right"]
    return [
        *markdown_table("`--min-confidence`|photos in the table|right labels", confidence),
        "",
        *markdown_table(
            "photos|right on seven kinds|on this kind|rows with its label", [whole, *balance]
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
