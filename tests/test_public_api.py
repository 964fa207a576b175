"""The public surface: these names and no others, typed, lazy, documented with an example."""

import inspect
import subprocess
import sys
import typing

import pytest

import ankleboot

NAMES = [
    "AnklebootError",
    "Recipe",
    "adopt",
    "audit_data",
    "compare",
    "cross_validate",
    "evaluate",
    "explain",
    "export_model",
    "get_recipe",
    "list_recipes",
    "list_runs",
    "load_data",
    "load_ensemble",
    "load_predictor",
    "load_run",
    "predict",
    "predict_bulk",
    "preprocessing_steps",
    "resume",
    "train",
    "train_seeds",
    "write_report",
]
FUNCTIONS = [name for name in NAMES if name[0].islower()]


def test_the_surface_is_pinned() -> None:
    assert ankleboot.__all__ == NAMES
    assert dir(ankleboot) == sorted([*NAMES, "__version__"])


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(ankleboot, name))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_shows_its_smallest_example(name: str) -> None:
    document = inspect.getdoc(getattr(ankleboot, name)) or ""
    assert f"ankleboot.{name}(" in document


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_fully_typed(name: str) -> None:
    function = inspect.unwrap(getattr(ankleboot, name))
    annotated = set(inspect.get_annotations(function))
    assert annotated == {*inspect.signature(function).parameters, "return"}


def test_no_public_name_hides_a_package() -> None:
    """`import ankleboot.data.load` sets `ankleboot.data`; a function of that name would go."""
    from pathlib import Path

    folder = Path(ankleboot.__file__).parent
    assert not set(NAMES) & {path.stem for path in folder.iterdir()}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        ankleboot.fit  # noqa: B018


def test_a_type_checker_sees_what_the_interpreter_gives() -> None:
    """The imports for type checkers and the lazy table name the same objects."""
    source = inspect.getsource(ankleboot)
    block = source.partition("if TYPE_CHECKING:\n")[2].partition("\n\n")[0]
    scope: dict[str, typing.Any] = {}
    exec("\n".join(line.strip() for line in block.splitlines()), scope)
    assert {name: scope[name] for name in NAMES} == {n: getattr(ankleboot, n) for n in NAMES}


def test_the_import_is_quick() -> None:
    """Once of up to twenty times: a busy machine adds, it never takes away."""
    command = [sys.executable, "-X", "importtime", "-c", "import ankleboot"]
    microseconds = []
    for _ in range(20):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        last = done.stderr.splitlines()[-1].split("|")
        assert last[2].strip() == "ankleboot"
        microseconds.append(int(last[1]))
        if microseconds[-1] < 50_000:
            break
    assert min(microseconds) < 50_000
