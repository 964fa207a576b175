"""Write notebooks/*.ipynb from the scripts beside them; with --check, only list stale ones.

python tools/make_notebooks.py [--check]

A script is easier to review, lint and merge than a notebook. `# %% [markdown]` begins a cell of
text, `# %%` one of code, and in place of `# %% [shared] NAME` come the cells of
notebooks/shared/NAME.py. Notebooks are written without outputs.

With an address under [project.urls] of pyproject.toml (Repository = "https://github.com/...") they
begin with badges that open them in Colab and on Binder, and install the package from there.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "notebooks"
CELL = re.compile(r"^# %%( \[markdown\])?$", re.MULTILINE)
SHARED = re.compile(r"^# %% \[shared\] (\w+)$", re.MULTILINE)
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(\.git)?/?")
BADGES = (
    "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]"
    "(https://colab.research.google.com/github/{repository}/blob/HEAD/notebooks/{name}.ipynb) "
    "[![Open on Binder](https://mybinder.org/badge_logo.svg)]"
    "(https://mybinder.org/v2/gh/{repository}/HEAD?labpath=notebooks/{name}.ipynb)"
)
NO_ADDRESS = 'REPOSITORY = ""'
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def notebook(script: str, name: str, address: str = "") -> str:
    """Return the notebook of a script as JSON.

    Args:
        script: Content of the script.
        name: Name of the notebook, without suffix.
        address: Address of the repository on GitHub; empty for no badges.

    Raises:
        ValueError: If there is text above the first cell, or the address is none of GitHub's.
    """
    whole = SHARED.sub(lambda match: _shared(match[1]), script)
    if address:
        if not (match := GITHUB.fullmatch(address)):
            raise ValueError(f"expected https://github.com/OWNER/NAME, got {address}")
        badges = BADGES.format(repository=match[1], name=name)
        whole = whole.replace("# %% [markdown]\n", f"# %% [markdown]\n# {badges}\n#\n", 1)
        whole = whole.replace(NO_ADDRESS, f'REPOSITORY = "git+{address}"')
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
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    address = project.get("urls", {}).get("Repository", "")
    for script in sorted(FOLDER.glob("*.py")):
        path = script.with_suffix(".ipynb")
        fresh = notebook(script.read_text(), script.stem, address)
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
