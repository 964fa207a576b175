"""Shipped models: small, consistent with their cards, and named in one place."""

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import ModelError
from ankleboot.data.load import load_data
from ankleboot.inference.load import load_predictor
from ankleboot.inference.ood_features import similarity_of
from ankleboot.models.pretrained import catalog
from ankleboot.models.run import Run
from ankleboot.recipes.recipe import Recipe

TOOLS = Path(__file__).parents[3] / "tools"
TOOL_OF_MODEL = {
    catalog.PRETRAINED: "make_pretrained.py",
    catalog.POCKET: "make_pretrained.py",
    catalog.PHOTO: "make_photo_model.py",
    catalog.ZERO_SHOT: "make_zero_shot.py",
}
PARTS = ("Data", "Intended use", "Limits", "Not measured", "How it was made", "Licence")


def test_a_shipped_name_has_a_folder_unless_a_path_has_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert catalog.shipped_folder("photo") == catalog.FOLDER / "photo"
    assert catalog.shipped_folder(Path("pretrained")) == catalog.FOLDER
    assert catalog.shipped_folder("runs/first") is None
    Path("photo").mkdir()
    assert catalog.shipped_folder("photo") is None


def test_only_the_name_pretrained_has_a_second_model_for_photos() -> None:
    photo = catalog.photo_model("pretrained")
    assert photo is not None and photo.is_file()
    for other in ("pocket", "photo", "zero-shot", catalog.FOLDER, "runs/first"):
        assert catalog.photo_model(other) is None


def test_the_shipped_files_are_small() -> None:
    sizes = {path: path.stat().st_size for path in catalog.FOLDER.rglob("*") if path.is_file()}
    assert sum(sizes.values()) <= 13_000_000
    assert sizes[catalog.FOLDERS[catalog.PHOTO] / catalog.MODEL_FILE] <= 6_000_000
    helpers = sizes[catalog.SEGMENTATION] + sizes[catalog.OOD_FEATURES]
    assert sum(sizes.values()) - helpers <= 7_500_000


def test_the_files_of_the_shipped_run_belong_together() -> None:
    run = Run(catalog.FOLDER)
    run.check_model()
    info = load_predictor("pretrained").info
    calibration = run.calibration()
    assert calibration is not None
    assert info.model_sha256 == run.result()["model_sha256"]
    assert info.temperature == calibration.temperature
    assert info.abstain_below == calibration.abstain_below
    text = "".join(p.read_text() for p in catalog.FOLDER.iterdir() if p.suffix in (".json", ".md"))
    assert '"/' not in text  # no path of the machine that made them
    card = (catalog.FOLDER / "README.md").read_text()
    stated = json.loads((catalog.FOLDER / "evaluation-test.json").read_text())
    assert f"{100 * stated['accuracy']:.2f} %" in card and info.model_sha256[:12] in card


def test_a_model_that_ships_as_an_exported_file_says_so_where_a_run_is_needed() -> None:
    photo, zero_shot = (Run(catalog.FOLDERS[name]) for name in (catalog.PHOTO, catalog.ZERO_SHOT))
    for use in (photo.manifest, photo.check_model, zero_shot.check_model):
        with pytest.raises(ModelError, match="^(photo|zero-shot) ships as an exported file and is"):
            use()


def test_the_check_of_photos_knows_which_label_is_which() -> None:
    """With the centers in the folders' order, nine of ten photos of trousers got no label."""
    info, sample = load_predictor("photo").info, load_data("sample").test
    for label in ("T-shirt/top", "Trouser", "Dress", "Coat", "Sandal", "Sneaker", "Bag"):
        rows = np.flatnonzero(sample.labels == info.labels.index(label))[:5]
        similarities = []
        for image in sample.images[rows]:  # dark on white, as a photo's garment
            enlarged = Image.fromarray(255 - image).resize((224, 224)).convert("RGB")
            similarity = similarity_of(np.asarray(enlarged), info)
            assert similarity is not None
            similarities.append([similarity(index) for index in range(len(CLASS_NAMES))])
        nearest = int(np.mean(similarities, axis=0).argmax())
        assert info.labels[nearest] == label


def test_the_model_for_photos_judges_the_garment_and_the_whole_photo() -> None:
    photo = load_predictor("photo")
    assert (photo.info.crop, photo.info.passes) == ("both", 2)
    sample, size = load_data("sample").test, (photo.info.image_size, photo.info.image_size)
    trousers, bag = (
        np.asarray(Image.fromarray(255 - sample.images[row]).resize(size).convert("RGB"))
        for row in (np.flatnonzero(sample.labels == label)[0] for label in (1, 8))
    )
    views = ((trousers, trousers), (bag, trousers), (trousers, bag))
    same, *changed = photo.predict(np.stack([np.concatenate(pair) for pair in views]))
    assert same.argmax() == 1
    assert all(same[1] - probs[1] > 0.1 for probs in changed)


@pytest.mark.parametrize("name", catalog.FOLDERS)
def test_every_shipped_model_has_a_card_and_a_valid_recipe(name: str) -> None:
    folder = catalog.FOLDERS[name]
    assert isinstance(Run(folder).recipe(), Recipe)
    assert f'# The model "{name}"' in (folder / "README.md").read_text()


def template(tool: str) -> str:
    """Return the CARD of a tool, which is not imported because it imports TensorFlow."""
    for node in ast.parse((TOOLS / tool).read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CARD":
            return str(ast.literal_eval(node.value))
    raise AssertionError(f"{tool} has no CARD")


@pytest.mark.parametrize("name", catalog.FOLDERS)
def test_a_card_is_what_its_tool_writes(name: str) -> None:
    fixed = re.split(r"\{[^}]*\}", template(TOOL_OF_MODEL[name]))
    pattern = "(?:.|\n)+?".join(re.escape(text) for text in fixed)
    assert re.fullmatch(pattern, (catalog.FOLDERS[name] / "README.md").read_text())


@pytest.mark.parametrize("name", catalog.FOLDERS)
def test_a_card_has_data_use_limits_origin_and_licence(name: str) -> None:
    card = (catalog.FOLDERS[name] / "README.md").read_text()
    assert re.findall(r"^\*\*([\w ]+)\*\*:", card, re.MULTILINE) == list(PARTS)
    assert "(c) 2017 Zalando SE" in card
    assert re.search(f"`python tools/{re.escape(TOOL_OF_MODEL[name])}( {name})?`", card)
    run = Run(catalog.FOLDERS[name])
    assert f"{run.result()['train_seconds']:.0f} s on" in card


def test_the_card_of_the_model_for_photos_names_its_sources_and_photographers() -> None:
    card = " ".join((catalog.FOLDERS[catalog.PHOTO] / "README.md").read_text().split())
    for source in ("clothing dataset (CC0)", "EfficientNet-Lite0", "Apache-2.0"):
        assert source in card
    assert "judged by a model that had seen none of its photographer's" in card
    calibration = Run(catalog.FOLDERS[catalog.PHOTO]).calibration()
    assert calibration is not None
    fitted = f"fitted on the folds' predictions of {calibration.num_examples:,} photos"
    assert f"threshold {calibration.abstain_below:.2f}, {fitted}" in card
    folds = json.loads((TOOLS.parent / "benchmarks/results/photo_folds.json").read_text())
    assert f"**{100 * folds['seven_kinds']['accuracy']['share']:.1f} %** of 2,921" in card


def test_the_guide_to_photos_states_what_the_weight_of_pullover_leads_to() -> None:
    guide = " ".join((TOOLS.parent / "docs/photos.md").read_text().split())
    folds = json.loads((TOOLS.parent / "benchmarks/results/photo_folds.json").read_text())
    [weight] = set(folds["weights_of_folds"])
    card = (catalog.FOLDERS[catalog.PHOTO] / "README.md").read_text()
    assert f"Pullover {weight:.1f}, all others 1" in card
    assert f"multiplied by {weight:.1f} before" in guide
    assert f"the other folds chose, {weight:.1f} five times" in guide
    kinds = folds["seven_kinds"]["by_kind"] | {"hoodie": folds["neighbors"]["hoodie"]["right"]}
    after = {kind: f"{100 * share['share']:.0f} %" for kind, share in kinds.items()}
    assert f"gain by it: 84 to {after['longsleeve']}, and 73 to {after['hoodie']}." in guide
    assert f"Coats lose (83 to {after['outwear']}), and so do" in guide
    assert f"dresses (86 to {after['dress']}) and shirts (86 to {after['shirt']})." in guide
