"""Opening of a labeling session: the data, earlier decisions, and the order of the images."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ankleboot.core.errors import UsageError
from ankleboot.data.dataset import Dataset
from ankleboot.data.label_file import LABEL_FILE, open_label_file
from ankleboot.data.labels import correct_labels
from ankleboot.data.load import Progress, no_progress
from ankleboot.evaluation.select_split import DataLoader
from ankleboot.inference.load import ResolvedModel
from ankleboot.recipes.catalog import TRANSFER
from ankleboot.server.labeling.session import LabelSession
from ankleboot.training import label_queue
from ankleboot.training.data_audit import require_audit_extra
from ankleboot.training.image_set import load_new_images
from ankleboot.training.label_queue import LabelQueue


@contextmanager
def open_labeling(
    load: DataLoader,
    *,
    model: ResolvedModel | None = None,
    audit: Path | None = None,
    new_folder: Path | None = None,
    labels: Path | None = None,
    progress: Progress = no_progress,
) -> Iterator[LabelSession]:
    """Open the label file of a data set, and order its images by the doubt in their labels.

    Args:
        load: Function that loads the labeled images for an image spec.
        model: Model whose predictions are shown as well.
        audit: Folder of `ankleboot data audit` whose suspects come first; None finds them.
        new_folder: Folder of images without labels; they are labeled instead.
        labels: Label file; None for labels.csv in the folder of the images. What it decided
            before is learned, and not doubted again.
        progress: Function that receives a line before work that takes long.

    Raises:
        DataError: If the audit is of other data, or the label file names a class that they lack.
        EnvironmentFailure: If another process holds the label file, or it cannot be written.
        ModelError: If the model is damaged.
        ModuleNotFoundError: If a module of the extra "audit" is not installed.
        UsageError: If the images come from no files, the label file belongs to another program, or
            the model has other classes.
    """
    if audit is not None and new_folder is not None:
        raise UsageError("--audit is about labels that exist; leave it out with --new")
    require_audit_extra()
    data = load(TRANSFER.image_spec)
    if not data.train.names:
        raise UsageError(f"{data.name} has no image files whose labels could be changed")
    path = labels or _label_path(data, new_folder)
    with open_label_file(path) as file:
        if new_folder is not None:
            queue = label_queue.new_image_queue(data, new_folder, progress)
            if model is not None:
                queue = _with_model_of_new(queue, model, new_folder, progress)
            session = LabelSession(queue, file, title=f"{new_folder.name}/", is_new=True)
            if model is None and file.decided:
                session.refit()
        else:
            if path.exists():
                data = _corrected(data, path, progress)
            queue = label_queue.suspect_queue(data, audit, progress)
            if model is not None:
                queue = _with_model(queue, model, data, load)
            session = LabelSession(queue, file, title=data.name, is_new=False)
        yield session


def _label_path(data: Dataset, new_folder: Path | None) -> Path:
    """Return the label file beside the images; a table of that name is left alone."""
    if new_folder is not None:
        return new_folder / LABEL_FILE
    source = Path(data.source)
    return source / LABEL_FILE if source.is_dir() else source.with_name(f"{source.stem}-labels.csv")


def _corrected(data: Dataset, path: Path, progress: Progress) -> Dataset:
    """Apply earlier decisions, so that what they settled is learned and not doubted again."""
    corrected = correct_labels(data, path)
    if corrected.label_changes is not None:
        progress(f"earlier decisions: {corrected.label_changes}")
    return corrected


def _with_model(
    queue: LabelQueue, model: ResolvedModel, data: Dataset, load: DataLoader
) -> LabelQueue:
    """Add what a model predicts for labeled images, and which of them it learned."""
    info = model.predictor.info
    images = load(info.image_spec).train.images
    is_its_data = info.data_sha256 == data.train_sha256
    learned = data.split(info.split_rule).train.tolist() if is_its_data else []
    return label_queue.with_model(queue, model, images, learned, new=False)


def _with_model_of_new(
    queue: LabelQueue, model: ResolvedModel, folder: Path, progress: Progress
) -> LabelQueue:
    """Add what a model predicts for new images, and order them by its uncertainty."""
    images = load_new_images(folder, model.predictor.info.image_spec, progress).images
    return label_queue.with_model(queue, model, images, (), new=True)
