"""`ankleboot study`."""

import json
import sys
from pathlib import Path

import pytest

from ankleboot.cli.main import run as ankleboot
from ankleboot.core import plugins
from ankleboot.studies.sentences import QUICK
from ankleboot.studies.study import get_study

NAMES = plugins.names("studies")
STUDIES = [get_study(name) for name in NAMES]


def test_command_lists_the_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert ankleboot(["study", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [study.name for study in STUDIES]
    assert rows[2]["runs"] == 20
    assert ankleboot(["study"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert all(study.question in words for study in STUDIES)


@pytest.mark.parametrize("arguments", [["pools"], ["--quick"], ["pooling", "--seeds", "0"]])
def test_usage_errors_are_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert ankleboot(["study", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


@pytest.mark.parametrize("missing", ["keras", "tensorflow", "matplotlib", "jinja2"])
def test_a_missing_extra_is_named_before_any_run(
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    monkeypatch.setattr("ankleboot.studies.runner.run_study", lambda *_, **__: pytest.fail("runs"))
    arguments = ["study", "all", "--quick", "--data", "sample", "--output", str(tmp_path)]
    assert ankleboot(arguments) == 5
    assert capsys.readouterr().err == (
        f"error: this needs {missing}: pip install 'ankleboot[train]'\n"
    )
    assert ankleboot(["study"]) == 0  # the list needs none of them


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_quick_run_on_the_sample_writes_a_page(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["study", name, "--quick", "--data", "sample", "--output", str(tmp_path), "--json"]
    assert ankleboot(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["sentences"]) == 3 and document["quick"]
    assert all(sentence.startswith(QUICK) for sentence in document["sentences"])
    text = Path(document["page"]).read_text()
    assert "Quick run: too few runs" in text and "nan" not in " ".join(document["sentences"])
    assert ankleboot(arguments) == 0  # stored runs are reused
    assert "there already" in capsys.readouterr().err
