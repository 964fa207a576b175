"""Cross-validation: no model judges what it learned or chose on; killed commands resume."""

import csv
import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import ankleboot
from ankleboot.core.errors import DataError, Interrupted, ModelError, UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.load import load_data
from ankleboot.data.splits import Split
from ankleboot.evaluation.cross_validation import CrossValidation
from ankleboot.evaluation.evaluate import evaluate
from ankleboot.inference.load import load_predictor, resolve_model
from ankleboot.models.run import Run, load_run
from ankleboot.recipes.image_spec import ImageSpec
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import LayerSummary, TrainingCallback
from ankleboot.training.cross_validate import cross_validate
from ankleboot.training.train import train
from helpers.images import TINY, bars, write_image_folder

FOLDED = replace(TINY, epochs=2, split="stratified")
NUM = 120


@pytest.fixture(scope="module")
def data(bar_data: Dataset) -> Dataset:
    """Bars of thirty people with four images each; no person has all classes."""
    groups = np.arange(NUM) // 4
    return replace(bar_data, train=bars(NUM, 0), groups=groups, num_named_groups=30)


@pytest.fixture(scope="module")
def crossed(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> CrossValidation:
    """The result that the tests share; do not change its folder."""
    return cross_validate(FOLDED, data, tmp_path_factory.mktemp("crossed") / "cv", folds=3)


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_image_is_judged_once_by_the_model_of_its_fold(
    crossed: CrossValidation, data: Dataset
) -> None:
    rows = table(crossed.folder)
    assert [int(row["row"]) for row in rows] == list(range(NUM))
    assert len({(row["group"], row["fold"]) for row in rows}) == 30
    predictors = [load_predictor(crossed.folder / f"fold-{n}") for n in (1, 2, 3)]
    for number, predictor in enumerate(predictors, 1):
        mine = [int(row["row"]) for row in rows if row["fold"] == str(number)]
        probs = predictor.predict(data.train.images[mine])
        for row, prob in zip(mine, probs, strict=True):
            assert rows[row]["predicted"] == data.class_names[prob.argmax()]
            assert float(rows[row]["confidence"]) == pytest.approx(prob.max(), abs=1e-5)
    assert sum(fold.num_examples for fold in crossed.folds) == crossed.num_examples == NUM


def test_the_figures_follow_from_the_table(crossed: CrossValidation, data: Dataset) -> None:
    rows = table(crossed.folder)
    hits = np.array([row["label"] == row["predicted"] for row in rows])
    folds = np.array([int(row["fold"]) for row in rows])
    assert crossed.accuracy == hits.mean()
    assert [fold.accuracy for fold in crossed.folds] == [hits[folds == n].mean() for n in (1, 2, 3)]
    accuracies = [fold.accuracy for fold in crossed.folds]
    assert crossed.accuracy_std == pytest.approx(np.std(accuracies, ddof=1))
    assert np.sum(crossed.confusion_matrix) == NUM
    assert np.trace(crossed.confusion_matrix) == hits.sum()
    for scores in crossed.per_class:
        of_class = [
            hit for hit, row in zip(hits, rows, strict=True) if row["label"] == scores.label
        ]
        assert scores.recall == pytest.approx(np.mean(of_class))
    stored = json.loads((crossed.folder / "cross_validation.json").read_text())
    assert stored | {"run_dir": str(crossed.folder)} == json.loads(json.dumps(crossed.to_json()))
    assert stored["num_groups"] == 30 and stored["interval_over"] == "groups"
    assert "30 groups" in crossed.sentence


def test_the_model_of_a_fold_is_judged_on_the_fold(
    crossed: CrossValidation, data: Dataset, tmp_path: Path
) -> None:
    """By its folder, and by its file alone, which carries the fold."""
    run = load_run(crossed.folder / "fold-2")
    rule = run.recipe().split_rule
    assert (rule.folds, rule.fold) == (3, 2)
    copy = shutil.copy(run.model_path, tmp_path / "elsewhere.keras")
    for model in (run.folder, copy, run.best_path):
        judged = evaluate(model, data)
        assert judged.split == "held-out"
        assert judged.num_examples == crossed.folds[1].num_examples
    assert evaluate(run, data).accuracy == crossed.folds[1].accuracy
    assert evaluate(run, data, split="validation").split == "validation"
    assert evaluate(run, data, split="held-out").accuracy == crossed.folds[1].accuracy
    with pytest.raises(UsageError, match="different held-out images"):
        ankleboot.compare([run, crossed.folder / "fold-1"], data)


def test_int8_ranges_are_not_drawn_from_the_held_out_images(
    crossed: CrossValidation, data: Dataset
) -> None:
    from ankleboot.export.export import _deployable

    model = resolve_model(crossed.folder / "fold-1")
    learned = data.train.images[data.split(model.reference.info.split_rule).train]
    deployable = _deployable(model, model.reference, data, "test", "litert-int8")
    drawn = deployable.calibration_images if deployable else data.train.images[:0]
    assert len(drawn) and {image.tobytes() for image in drawn} <= {
        image.tobytes() for image in learned
    }


def test_models_whose_images_have_other_folds_are_not_compared(
    crossed: CrossValidation, data: Dataset
) -> None:
    """The rows of the first model were taken for all: images that another one had learned."""
    other_spec = ImageSpec(28, crop="none")
    predictors = [load_predictor(crossed.folder / "fold-1") for _ in range(2)]
    predictors[1].name = "uncut"
    predictors[1].info = replace(predictors[1].info, crop="none")

    def load(image_spec: ImageSpec, *, run: Run | None = None, known: str = "") -> Dataset:
        return replace(data, groups=np.arange(NUM) // 2) if image_spec == other_spec else data

    with pytest.raises(UsageError, match="uncut has other held-out images: at .* are equal"):
        ankleboot.compare(predictors, load)


def test_nothing_is_chosen_on_the_held_out_images(data: Dataset, tmp_path: Path) -> None:
    """With noise in their place, epoch, weights, temperature and verdict stay the same."""
    recipe = replace(FOLDED, epochs=4, patience=1, folds=3, fold=1)
    held_out = data.split(recipe.split_rule).held_out
    images = data.train.images.copy()
    images[held_out] = np.random.default_rng(0).integers(0, 256, images[held_out].shape)
    noisy = replace(data, train=replace(data.train, images=images))
    runs = [train(recipe, each, tmp_path / f"{i}") for i, each in enumerate((data, noisy))]
    for name in ("calibration.json", "verdict.json"):
        assert len({(run.folder / name).read_bytes() for run in runs}) == 1
    results = [run.result() for run in runs]
    for key in ("weights_sha256", "model_epoch", "train", "validation"):
        assert results[0][key] == results[1][key]
    manifest = runs[0].manifest()["split"]
    assert manifest["num_train"] + manifest["num_validation"] + manifest["num_held_out"] == NUM


class StopInFold(TrainingCallback):
    """Sends this process a signal in the first epoch of a fold."""

    def __init__(self, fold: int) -> None:
        self.fold, self.now, self.trained = fold, 0, set[int]()

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:
        self.now = run.recipe().fold
        self.trained.add(self.now)

    def on_step_end(
        self, epoch: int, step: int, num_steps: int, loss: float, accuracy: float
    ) -> None:
        if self.now == self.fold:
            self.fold = 0
            os.kill(os.getpid(), signal.SIGINT)


def test_a_stopped_command_resumes_and_trains_no_finished_fold_again(
    crossed: CrossValidation, data: Dataset, tmp_path: Path
) -> None:
    folder, stop, again = tmp_path / "cv", StopInFold(2), StopInFold(0)
    with pytest.raises(Interrupted, match=r"in fold 2, 2 of 3; repeat .*--run-dir .*cv") as caught:
        cross_validate(FOLDED, data, folder, folds=3, callbacks=[stop])
    assert caught.value.exit_code == 130
    assert not (folder / "cross_validation.json").exists()
    first = (folder / "fold-1/model.keras").stat().st_mtime_ns
    result = cross_validate(FOLDED, data, folder, folds=3, callbacks=[again])
    assert again.trained == {2, 3}
    assert (folder / "fold-1/model.keras").stat().st_mtime_ns == first
    assert result == replace(crossed, folder=folder)
    tables = [(each / "predictions.csv").read_bytes() for each in (folder, crossed.folder)]
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda recipe, data: (replace(recipe, epochs=3), data), "recipe.epochs was 2 and is 3"),
        (lambda recipe, data: (recipe, replace(data, sha256={"train": "3" * 64})), "train_sha256"),
        (lambda recipe, data: (recipe, replace(data, groups=data.groups[::-1])), "split.sha256"),
    ],
)
def test_a_folder_of_another_recipe_or_data_is_refused(
    change: Callable[[Recipe, Dataset], tuple[Recipe, Dataset]],
    message: str,
    crossed: CrossValidation,
    data: Dataset,
) -> None:
    with pytest.raises(ModelError, match=message):
        cross_validate(*change(FOLDED, data), crossed.folder, folds=3)


def test_a_folder_with_other_content_is_refused(
    crossed: CrossValidation, data: Dataset, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    for folder, folds in ((tmp_path, 3), (crossed.folder, 2), (crossed.folder / "fold-1", 3)):
        with pytest.raises(UsageError, match=f"not a cross-validation of {folds} folds, it has"):
            cross_validate(FOLDED, data, folder, folds=folds)


@pytest.mark.parametrize("folds", [-1, 0, 1, 1001])
def test_an_impossible_number_of_folds_is_refused(folds: int, data: Dataset) -> None:
    with pytest.raises(UsageError, match="folds: expected 2 to 1,000"):
        cross_validate(FOLDED, data, folds=folds)


def test_a_recipe_of_another_number_of_folds_is_refused(data: Dataset) -> None:
    with pytest.raises(UsageError, match="the recipe has folds=4; expected 0 or 3"):
        cross_validate(replace(FOLDED, folds=4), data, folds=3)


def test_more_folds_than_images_of_a_class_or_than_groups_are_refused(data: Dataset) -> None:
    with pytest.raises(DataError, match="12 training images of T-shirt/top are too few for 13"):
        cross_validate(FOLDED, data, folds=13)
    few = replace(data, groups=np.arange(NUM) // 40, num_named_groups=3)
    with pytest.raises(DataError, match="3 groups are too few for 4 folds"):
        cross_validate(FOLDED, few, folds=4)


def test_the_arguments_are_in_the_order_of_train() -> None:
    """A folder behind the data was taken for the number of folds."""
    ours, others = (list(signature(function).parameters) for function in (cross_validate, train))
    assert ours[:3] == others[:3] == ["recipe", "data", "run_dir"]


def test_a_folder_continues_with_the_classes_in_another_order(
    crossed: CrossValidation, data: Dataset, tmp_path: Path
) -> None:
    """The models kept their order, by which the labels of the data judged them wrong."""
    folder = Path(shutil.copytree(crossed.folder, tmp_path / "cv"))
    backwards = data.in_class_order(data.class_names[::-1])
    result = cross_validate(FOLDED, backwards, folder, folds=3)
    assert result == replace(crossed, folder=folder)
    assert (folder / "predictions.csv").read_bytes() == (
        crossed.folder / "predictions.csv"
    ).read_bytes()


def test_a_class_that_one_group_alone_shows_is_named(data: Dataset) -> None:
    """Its fold cannot learn it, which the accuracy must not hide."""
    from ankleboot.training.cross_validate import _notes

    own = replace(data, groups=np.where(data.train.labels == 7, 99, np.arange(NUM) // 4))
    splits = [own.split(replace(FOLDED, folds=3, fold=n).split_rule) for n in (1, 2, 3)]
    (note,) = _notes(own, splits)
    assert "all that could be learned of Sneaker" in note


def planted(folder: Path) -> Path:
    """Twenty people with six photos each; a pattern tells the person, a coin gave the label."""
    rng = np.random.default_rng(4)
    folder.mkdir()
    labels = rng.permutation(["heads", "tails"] * 10)
    lines = ["path,label,group"]
    for person in range(20):
        pattern = rng.integers(0, 256, (28, 28))
        for photo in range(6):
            pixels = np.clip(pattern + rng.integers(-12, 13, pattern.shape), 0, 255)
            path = f"{person}-{photo}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(folder / path)
            lines.append(f"{path},{labels[person]},p{person}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder / "labels.csv"


def test_a_label_file_corrects_labels_and_takes_images_out_of_every_fold(tmp_path: Path) -> None:
    """The folds stay those of the original labels; the corrected ones judge."""
    root = write_image_folder(tmp_path / "pets", {"cat": 9, "dog": 9}, size=(28, 28))
    file = tmp_path / "labels.csv"
    rows = [*(f"cat/{n}.png,dog,cat," for n in (1, 5)), "dog/7.png,,dog,"]
    file.write_text("\n".join(["path,label,old_label,time", *rows, ""]))
    recipe = replace(TINY, crop="none", epochs=1)
    original = load_data(root, image_spec=recipe.image_spec)
    data = load_data(root, image_spec=recipe.image_spec, labels=file)
    result = cross_validate(recipe, data, tmp_path / "cv", folds=2)
    assert result.num_examples == 17 and sum(fold.num_examples for fold in result.folds) == 17
    assert np.sum(result.confusion_matrix, axis=1).tolist() == [7, 10]
    judged = {row["path"]: row for row in table(result.folder)}
    assert judged["cat/1.png"]["label"] == "dog" and "dog/7.png" not in judged
    held_out = original.split(replace(recipe, folds=2).split_rule).held_out
    first = {original.train.names[row] for row in held_out} - {"dog/7.png"}
    assert {path for path, row in judged.items() if row["fold"] == "1"} == first
    assert (result.folder / "fold-1/labels.csv").read_bytes() == file.read_bytes()


def test_groups_take_away_what_a_model_knows_of_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    recipe = replace(
        TINY, crop="none", architecture="mlp", blocks=2, filters=32, dense_units=64, epochs=15
    )
    data = load_data(planted(tmp_path / "people"), image_spec=ImageSpec(28, crop="none"))
    assert data.num_named_groups == 20
    ungrouped = replace(data, num_named_groups=0, groups=None)
    apart = cross_validate(recipe, data, tmp_path / "grouped", folds=2)
    mixed = cross_validate(recipe, ungrouped, tmp_path / "ungrouped", folds=2)
    low, high = apart.accuracy_ci95
    assert low < 0.5 < high
    assert mixed.accuracy > 0.9 and mixed.num_groups == 0
    assert mixed.accuracy_ci95[0] > apart.accuracy
    rows = table(apart.folder)
    assert {row["path"].split("-")[0] for row in rows} == {str(n) for n in range(20)}
    assert len({(row["path"].split("-")[0], row["fold"]) for row in rows}) == 20
