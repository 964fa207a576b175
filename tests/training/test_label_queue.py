"""The order in which labels are looked at, and what is known about each image."""

import json
from pathlib import Path

import numpy as np
import pytest

from ankleboot.core.errors import DataError, UsageError
from ankleboot.data.load import load_data
from ankleboot.inference.load import ResolvedModel
from ankleboot.models.files.metadata import ModelMetadata
from ankleboot.training import label_queue
from helpers.images import write_image_folder
from helpers.labeling import SPEC, load_planted, planted_folder, use_colors
from helpers.predictors import FakePredictor


def quiet(line: str) -> None:
    pass


@pytest.fixture(autouse=True)
def colors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    use_colors(monkeypatch)


@pytest.fixture
def planted(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    return planted_folder(tmp_path / "pets", {"cat": 20, "dog": 20, "owl": 20}, moved=6)


def names_of(queue: label_queue.LabelQueue) -> list[str]:
    return [queue.shown.names[row] for row in queue.order]


def test_suspects_come_first_and_everything_comes_once(
    planted: tuple[Path, dict[str, str]],
) -> None:
    folder, right = planted
    queue = label_queue.suspect_queue(load_planted(folder), None, quiet)
    names = names_of(queue)
    assert queue.num_suspects == 6 and set(names[:6]) == set(right)
    assert len(names) == len(set(names)) == 60
    assert queue.shown.path(int(queue.order[0])).is_file()
    given = queue.probs[np.arange(60), queue.labels]
    assert (np.diff(given[queue.order[6:]]) >= 0).all()


def test_neighbors_are_the_most_similar_others(planted: tuple[Path, dict[str, str]]) -> None:
    folder, _ = planted
    queue = label_queue.suspect_queue(load_planted(folder), None, quiet)
    row = int(queue.order[-1])
    nearest = queue.neighbors(row)
    assert len(nearest) == label_queue.NUM_NEIGHBORS and row not in [i for i, _ in nearest]
    similarities = [similarity for _, similarity in nearest]
    assert similarities == sorted(similarities, reverse=True)
    unit = queue.features / np.linalg.norm(queue.features, axis=1, keepdims=True)
    expected = np.delete(unit @ unit[row], row).max()
    assert similarities[0] == pytest.approx(expected, abs=1e-5)


def test_an_audit_decides_which_come_first(
    planted: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, _ = planted
    document = {"suspects": [{"file": "owl/9.png"}, {"file": "cat/9.png"}]}
    (tmp_path / "audit.json").write_text(json.dumps(document))
    queue = label_queue.suspect_queue(load_planted(folder), tmp_path, quiet)
    assert names_of(queue)[:2] == ["owl/9.png", "cat/9.png"] and queue.num_suspects == 2
    with pytest.raises(UsageError, match="no audit there"):
        label_queue.suspect_queue(load_planted(folder), tmp_path / "none", quiet)
    (tmp_path / "audit.json").write_text(json.dumps({"suspects": [{"file": "x.png"}]}))
    with pytest.raises(DataError, match="not in pets/, such as x.png"):
        label_queue.suspect_queue(load_planted(folder), tmp_path, quiet)
    for content in ("{}", '{"suspects": [{"file": null}]}', "[" * 20_000):
        (tmp_path / "audit.json").write_text(content)
        with pytest.raises(DataError, match="audit.json: cannot be used"):
            label_queue.suspect_queue(load_planted(folder), tmp_path, quiet)


def test_what_earlier_decisions_settled_is_not_doubted(
    planted: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    folder, right = planted
    first, *others = right
    path = tmp_path / "l.csv"
    path.write_text("path,label\n" + f"{first},\n" + "".join(f"{n},{right[n]}\n" for n in others))
    data = load_data(str(folder), image_spec=SPEC, labels=path)
    queue = label_queue.suspect_queue(data, None, quiet)
    assert queue.num_suspects == 0
    assert names_of(queue)[-1] == first and np.isnan(queue.probs[queue.order[-1]]).all()
    row = queue.shown.names.index(others[0])
    assert queue.class_names[queue.labels[row]] == others[0].partition("/")[0]  # as it was at first
    assert queue.class_names[queue.known_labels[row]] == right[others[0]]


def test_new_images_come_by_uncertainty_and_the_layer_learns(tmp_path: Path) -> None:
    data = load_planted(write_image_folder(tmp_path / "pets", {"cat": 12, "dog": 12}))
    new = write_image_folder(tmp_path / "new", {"some": 5, "others": 5, "third": 5}, seed=3)
    queue = label_queue.new_image_queue(data, new, quiet)
    assert len(queue.order) == 15 and (queue.labels == -1).all()
    margins = label_queue.margins(queue.probs)[queue.order]
    assert (np.diff(margins) >= 0).all()
    third = [row for row, name in enumerate(queue.shown.names) if name.startswith("third")]
    before = queue.probs[third, 1].mean()
    learned = label_queue.refitted(queue, dict.fromkeys(third[:4], 1))
    assert learned.probs[third, 1].mean() > before
    assert 0.9 < learned.probs[third[4], 1]


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    data = load_planted(write_image_folder(tmp_path / "pets", {"cat": 6, "dog": 6}))
    (tmp_path / "empty").mkdir()
    for name, message in (("empty", "no images in this folder"), ("none", "no such folder")):
        with pytest.raises(UsageError, match=message):
            label_queue.new_image_queue(data, tmp_path / name, quiet)


def test_an_unreadable_new_image_is_left_out_by_name(tmp_path: Path) -> None:
    data = load_planted(write_image_folder(tmp_path / "pets", {"cat": 6, "dog": 6}))
    new = write_image_folder(tmp_path / "new", {"some": 3})
    (new / "broken.png").write_bytes(b"no image")
    lines: list[str] = []
    queue = label_queue.new_image_queue(data, new, lines.append)
    assert len(queue.order) == 3 and any(line.startswith("broken.png: left out") for line in lines)


def test_the_predictions_of_a_model_stand_beside_and_order_new_images(tmp_path: Path) -> None:
    data = load_planted(write_image_folder(tmp_path / "pets", {"cat": 6, "dog": 6}))
    queue = label_queue.suspect_queue(data, None, quiet)
    model = model_of("cat", "dog")
    images = np.zeros((12, 28, 28), np.uint8)
    shown = label_queue.with_model(queue, model, images, [0, 3], new=False)
    assert shown.model_name == "runs/a" and shown.is_learned is not None
    assert np.flatnonzero(shown.is_learned).tolist() == [0, 3]
    np.testing.assert_array_equal(shown.order, queue.order)
    with pytest.raises(UsageError, match="the model's classes are cat, owl"):
        label_queue.with_model(queue, model_of("cat", "owl"), images, [], new=False)


def model_of(*labels: str) -> ResolvedModel:
    probs = np.full((12, len(labels)), 1 / len(labels), np.float32)
    predictor = FakePredictor(probs, ModelMetadata(labels=labels))
    return ResolvedModel("runs/a", None, None, lambda: predictor)
