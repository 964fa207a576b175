"""Training as the command does it: `trainer.fit`, then calibration, diagnosis and figures."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ankleboot.core.files import write_json
from ankleboot.core.paths import AnyPath, expand
from ankleboot.core.silence import import_keras
from ankleboot.data.dataset import Dataset
from ankleboot.data.fingerprints import fingerprints
from ankleboot.data.load import load_data, load_training_data
from ankleboot.models.backbones.packages import require_weights
from ankleboot.models.run import Run, load_run
from ankleboot.models.run_dir import next_run_dir
from ankleboot.recipes.recipe import Recipe
from ankleboot.training.callbacks import TrainingCallback
from ankleboot.training.foreign_plugins import refuse_foreign_plugins

LAST_FILE = "samples.png"
"""File that completes the folder of a run, after all others."""


def train(
    recipe: Recipe,
    data: Dataset | None = None,
    run_dir: AnyPath | None = None,
    *,
    callbacks: Iterable[TrainingCallback] = (),
    parent: Run | Path | str | None = None,
) -> Run:
    """Train a recipe in a new run folder, calibrate the model, and draw its curves.

        run = ankleboot.train(ankleboot.get_recipe("sprint"))

    Args:
        recipe: Recipe to train.
        data: Data set, loaded with `recipe.image_spec`; None for Fashion-MNIST.
        run_dir: Path to a new folder; None for the next one in runs/.
        callbacks: Receivers of the events of training.
        parent: Complete run to start from: layers of the same shapes keep its weights, the last
            one only if the classes are the same.

    Raises:
        UsageError: If `run_dir` is not empty, the images have another shape than the recipe's, or
            `parent` has another architecture or learned validation images.
        ModelError: If `parent` is incomplete or damaged.
        DataError: If the split leaves no training or no validation images.
        DivergedError: If a loss is not finite; the last good checkpoint stays.
        Interrupted: On SIGINT or SIGTERM, after saving.
        EnvironmentFailure: If memory or disk do not suffice, or pretrained weights are missing.
    """
    if parent is None:
        require_weights(recipe)
    if data is None:
        data = load_data(image_spec=recipe.image_spec)
    folder = next_run_dir(Path("runs"), recipe) if run_dir is None else expand(run_dir)
    import_keras()  # seconds, so after all that fails quickly
    from ankleboot.training.trainer import fit

    origin = load_run(parent) if isinstance(parent, Path | str) else parent
    callbacks = tuple(callbacks)
    return _finish(lambda: fit(recipe, data, folder, callbacks, origin), data, callbacks)


def resume(
    run_dir: AnyPath,
    data: Dataset | None = None,
    *,
    callbacks: Iterable[TrainingCallback] = (),
    trust: bool = False,
) -> Run:
    """Continue a run from its last checkpoint, and complete its folder as `train` does.

        run = ankleboot.resume("runs/sprint-seed0-001")

    Args:
        run_dir: Path to the run folder.
        data: Data set of the run; None to load it.
        callbacks: Receivers of the events of training.
        trust: Whether the recipe in the folder may name code from outside the package.

    Raises:
        ModelError: If data, split or versions are not those that the run started with (the message
            names each difference), the folder is damaged or in use, or its recipe names code from
            outside without `trust`.
        Others: The errors of `train`.
    """
    run = load_run(run_dir)
    if not trust:
        refuse_foreign_plugins(run.recipe())
    if data is None:
        data = load_training_data(run, trust=trust)
    data = data.in_class_order(run.manifest().get("labels", data.class_names))
    import_keras()
    from ankleboot.training.trainer import resume_fit

    callbacks = tuple(callbacks)
    return _finish(lambda: resume_fit(run.folder, data, callbacks), data, callbacks)


def train_or_resume(
    recipe: Recipe, data: Dataset, run_dir: Path, callbacks: Iterable[TrainingCallback] = ()
) -> Run:
    """Train a recipe in a folder, or continue the run that has begun there.

    A kill may have come between the end of a training and the last file of `_complete`; then the
    files are written again, and the callbacks are not told of it.

    Raises:
        Others: The errors of `train` and `resume`.
    """
    if not (run_dir / "recipe.json").is_file():
        return train(recipe, data, run_dir, callbacks=callbacks)
    run = Run(run_dir)
    if run.is_complete and (run_dir / LAST_FILE).is_file():
        return run
    return resume(run_dir, data, callbacks=() if run.is_complete else callbacks, trust=True)


def _finish(
    train_run: Callable[[], Run], data: Dataset, callbacks: tuple[TrainingCallback, ...]
) -> Run:
    """Train, complete the folder, and tell the callbacks how it ended."""
    try:
        run = _complete(train_run(), data)
    except BaseException as error:
        for callback in callbacks:
            callback.on_stop(error)
        raise
    for callback in callbacks:
        callback.on_complete(run)
    return run


def _complete(run: Run, data: Dataset) -> Run:
    """Store calibration, diagnosis and figures in the folder of a trained run."""
    from ankleboot.evaluation import plots
    from ankleboot.evaluation.calibration import calibrate, predict_validation
    from ankleboot.evaluation.evidence import weigh_evidence
    from ankleboot.evaluation.ood_check import store_ood_check
    from ankleboot.evaluation.overfitting import diagnose_fit
    from ankleboot.evaluation.plots.style import save_figure

    predictions = predict_validation(run, data)
    store_ood_check(run, data)  # before the calibration seals all that the model file carries
    calibrate(run, data, predictions)
    result, history, labels = run.result(), run.history(), predictions.labels
    evidence = weigh_evidence(predictions.probs.argmax(axis=1), labels, data.class_names)
    verdict = diagnose_fit(history, run.recipe(), evidence, result["model_epoch"])
    write_json(run.folder / "verdict.json", verdict.to_json())
    title = f"{result['recipe']}, seed {result['seed']}: {verdict.verdict}"
    curves = plots.learning_curves(history, result["best_epoch"], title)
    save_figure(curves, run.folder / "curves.png")
    _store_known_images(run, data)
    samples = plots.samples(data.train.images, data.train.labels, data.class_names)
    save_figure(samples, run.folder / LAST_FILE)
    return run


def _store_known_images(run: Run, data: Dataset) -> None:
    """Store what the model has seen, and its parent and teacher, to tell new data from it."""
    learned = [fingerprints(data.train.images, data.split(run.recipe().split_rule).train)]
    manifest = run.manifest()
    for source in ("parent", "teacher"):
        if source in manifest:
            learned.append(Run(Path(manifest[source]["run"])).known_images())
    run.write_known_images(np.concatenate(learned))
