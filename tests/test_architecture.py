"""Imports point down, and the light parts stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src/ankleboot"

LAYERS = {
    "__init__": 0,
    "errors": 0,
    "arrays": 0,
    "classes": 0,
    "files": 0,
    "paths": 0,
    "limits": 0,
    "environment": 0,
    "preparation": 0,
    "recipe_fields": 0,
    "recipes": 0,
    "measured": 0,
    "signals": 0,
    "printable": 0,
    "quiet": 0,
    "pretrained": 0,
    "metrics": 1,
    "statistics": 1,
    "model_info": 1,
    "models": 1,
    "optimizers": 1,
    "sealed": 2,
    "calibration": 2,
    "engines": 2,
    "photos": 3,
    "data": 4,
    "feed": 5,
    "runs": 5,
    "saving": 5,
    "curves": 6,
    "manifests": 6,
    "provenance": 6,
    "test_reads": 6,
    "observer": 6,
    "predictors": 7,
    "training": 7,
    "evaluation": 8,
    "prediction": 8,
    "answers": 8,
    "comparison": 8,
    "mistakes": 8,
    "occlusion": 8,
    "explain": 9,
    "robustness": 8,
    "audit": 9,
    "learning_curve": 9,
    "diagnosis": 9,
    "plots": 10,
    "export": 10,
    "pages": 11,
    "report": 12,
    "bench": 11,
    "server": 11,
    "console": 11,
    "studies": 12,
    "cli": 13,
    "__main__": 14,
}
"""A module may import modules of a lower layer; exceptions within a layer are listed next."""

SAME_LAYER = {("files", "errors"), ("recipes", "arrays"), ("recipes", "errors")}
SAME_LAYER |= {("environment", "__init__"), ("preparation", "arrays"), ("preparation", "errors")}
SAME_LAYER |= {
    ("recipes", "preparation"),
    ("recipes", "recipe_fields"),
    ("recipe_fields", "errors"),
}


def violations(source: str, module: str) -> list[str]:
    """Names of the modules that the code of `module` imports although they are not below it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("ankleboot"):
            path = (node.module or "").split(".")
            names = path[1:2] or [a.name if a.name in LAYERS else "__init__" for a in node.names]
        elif isinstance(node, ast.Import):
            parts = [alias.name.split(".") for alias in node.names]
            names = [(p[1:] or ["__init__"])[0] for p in parts if p[0] == "ankleboot"]
        else:
            continue
        for name in names:
            allowed = LAYERS[name] < LAYERS[module] or (module, name) in SAME_LAYER
            if name != module and not allowed:
                found.append(name)
    return found


def test_imports_point_down() -> None:
    for path in SOURCE.rglob("*.py"):
        module = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        assert module in LAYERS, f"{module} has no layer yet"
        assert violations(path.read_text(), module) == [], path


def test_every_layer_belongs_to_a_module() -> None:
    assert {
        p.stem for p in SOURCE.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    } == set(LAYERS)


@pytest.mark.parametrize(
    "line",
    ["from ankleboot import cli", "import ankleboot.plots", "from ankleboot.training import train"],
)
def test_the_layer_check_sees_an_upward_import(line: str) -> None:
    assert violations(f"def f():\n    {line}\n", "metrics")


LIGHT = [
    "ankleboot",
    "ankleboot.cli",
    "ankleboot.data",
    "ankleboot.predictors",
    "ankleboot.predictors.litert",
    "ankleboot.evaluation",
    "ankleboot.prediction",
    "ankleboot.console",
    "ankleboot.server.serve",
    "ankleboot.server.worker",
    "ankleboot.studies.runner",
    "ankleboot.studies.wording",
]
HEAVY = ("tensorflow", "keras", "matplotlib", "cv2", "sklearn", "onnxruntime", "openvino")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_light_modules_load_nothing_heavy() -> None:
    assert not loaded_by("import " + ", ".join(LIGHT)) & set(HEAVY)


def test_figures_and_pages_of_numbers_load_no_tensorflow() -> None:
    drawing = "import ankleboot.plots, ankleboot.studies.page"
    assert not loaded_by(drawing) & {"tensorflow", "keras"}


def test_the_light_check_can_fail() -> None:
    assert "matplotlib" in loaded_by("import ankleboot.plots")


def test_exactly_one_tensorflow_is_installed() -> None:
    """Both unpack into one folder; with both installed, which one runs is luck."""
    from importlib import metadata

    names = {d.metadata["Name"].replace("_", "-") for d in metadata.distributions()}
    assert len(names & {"tensorflow", "tensorflow-cpu"}) == 1
