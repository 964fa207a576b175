"""The command `adopt`: class names of the user, and what it prints."""

from pathlib import Path
from typing import Any

import pytest

from ankleboot.cli.adopt import read_labels
from ankleboot.cli.main import run
from ankleboot.cli.output.adoption import adoption_result
from ankleboot.core.errors import UsageError

CONVENTION: dict[str, Any] = {
    "layout": "hw",
    "fit": "same",
    "outputs": "logits",
    "scaling": "byte",
    "order": [1, 0, 2],
}
TRIALS = [
    {
        "input": "byte",
        "fit": "same",
        "accuracy": 0.3,
        "reordered_accuracy": 0.91,
        "num_images": 9_000,
    },
    {"input": "unit", "fit": "same", "accuracy": 0.1, "reordered_accuracy": 0.2},
]
ADOPTED = {
    "input_shape": [28, 28],
    "num_outputs": 3,
    "convention": CONVENTION,
    "trials": TRIALS,
    "num_images": 2_000,
    "notes": ["2 layers of augmentation are left out"],
}


def test_class_names_come_from_a_list_or_a_file(tmp_path: Path) -> None:
    assert read_labels("cat, dog ,eel") == ["cat", "dog", "eel"]
    path = tmp_path / "labels.txt"
    path.write_text("cat\n\n dog\n", encoding="utf-8-sig")
    assert read_labels(str(path)) == ["cat", "dog"]
    path.write_text("0 cat\n1 dog house\n")
    assert read_labels(str(path)) == ["cat", "dog house"]
    path.write_text("7 up\n1 dog\n")
    assert read_labels(str(path)) == ["7 up", "1 dog"]


def test_class_names_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--labels gone.txt: no such file, and no list"):
        read_labels("gone.txt")
    path = tmp_path / "labels.txt"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_labels(str(path))
    path.write_bytes(bytes(1_000_001))
    with pytest.raises(UsageError, match="larger than the allowed 1,000,000 bytes"):
        read_labels(str(path))


def test_what_was_found_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    document = {"labels": ["cat", "dog", "eel"], "adopted": ADOPTED, "run_dir": "runs/x"}
    adoption_result(document)
    out = capsys.readouterr().out
    assert "28 x 28: height, width, without a channel" in out
    assert "logits; a softmax was added" in out
    assert "byte: pixels from 0 to 255" in out
    assert "outputs are 0 dog, 1 cat, 2 eel" in out
    assert "2 layers of augmentation are left out" in out
    rows = [line.split() for line in out.splitlines() if line.startswith(("byte  ", "unit"))]
    assert rows == [
        ["byte", "same", "9,000", "30.0", "%", "91.0", "%"],
        ["unit", "same", "2,000", "10.0", "%", "20.0", "%"],
    ]
    adoption_result(document | {"adopted": ADOPTED | {"trials": []}})
    assert "nothing of this was tried" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["gone.keras"], 4, "gone.keras: no such model file"),
        (["x.pkl"], 4, "a pickle can run any program"),
        (["x.keras", "--input", "bytes"], 2, "--input bytes: expected auto, unit, byte"),
        (["x.keras"], 4, "x.keras: incomplete or damaged model file"),
    ],
)
def test_errors_are_one_line_with_their_exit_code(
    arguments: list[str],
    code: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.pkl", "x.keras"):
        Path(name).write_bytes(b"x")
    assert run(["adopt", *arguments]) == code
    err = capsys.readouterr().err
    assert message in err and len(err.splitlines()) == 1
    assert not Path("runs").exists()
