"""Imports point down, and the light parts stay light."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src/ankleboot"

PACKAGES = (
    "core",
    "web",
    "recipes",
    "models",
    "data",
    "inference",
    "evaluation",
    "training",
    "export",
    "server",
    "studies",
    "cli",
)
"""Every package imports itself and those above it in this list."""


def violations(source: str, package: str) -> list[str]:
    """Return the packages that the source imports although they stand below `package`."""
    allowed = PACKAGES[: PACKAGES.index(package) + 1]
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "ankleboot":
            parts = (node.module or "").split(".")
            names = parts[1:2] or [a.name for a in node.names if a.name != "__version__"]
        elif isinstance(node, ast.Import):
            dotted = [alias.name.split(".") for alias in node.names]
            names = [(parts[1:] or ["the whole"])[0] for parts in dotted if parts[0] == "ankleboot"]
        else:
            continue
        found += [name for name in names if name not in allowed]
    return found


def test_imports_point_down() -> None:
    for package in PACKAGES:
        for path in (SOURCE / package).rglob("*.py"):
            assert violations(path.read_text(), package) == [], path


def test_the_package_holds_its_twelve_packages_and_nothing_else() -> None:
    names = {path.name for path in SOURCE.iterdir() if path.name != "__pycache__"}
    assert names == {*PACKAGES, "__init__.py", "__main__.py", "py.typed"}


@pytest.mark.parametrize(
    "line",
    [
        "from ankleboot import cli",
        "import ankleboot.evaluation.plots",
        "from ankleboot.training.trainer import fit",
        "import ankleboot",
    ],
)
def test_the_check_of_imports_sees_an_upward_one(line: str) -> None:
    assert violations(f"def f():\n    {line}\n", "inference")


def test_an_init_holds_a_docstring_and_imports_alone() -> None:
    for path in SOURCE.rglob("*/__init__.py"):
        document, *rest = ast.parse(path.read_text()).body
        assert isinstance(document, ast.Expr) and isinstance(document.value, ast.Constant), path
        for node in rest:
            is_all = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
            assert is_all or isinstance(node, ast.ImportFrom), f"{path}: {ast.unparse(node)}"


def test_the_init_of_every_package_explains_it() -> None:
    for package in PACKAGES:
        text = ast.get_docstring(ast.parse((SOURCE / package / "__init__.py").read_text())) or ""
        assert "imports" in text.lower(), package
        assert "to add" in text.lower(), package


LIGHT = [
    "ankleboot",
    "ankleboot.cli.main",
    "ankleboot.cli.output.benchmark",
    "ankleboot.cli.output.data",
    "ankleboot.cli.output.evaluation",
    "ankleboot.cli.output.prediction",
    "ankleboot.cli.output.studies",
    "ankleboot.cli.output.training",
    "ankleboot.core.plugins",
    "ankleboot.data.load",
    "ankleboot.inference.load",
    "ankleboot.inference.litert",
    "ankleboot.inference.predict",
    "ankleboot.evaluation.evaluate",
    "ankleboot.server.lifecycle",
    "ankleboot.server.workers.worker",
    "ankleboot.studies.runner",
    "ankleboot.studies.sentences",
]
HEAVY = ("tensorflow", "keras", "matplotlib", "cv2", "sklearn", "onnxruntime", "openvino")


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_light_modules_load_nothing_heavy() -> None:
    assert not loaded_by("import " + ", ".join(LIGHT)) & set(HEAVY)


def test_the_bare_import_loads_neither_numpy_nor_click() -> None:
    assert not loaded_by("import ankleboot") & {"numpy", "click", "rich", *HEAVY}


def test_figures_and_pages_of_numbers_load_no_tensorflow() -> None:
    drawing = "import ankleboot.evaluation.plots, ankleboot.studies.page"
    assert not loaded_by(drawing) & {"tensorflow", "keras"}


def test_the_light_check_can_fail() -> None:
    assert "matplotlib" in loaded_by("import ankleboot.evaluation.plots")


def test_exactly_one_tensorflow_is_installed() -> None:
    """Both unpack into one folder; with both installed, which one runs is luck."""
    from importlib import metadata

    names = {d.metadata["Name"].replace("_", "-") for d in metadata.distributions()}
    assert len(names & {"tensorflow", "tensorflow-cpu"}) == 1


OUTPUT = {
    "cli/output/plain.py": {"print"},
    "cli/output/terminal.py": {"Console", "Text.assemble"},
    "core/csv_text.py": set[str](),
    "core/last_resort.py": {"sys.stderr.write"},
    "server/http/access_log.py": {"sys.stderr.write"},
}
"""Modules from which text leaves, each with what it calls for that: they escape it."""

PRINTING = re.compile(
    r"print|pprint|(.*\.)?(echo|secho|writer|DictWriter|print_exc|print_exception|from_markup)"
    r"|(.*\.)?(Console|Text|Text\.assemble)|sys\.std(out|err)\.(buffer\.)?write"
)


def printing_calls(source: str) -> set[str]:
    """Return the calls by which text could leave unescaped.

    A child process prints one JSON document for its parent, which is ASCII.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return {
        name
        for call in calls
        if PRINTING.fullmatch(name := ast.unparse(call.func))
        and not (len(call.args) == 1 and ast.unparse(call.args[0]).startswith("json.dumps("))
    }


def test_text_leaves_by_the_modules_that_escape_it() -> None:
    for path in SOURCE.rglob("*.py"):
        allowed = OUTPUT.get(path.relative_to(SOURCE).as_posix(), set())
        assert printing_calls(path.read_text()) <= allowed, path


@pytest.mark.parametrize(
    "line",
    [
        "print(name)",
        "click.echo(name)",
        "rich.console.Console().print(name)",
        "csv.writer(file)",
        "sys.stderr.write(name)",
        "Text.from_markup(name)",
        "traceback.print_exc()",
        "print(json.dumps(a), name)",
    ],
)
def test_the_check_of_printing_sees_a_call(line: str) -> None:
    assert printing_calls(line)


def test_templates_escape_and_scripts_make_no_elements_of_text() -> None:
    for path in (SOURCE / "web").rglob("*"):
        if path.suffix in (".html", ".js"):
            text = path.read_text()
            assert not re.search(r"\|\s*safe|autoescape|innerHTML|outerHTML|insertAdjacent", text)
            assert "document.write" not in text and "eval(" not in text, path
    for path in SOURCE.rglob("*.py"):
        if path.name != "render.py":
            assert "Markup(" not in path.read_text(), path
