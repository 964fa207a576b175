"""Documents that state facts about the code are true."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import ankleboot
import reproduce
from ankleboot.cli.main import cli
from ankleboot.recipes.catalog import RECIPES
from ankleboot.recipes.measured_results import load_results

ROOT = Path(__file__).parents[2]
README, COMMANDS, MEASURED, DESIGN = (
    (ROOT / name).read_text()
    for name in ("README.md", "docs/commands.md", "docs/measured.md", "docs/design.md")
)


def test_the_command_line_page_is_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs/generate_cli.py", "--check"], check=False)
    assert done.returncode == 0, "run make docs"


@pytest.mark.parametrize(
    "script",
    [
        *("performance", "reliability", "serving_page", "formats", "photos", "studies"),
        *("foreign_pictures", "pseudo_labels"),
    ],
)
def test_tables_are_those_of_the_stored_results(script: str) -> None:
    path = ROOT / f"benchmarks/{script}.py"
    done = subprocess.run([sys.executable, path, "--check"], check=False)
    assert done.returncode == 0, f"run python benchmarks/{script}.py"


def test_every_command_has_help_and_is_on_the_page_of_commands() -> None:
    context = click.Context(cli)
    names = cli.list_commands(context)
    assert "train" in names
    for name in names:
        command = cli.get_command(context, name)
        assert command and command.help, name
        below = command.commands if isinstance(command, click.Group) else {}
        for path in [f"{name} {sub}" for sub in below] or [name]:
            assert f"`ankleboot {path}" in COMMANDS, path


def test_the_table_of_packages_is_that_of_the_source() -> None:
    table = DESIGN.split("## Twelve packages")[1].split("## ")[0]
    folders = {path.parent.name for path in (ROOT / "src/ankleboot").glob("*/__init__.py")}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == folders


def test_the_page_of_the_python_api_lists_the_public_names() -> None:
    table = (ROOT / "docs/python_api.md").read_text().split("## Public names")[1].split("## ")[0]
    names = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| [^|]+", table, re.MULTILINE)))
    assert sorted(names) == sorted(ankleboot.__all__)


def test_the_links_of_the_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_measured_figures_are_those_of_the_stored_result() -> None:
    runs = json.loads((ROOT / "benchmarks/results/reproduction.json").read_text())["runs"]
    further = reproduce.frontier_runs()
    assert load_results(), "nothing measured"
    for name, figures in load_results().items():
        own = [run for run in runs if run["recipe"] == name]
        own = own or [run for run in further if run["recipe"] == name]
        accuracies = [run["test_accuracy"] for run in own]
        assert figures.num_seeds == len(accuracies)
        assert figures.accuracy_mean == pytest.approx(sum(accuracies) / len(accuracies))
        assert figures.epoch_seconds > 0
        assert f"{100 * figures.accuracy_mean:.2f}" in README + MEASURED
        assert name in RECIPES
    assert all(run["num_test"] == 10_000 and run["test_reads"] == 1 for run in runs)


def test_the_measured_page_repeats_the_stored_results() -> None:
    section = MEASURED
    results = ROOT / "benchmarks/results"
    cost = json.loads((results / "epoch_cost.json").read_text())
    assert (
        f"{cost['ratio_wall']:.2f} of its wall time, {cost['ratio_cpu']:.2f} of its CPU" in section
    )
    contenders = json.loads((results / "train.json").read_text())["summary"]
    rows = {row["name"]: row for row in contenders}
    sprint, script, fast = (rows[name] for name in ("sprint", "keras-script", "leaky-fast"))
    assert f"1/{sprint['ratio']:.0f} of its time" in section
    assert f"({sprint['seconds']:.1f} s against {script['seconds']:.0f} s" in section
    assert f"1/{fast['ratio']:.1f} of its time" in section
    rows = {row["name"]: row for row in stored(results, "avx2/train")["summary"]}
    sprint, script, plain = (
        rows[name] for name in ("sprint", "keras-script", "sprint-without-onednn")
    )
    assert f"1/{sprint['ratio']:.0f} ({sprint['seconds']:.1f} s against" in section
    assert (
        f"against {script['seconds']:,.0f} s); without oneDNN {plain['seconds']:.1f} s" in section
    )
    fit = json.loads((results / "growth.json").read_text())["fit"]
    assert f"{1e6 * fit['slope']:.0f} microseconds per image" in section
    assert f"R^2 = {fit['r_squared']:.4f}" in section
    start = json.loads((results / "start.json").read_text())
    assert f"{start['total']:.1f} s" in section
    ways = {row["name"]: row for row in stored(results, "predict")["summary"]}
    for name in ("litert", "litert-int8"):
        assert f"1/{ways[name]['times_faster']:,.0f}" in section
        assert f"{ways[name]['times_throughput']:.1f} x" in section
    light = stored(results, "light_core")
    assert f"{light['seconds']:.2f} s, {light['peak_mib']:.0f} MiB" in section
    report, slow_report = stored(results, "report"), stored(results, "avx2/report")
    size = f"{report['seconds']:.1f} s, {report['bytes'] / 1e6:.1f} MB"
    assert f"{size}; {slow_report['seconds']:.1f} s with AVX2 alone" in section
    judging, flips = stored(results, "judging"), stored(results, "label_flips")
    assert f"{100 * judging['test']['ece']:.2f} %" in section
    assert ", ".join(str(run["found"]) for run in flips["runs"]) in section
    audit = stored(results, "audit")
    assert f"{len(audit['suspects']):,} doubtful" in section
    assert f"{audit['duplicates'][0]['near']} test images" in section
    soaks = [json.loads(path.read_text()) for path in (results / "soak").glob("seed-*.json")]
    killed = [soak["promises"]["training-kills"] for soak in soaks]
    num_kills, num_kept = (sum(map(count, killed)) for count in (_num_kills, _num_kept))
    assert f"{num_kills} kills in {num_kept} runs" in section
    assert all(not promise["failures"] for promise in killed)


def test_the_page_about_views_repeats_the_stored_results() -> None:
    page = (ROOT / "docs/ensembles.md").read_text()
    document = stored(ROOT / "benchmarks/results", "ensembles")
    shown = {
        0.0: "plain",
        0.7: "`--views {} --views-below 0.7`",
        0.9: "`--views {}` (0.9)",
        1.0: "`--views {} --views-below 1`",
    }
    for row in document["views"]["pretrained"]:
        if row["below"] in shown:
            option = shown[row["below"]].format(row["views"])
            figures = f"{100 * row['accuracy']:.2f} % | {row['passes_per_image']:.2f}"
            assert f"| {option} | {figures} |" in page
    members = " and ".join(f"{100 * member['accuracy']:.2f}" for member in document["members"])
    assert f"| {members} % | 1.00 |" in page
    assert f"| their ensemble | {100 * document['ensemble']['accuracy']:.2f} % | 2.00 |" in page


def _num_kills(promise: dict[str, Any]) -> int:
    return sum(count for name, count in promise["counts"].items() if name.endswith(": kills"))


def _num_kept(promise: dict[str, Any]) -> int:
    kept: int = promise["kept"]
    return kept


def stored(results: Path, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((results / f"{name}.json").read_text())
    return document


def test_requirements_hold_hashes_and_no_address() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text and "--index" not in text and "find-links" not in text
        packages = re.findall(r"^[a-z].*==", text, re.MULTILINE)
        assert len(packages) > 20
        hashed = re.findall(r"^[a-z][^\n]*==[^\n]*\\\n    --hash=", text, re.MULTILINE)
        assert len(hashed) == len(packages)


def test_make_run_ends_with_the_command_for_a_photo() -> None:
    line = "your photo, by the shipped models: . .venv/bin/activate; ankleboot predict PHOTO"
    written = line.replace(".venv/bin", "$(BIN)")
    assert f'echo "{written}"\n\n' in (ROOT / "Makefile").read_text()
    assert f"\n{line}\n```" in (ROOT / "docs/quick_start.md").read_text()


def test_make_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"\.PHONY: ((?:.*\\\n)*.*)", text)
    assert phony
    targets = phony[1].replace("\\\n", " ").split()
    assert len(targets) > 10
    for target in targets:
        assert re.search(rf"^{target}:.*## ", text, re.MULTILINE), target


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_no_line_begins_as_a_comment_of_the_site(page: Path) -> None:
    """MyST drops lines that begin with a percent sign: three answers of studies lost numbers."""
    lines = page.read_text().splitlines()
    assert [line for line in lines if line.startswith("%")] == []
