"""Write the lines of the stored soaks into docs/reliability.md.

    make soak SEED=1; make soak SEED=2
    python benchmarks/reliability.py

With --check, exits with 1 if the page is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lib.tables import markdown_table
from reproduce import environment_line

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results/soak"
PAGE = ROOT / "docs/reliability.md"
START, END = "<!-- soak -->", "<!-- end of soak -->"


def main() -> int:
    old = PAGE.read_text()
    before, _, rest = old.partition(START)
    new = "\n".join([before + START, *lines(), END]) + rest.partition(END)[2]
    if "--check" in sys.argv[1:]:
        if new != old:
            print("docs/reliability.md is stale: run python benchmarks/reliability.py")
        return int(new != old)
    PAGE.write_text(new)
    return 0


def lines() -> list[str]:
    """Return a table with a row for each promise and a column for each soak."""
    soaks = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("seed-*.json"))]
    names = list(soaks[0]["promises"])
    head = "|".join(["`ONLY=`", "kept", *(f"seed {soak['seed']}" for soak in soaks)])
    rows = [
        [f"`{name}`", soaks[0]["promises"][name]["promise"]]
        + [_kept(soak["promises"].get(name)) for soak in soaks]
        for name in names
    ]
    minutes = " and ".join(f"{_seconds(soak) / 60:.0f}" for soak in soaks)
    commands = ", ".join(f"`{soak['command']}`" for soak in soaks)
    note = f"{commands}: {minutes} minutes. {environment_line(soaks[-1])}"
    return [*markdown_table(head, rows), "", note]


def _kept(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not run"
    return f"{row['kept']:,} of {row['cases']:,}" if row["cases"] else "left out"


def _seconds(soak: dict[str, Any]) -> float:
    return sum(row["seconds"] for row in soak["promises"].values())


if __name__ == "__main__":
    sys.exit(main())
