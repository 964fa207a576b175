"""Write notebooks/*.ipynb from the scripts beside them; with --check, only list stale ones.

python tools/make_notebooks.py [--check]

A script is easier to review, lint and merge than a notebook. `# %% [markdown]` begins a cell of
text, `# %%` one of code, and in place of `# %% [shared] NAME` come the cells of
notebooks/shared/NAME.py. Notebooks are written without outputs.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks"
CELL = re.compile(r"^# %%( \[markdown\])?$", re.MULTILINE)
SHARED = re.compile(r"^# %% \[shared\] (\w+)$", re.MULTILINE)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(script: str) -> str:
    """Return the notebook of a script as JSON.

    Raises:
        ValueError: If there is text above the first cell.
    """
    whole = SHARED.sub(lambda match: _shared(match[1]), script)
    above, *pieces = CELL.split(whole)
    if above.strip():
        raise ValueError(f"above the first cell: {above.strip()}")
    pairs = zip(pieces[::2], pieces[1::2], strict=True)
    cells = [_cell(number, kind, body.strip()) for number, (kind, body) in enumerate(pairs)]
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    document = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _shared(name: str) -> str:
    return (FOLDER / f"shared/{name}.py").read_text()


def _cell(number: int, kind: str | None, text: str) -> dict[str, Any]:
    if kind:
        text = "\n".join(line.removeprefix("#").removeprefix(" ") for line in text.split("\n"))
    cell = {"id": f"cell-{number}", "metadata": {}, "source": text.splitlines(keepends=True)}
    if kind:
        return {"cell_type": "markdown"} | cell
    return {"cell_type": "code", "execution_count": None, "outputs": []} | cell


def main() -> int:
    """Write or check the notebooks; return 1 if a checked one is stale."""
    stale = []
    for script in sorted(FOLDER.glob("*.py")):
        path, fresh = script.with_suffix(".ipynb"), notebook(script.read_text())
        if path.is_file() and path.read_text() == fresh:
            continue
        stale.append(path.name)
        if "--check" not in sys.argv[1:]:
            path.write_text(fresh)
    if stale and "--check" in sys.argv[1:]:
        print(f"stale: {', '.join(stale)}; run make notebooks", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
