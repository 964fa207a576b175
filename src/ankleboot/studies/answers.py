"""What the full studies found, as it ships with the package.

`python benchmarks/studies.py` writes answers.json from the stored results.
"""

import json
from pathlib import Path

PATH = Path(__file__).parent / "answers.json"


def answers() -> dict[str, tuple[str, ...]]:
    """The three sentences of every study that was run in full."""
    return {name: tuple(found) for name, found in json.loads(PATH.read_text()).items()}
