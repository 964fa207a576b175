"""README is short, and its figures are those of the stored results."""

import ast
import json
import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

import ankleboot
from ankleboot.cli.main import run

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks/results"
README = (ROOT / "README.md").read_text()


def stored(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text())


def sentences(text: str) -> list[str]:
    """Return the sentences of the prose: without code, tables, images, headings and addresses."""
    text = re.sub(r"^```.*?^```|<!--.*?-->|!\[[^\]]*\]\([^)]*\)", "", text, flags=re.M | re.S)
    text = re.sub(r"^[|#].*$", "\n", text, flags=re.M)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"^[-*] ", "\n\n", text, flags=re.M).replace("**", "")
    found = re.split(r"(?<=[.:;?!])\s+|\n\s*\n", text)
    return [sentence.strip() for sentence in found if re.search(r"\w", sentence)]


def test_readme_is_short() -> None:
    assert len(README.splitlines()) <= 200
    lengths = [len(sentence.split()) for sentence in sentences(README)]
    assert len(lengths) > 30
    assert statistics.median(lengths) <= 18
    assert max(lengths) <= 25


def test_sentences_are_counted_without_code_and_tables() -> None:
    text = (
        "# A b c\n\nOne two. Three [four](x y z)\nfive.\n\n```\nsix\n```\n| 7 |\n- **Nine** ten\n"
    )
    assert sentences(text) == ["One two.", "Three [four]\nfive.", "Nine ten"]


def test_readme_has_its_sections_in_their_order() -> None:
    titles = re.findall(r"^## (.+)$", README, re.MULTILINE)
    assert titles == [
        *("What is different", "Quick start", "Python", "Where to go next", "Results"),
        *("Limits", "Licence"),
    ]


def test_the_claims_are_those_of_the_stored_results() -> None:
    claims = README.split("## What is different")[1].split("## ")[0]
    folds = stored("photo_folds")
    seven, foreign = folds["seven_kinds"]["accuracy"], folds["foreign"]
    found = f"{100 * seven['share']:.1f} % of {seven['num']:,} photos by people new to the model"
    assert found in claims
    small = next(row["accuracy"] for row in stored("photos")["methods"] if row["name"] == "grey")
    shrunk = f"Of {small['num']} photos that are shrunk to 28 x 28 as in tutorials, "
    assert f"{shrunk}{100 * small['share']:.1f} % get it" in " ".join(claims.split())
    answered = f"Of {foreign['num']} images without a garment {100 * foreign['answered']:.1f} % get"
    assert answered in README
    shares_answered = (
        folds["seven_kinds"][key]["share"] for key in ("answered", "right_of_answered")
    )
    answers = "photos {:.1f} % are answered, and {:.1f} % of these answers are right".format(
        *(100 * s for s in shares_answered)
    )
    assert answers in " ".join(README.split())
    sprint = {row["name"]: row for row in stored("train")["summary"]}["sprint"]
    runs = [run for run in stored("reproduction")["runs"] if run["recipe"] == "sprint"]
    mean = statistics.mean(run["test_accuracy"] for run in runs)
    assert f"trains in {sprint['seconds']:.1f} s to {100 * mean:.2f} % test accuracy" in claims
    assert f"1/{sprint['ratio']:.0f} of the time" in claims
    formats = stored("formats")["formats"]
    assert len(formats) == 11 and "Eleven formats" in claims
    assert {row["parity"]["num_examples"] for row in formats} == {10_000}
    stops = stored("serving_stops")
    assert f"sent {stops['sent']:,} requests during {stops['stops']} shutdowns" in claims
    lost = {key: number for key, number in stops["failures"].items() if key != "refused"}
    assert not any(lost.values()) and not stops["wrong"] and "0 accepted ones were lost" in claims
    flips = stored("label_flips")
    first, second, third = (run["found"] for run in flips["runs"])
    planted = (
        f"Of {flips['flips']} planted wrong labels, the audit's first {flips['among']:,} suspects"
    )
    assert planted in claims
    counts = f"include {first}, {second} and {third} (three seeds)"
    assert counts in " ".join(claims.split())


@pytest.mark.parametrize("page", ["README.md", "docs/python_api.md", "docs/own_classes.md"])
def test_examples_use_public_names_alone(page: str) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(), re.M | re.S)
    assert blocks
    for node in ast.walk(ast.parse("\n".join(blocks))):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ankleboot":
            assert node.attr in ankleboot.__all__


def test_the_first_example_takes_six_lines() -> None:
    block = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)[0]
    assert len(ast.parse(block).body) <= 6


def test_the_first_command_prints_what_stands_beside_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    shown = re.search(r"^ankleboot (predict \S+) +# (.+)$", README, re.M)
    assert shown
    assert run(shown[1].split()) == 0
    assert capfd.readouterr().out.startswith(f"{shown[2]}  ")


def test_the_image_is_what_the_command_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    command = re.search(r"^ankleboot (predict --model .*?) --save-steps steps", README, re.M)
    assert command
    assert run([*command[1].split(), "--save-steps", str(tmp_path)]) == 0
    assert "Pullover" in capfd.readouterr().out
    with PillowImage.open(tmp_path / "pullover.png") as made:
        with PillowImage.open(ROOT / "docs/images/steps.png") as shown:
            difference = np.asarray(made, np.int16) - np.asarray(shown, np.int16)
    assert np.abs(difference).mean() < 1
