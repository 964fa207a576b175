"""Wrong names are refused before TensorFlow is imported, which takes seconds."""

import json
import subprocess
import sys

import pytest

from ankleboot.models.run import Run

WRONG = {
    "train plainn": (2, "did you mean plain?"),
    "train plain --data sampel": (2, "expected fashion-mnist, sample"),
    "train plain --track wandbb": (2, "unknown tracker 'wandbb'"),
    "train --resume nowhere": (4, "not a run folder"),
    "tune plainn": (2, "did you mean plain?"),
    "evaluate nowhere": (4, "no such model file or run folder"),
    "evaluate pretrained --split tset": (2, "'tset' is not one of"),
    "evaluate pretrained --data nowhere": (2, "expected fashion-mnist, sample"),
    "evaluate pretrained --metric macro_f2": (2, "did you mean macro_f1?"),
    "export pretrained --format litter": (2, "did you mean litert?"),
    "export pretrained --format onnx --data nowhere": (2, "expected fashion-mnist, sample"),
    "export nowhere --format onnx": (4, "no such model file or run folder"),
    "explain pretrained test:1 --method hires-cams": (2, "did you mean hires-cam?"),
    "explain pretrained nowhere.png": (3, "nowhere.png: no such file"),
    "explain pretrained test:1 --data nowhere": (2, "expected fashion-mnist, sample"),
    "compare pretrained nowhere": (4, "no such model file or run folder"),
    "report nowhere": (4, "no such model file or run folder"),
    "report pretrained --data nowhere": (2, "expected fashion-mnist, sample"),
    "compare nowhere": (2, "name two or more models"),
    "compare RUN nowhere": (4, "no such model file or run folder"),
    "evaluate RUN --ensemble-with nowhere": (4, "no such model file or run folder"),
    "train plain --run-dir RUN": (2, "not empty; name another folder"),
    "adopt RUN/model.keras --run-dir RUN": (2, "not empty; name another folder"),
    "explain RUN test": (3, "and a number: validation:0"),
    "explain RUN test:99999": (3, "images in test"),
    "explain RUN test:1 --class Bagg": (2, "did you mean Bag?"),
    "predict x.png --model nowhere": (4, "no such model file or run folder"),
    "predict x.png --model zeroshot": (4, "did you mean zero-shot?"),
    "predict x.png --model shipped": (4, "shipped models: pretrained, pocket, photo, zero-shot"),
    "serve --model pretraned": (4, "did you mean pretrained?"),
    "bench predict --only onnnx": (2, "unknown runtime 'onnnx'"),
    "bench predict --model nowhere": (2, "expected a run folder"),
    "bench predict --data nowhere": (2, "expected fashion-mnist, sample"),
    "study poolingg": (2, "did you mean pooling?"),
    "study pooling --data nowhere": (2, "expected fashion-mnist, sample"),
    "data audit --data nowhere": (2, "expected fashion-mnist, sample"),
}

CODE = """
import contextlib, io, json, sys
from ankleboot.cli.main import run
found = {}
for line in json.loads(sys.argv[1]):
    with contextlib.redirect_stderr(io.StringIO()) as err, contextlib.redirect_stdout(err):
        code = run(line.replace("RUN", sys.argv[2]).split())
    heavy = [name for name in ("tensorflow", "keras", "torch", "jax") if name in sys.modules]
    found[line] = [code, err.getvalue(), heavy]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def answers(sample_runs: tuple[Run, Run]) -> dict[str, tuple[int, str, list[str]]]:
    """Exit code, message and heavy modules of each command, in one process; RUN is a run."""
    command = [sys.executable, "-c", CODE, json.dumps(list(WRONG)), str(sample_runs[0].folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, tuple[int, str, list[str]]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_name_is_refused_without_tensorflow(
    line: str, answers: dict[str, tuple[int, str, list[str]]]
) -> None:
    code, message, heavy = answers[line]
    expected, said = WRONG[line]
    assert code == expected and said in message and message.count("\n") == 1
    assert heavy == []
