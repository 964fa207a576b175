"""Measure how many flipped labels the data audit finds.

    python benchmarks/label_flips.py [--flips 500] [--among 1000]

Flips the labels of randomly drawn training images to a random other class, audits the data (sprint,
five folds), and counts the flipped ones among the first suspects. Fashion-MNIST has wrong labels,
too, so some of the other suspects are correct. Writes
benchmarks/results/label_flips.json.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.subprocesses import machine_info
from ankleboot.data.dataset import LabeledImages
from ankleboot.data.load import load_data
from ankleboot.evaluation.label_issues import find_label_issues
from ankleboot.recipes.catalog import SPRINT
from ankleboot.training.data_audit import NUM_FOLDS, out_of_fold_probs

RESULT = Path(__file__).parents[1] / "benchmarks/results/label_flips.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--flips", type=int, default=500)
    parser.add_argument("--among", type=int, default=1_000)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    data = load_data()
    rows = []
    for seed in range(arguments.seeds):
        generator = np.random.default_rng(seed)
        indices = generator.choice(len(data.train), arguments.flips, replace=False)
        labels = data.train.labels.copy()
        labels[indices] = (labels[indices] + generator.integers(1, 10, len(indices))) % 10
        flipped = replace(data, train=LabeledImages(data.train.images, labels))
        started = time.perf_counter()
        probs = out_of_fold_probs(
            flipped, SPRINT, NUM_FOLDS, lambda line: print(line, file=sys.stderr)
        )
        suspects = find_label_issues(probs, labels, data.class_names)
        first = {suspect.index for suspect in suspects[: arguments.among]}
        rows.append(
            {
                "seed": seed,
                "found": len(first & set(indices.tolist())),
                "suspects": len(suspects),
                "found_among_all": len({s.index for s in suspects} & set(indices.tolist())),
                "seconds": round(time.perf_counter() - started, 1),
            }
        )
        print(json.dumps(rows[-1]))
    write_json(
        RESULT,
        {
            "command": "python benchmarks/label_flips.py",
            "flips": arguments.flips,
            "among": arguments.among,
            "runs": rows,
            **machine_info(),
        },
    )


if __name__ == "__main__":
    main()
