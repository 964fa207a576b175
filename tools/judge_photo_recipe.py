"""Judge a recipe for photos by folds of photographers.

    python tools/judge_photo_recipe.py FOLDER... [--runs DIR]

The first folder is the clothing dataset's small version (CC0), the others have further photos of
it; each has a table of photographers (`photo_data.py`). In five folds, every photo is judged by a
model that has seen no photo of its photographer (`photo_folds.py`). Runs that are there are not
trained again. It takes an hour on two cores. The result is benchmarks/results/photo_folds.json.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from ankleboot.core.files import write_json
from ankleboot.data.load import load_data
from ankleboot.recipes.catalog import TRANSFER
from photo_data import list_photos, prepare
from photo_folds import predict_folds, summarize_folds, train_folds

RECIPE = replace(TRANSFER, name="photo", crop="cut-out", validation_fraction=0.05, keep="last")
RESULT = Path(__file__).parents[1] / "benchmarks/results/photo_folds.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("photos", type=Path, nargs="+", help="folders of the clothing dataset")
    parser.add_argument("--runs", type=Path, default=Path("runs/photo"), help="folder of the runs")
    arguments = parser.parse_args()
    photos = list_photos(arguments.photos)
    prepare(photos, arguments.runs / "data")
    data = load_data(
        arguments.runs / "data/photos",
        image_spec=RECIPE.image_spec,
        groups=arguments.runs / "data/groups.csv",
        progress=print,
    )
    runs = train_folds(RECIPE, data, arguments.runs / "folds")
    document = summarize_folds(predict_folds(runs, data, photos), runs)
    write_json(RESULT, {"command": "python tools/judge_photo_recipe.py FOLDERS"} | document)
    for name in ("ten_kinds", "childrens"):
        print(f"{name}: {100 * document[name]['share']:.1f} %")
    print(f"seven kinds: {100 * document['seven_kinds']['accuracy']['share']:.1f} %")


if __name__ == "__main__":
    main()
