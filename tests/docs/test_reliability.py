"""docs/reliability.md holds a line for each known fault, and each line is true.

A line names its tests as pytest does, and promises of the soak by their names, or it says why the
fault cannot occur. They are found in their source, without importing it.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import prod
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reliability.md"
NUM_ROWS = {"D": 20, "F": 18, "T": 16, "M": 14, "S": 20, "C": 5}
ROWS = [f"{kind}{number + 1}" for kind, count in NUM_ROWS.items() for number in range(count)]
ROW = re.compile(r"^\| ([DFTMSC]\d+) \|(.*)\|$", re.MULTILINE)
NODE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
PROMISE = re.compile(r"`make soak ONLY=([\w-]+)`")
FIELDS_OF_PROMISE = ("name", "text", "check", "weight", "goal")
CASES = re.compile(r"([\d,]+)(?: \+ ([\d,]+))?")
HYPOTHESIS_EXAMPLES = 50  # of the profile in tests/conftest.py


@dataclass(frozen=True)
class Test:
    """A test function and the file that it stands in."""

    __test__ = False  # not a test itself
    path: Path
    function: ast.FunctionDef

    @property
    def module(self) -> ast.Module:
        return parsed(self.path)

    def parameters(self) -> int | None:
        """Return how many cases pytest makes of it; None where only running the code tells."""
        sizes = [
            self.size(call.args[1])
            for call in self.decorators()
            if ast.unparse(call.func) == "pytest.mark.parametrize"
        ]
        return None if None in sizes else prod(size or 0 for size in sizes)

    def decorators(self) -> Iterator[ast.Call]:
        return (node for node in self.function.decorator_list if isinstance(node, ast.Call))

    def size(self, node: ast.expr) -> int | None:
        """Return the number of entries of an expression."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            sizes = [self.size(e.value) if isinstance(e, ast.Starred) else 1 for e in node.elts]
            return None if None in sizes else sum(size or 0 for size in sizes)
        if isinstance(node, ast.Dict):
            return len(node.keys) if None not in node.keys else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.size(node.left), self.size(node.right)
            return None if left is None or right is None else left + right
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self.size(node.func.value) if node.func.attr in ("items", "values") else None
        if isinstance(node, ast.Name):
            return self.size_of_name(node.id)
        return None

    def size_of_name(self, name: str) -> int | None:
        """Return the size of the only value that a name has in the function or the module."""
        values = []
        for node in (*ast.walk(self.function), *self.module.body):
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", 0)]
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value:
                values += [node.value for t in targets if isinstance(t, ast.Name) and t.id == name]
        sizes = [self.size(value) for value in values]
        return None if None in sizes or not sizes else sum(size or 0 for size in sizes)

    def repetitions(self) -> set[int]:
        """Return how often one case may do its work: loops, examples, numbers given to helpers."""
        numbers, text = {1}, ast.unparse(self.function)
        helpers = {node.name for node in self.module.body if isinstance(node, ast.FunctionDef)}
        for node in (node for part in self.function.body for node in ast.walk(part)):
            if isinstance(node, ast.For | ast.comprehension):
                numbers |= {self.size(node.iter) or 1, *integers(node.iter)}
            if isinstance(node, ast.Call) and ast.unparse(node.func) in helpers:
                numbers |= {number for argument in node.args for number in integers(argument)}
        examples = {int(number) for number in re.findall(r"max_examples=(\d+)", text)}
        if "@given(" in text:
            numbers |= examples or {HYPOTHESIS_EXAMPLES}
        return numbers


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def integers(node: ast.expr) -> set[int]:
    """Return the whole numbers in an expression."""
    constants = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
    return {value for value in constants if type(value) is int and value > 0}


def find_test(path: str, name: str) -> Test | None:
    if not (ROOT / path).is_file():
        return None
    for node in parsed(ROOT / path).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return Test(ROOT / path, node)
    return None


def possible_counts(tests: list[Test]) -> set[int] | None:
    """Return the counts that tests may have together; None where only running them tells."""
    parameters = [test.parameters() for test in tests]
    if None in parameters:
        return None
    options = [
        {size * times for times in test.repetitions()}
        for size, test in zip(map(int, filter(None, parameters)), tests, strict=True)
    ]
    return {sum(choice) for choice in product(*options)}


def faults(page: str) -> list[str]:
    """Return what is wrong with the lines of the page, one sentence each."""
    rows = dict(ROW.findall(page))
    found = [f"{row}: no line" for row in ROWS if row not in rows]
    if len(ROW.findall(page)) != len(rows):
        found.append("a row has two lines")
    for row, text in rows.items():
        cells = [cell.strip() for cell in text.split(" | ")]
        if len(cells) != 5 or not all(cells[:2]):
            found.append(f"{row}: expected fault, promise, tests, cases, date")
            continue
        found += [f"{row}: {fault}" for fault in faults_of_row(*cells[2:])]
    return found


def faults_of_row(named: str, cases: str, date: str) -> list[str]:
    nodes, promises = NODE.findall(named), PROMISE.findall(named)
    if not (nodes or promises):
        says_why = named.startswith("does not apply: ") and len(named) > 30
        return [] if says_why and (cases, date) == ("-", "-") else ["neither a test nor a reason"]
    tests = {"::".join(node): find_test(*node) for node in nodes}
    missing = [name for name in tests if not tests[name]]
    missing += [promise for promise in promises if promise not in goals()]
    if missing:
        return [f"there is no {name}" for name in missing]
    found = [] if re.fullmatch(r"20\d\d-\d\d-\d\d", date) else [f"{date!r} is no date"]
    possible = possible_counts([test for test in tests.values() if test])
    numbers = CASES.fullmatch(cases)
    parts = numbers.groups("0") if numbers else ("0", "0")
    count, soaked = (int(part.replace(",", "")) for part in parts)
    if nodes and (count < len(nodes) or (possible is not None and count not in possible)):
        found.append(f"{cases} cases, but its tests have one of {sorted(possible or ())}")
    goal = [goals()[promise] for promise in promises]
    known = None if None in goal else sum(number or 0 for number in goal)
    if bool(soaked) != bool(goal) or (known is not None and soaked != known):
        found.append(f"{cases} cases, but the soak has {goal}")
    return found


@cache
def goals() -> dict[str, int | None]:
    """Return the cases of each promise of a full soak; None where only running the code tells."""
    found: dict[str, int | None] = {}
    for path in (ROOT / "tests/soak").rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Promise" and node.args:
                fields = dict(zip(FIELDS_OF_PROMISE, node.args, strict=False))
                fields |= {str(key.arg): key.value for key in node.keywords}
                is_known = isinstance(fields["goal"], ast.Constant)
                goal = int(ast.literal_eval(fields["goal"])) if is_known else None
                found[ast.literal_eval(fields["name"])] = goal
    return found


def test_every_fault_has_a_test_that_exists_or_a_reason() -> None:
    assert faults(PAGE.read_text()) == []


GOOD = (
    "| {} | a fault | a promise | "
    "`tests/docs/test_reliability.py::test_a_broken_page_is_noticed` | {} | 2026-11-29 |"
)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (GOOD.format("D1", "4"), "D1: 4 cases, but its tests have one of"),
        (GOOD.format("D1", "many"), "D1: many cases"),
        (GOOD.format("D1", "9").replace("noticed", "gone"), "D1: there is no tests/docs"),
        (GOOD.format("D1", "9").replace("2026-11-29", "today"), "D1: 'today' is no date"),
        (
            GOOD.format("D1", "9").replace("`tests", "`make soak ONLY=x` `tests"),
            "D1: there is no x",
        ),
        (GOOD.format("D1", "9 + 9"), "D1: 9 + 9 cases, but the soak has []"),
        ("| D1 | a fault | a promise | - | - | - |", "D1: neither a test nor a reason"),
        ("| D1 | a fault | a promise |", "D1: expected fault, promise, tests, cases, date"),
        ("", "D1: no line"),
    ],
)
def test_a_broken_page_is_noticed(line: str, fault: str) -> None:
    whole = "\n".join(GOOD.format(row, "9") for row in ROWS)
    assert faults(whole) == []
    (found,) = faults(whole.replace(GOOD.format("D1", "9"), line))
    assert found.startswith(fault)
    assert faults(f"{whole}\n{GOOD.format('D1', '9')}") == ["a row has two lines"]
