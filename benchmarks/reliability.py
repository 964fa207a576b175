"""Write the lines of the stored soaks, and the score of the mutants, into docs/reliability.md.

    make soak SEED=1; make soak SEED=2
    python benchmarks/reliability.py

With --check, exits with 1 if the page is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from lib.tables import markdown_table, with_sections
from reproduce import environment_line

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/results"
PAGE = ROOT / "docs/reliability.md"


def main() -> int:
    old = PAGE.read_text()
    new = with_sections(old, {"soak": soak_lines(), "mutants": mutant_lines()})
    if "--check" in sys.argv[1:]:
        if new != old:
            print("docs/reliability.md is stale: run python benchmarks/reliability.py")
        return int(new != old)
    PAGE.write_text(new)
    return 0


def soak_lines() -> list[str]:
    """Return a table with a row for each promise and a column for each soak."""
    soaks = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("soak/seed-*.json"))]
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


def mutant_lines() -> list[str]:
    """Return a table with a row for each module whose code was changed."""
    document = json.loads((RESULTS / "mutants.json").read_text())
    rows = [
        [
            f"`{module.removeprefix('ankleboot.')}`",
            f"{_noticed(counts):,}",
            f"{sum(counts.values()):,}",
        ]
        for module, counts in document["modules"].items()
    ]
    total = document["total"]
    share = 100 * _noticed(total) / sum(total.values())
    return [
        f"{_noticed(total):,} of {sum(total.values()):,} changes are noticed ({share:.1f} %), "
        f"{total['timeout']} of them by a time limit (mutmut {document['mutmut']}, "
        f"{document['date']}).",
        "",
        *markdown_table("module|noticed|all", rows),
    ]


def _noticed(counts: dict[str, int]) -> int:
    return counts.get("killed", 0) + counts.get("timeout", 0)


def _kept(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not run"
    return f"{row['kept']:,} of {row['cases']:,}" if row["cases"] else "left out"


def _seconds(soak: dict[str, Any]) -> float:
    return float(sum(row["seconds"] for row in soak["promises"].values()))


if __name__ == "__main__":
    sys.exit(main())
