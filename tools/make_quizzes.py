"""Write a page and a GIFT file from each quiz; with --check, only list stale ones.

python tools/make_quizzes.py [--check]

docs/studies/quizzes/NAME.toml holds the items of a study: question, right answer, wrong answers and
why. NAME.md shows them with folded answers. NAME.gift is the format of Moodle and other learning
platforms: https://docs.moodle.org/en/GIFT_format
"""

import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ankleboot.core.files import sha256_of
from ankleboot.studies.study import get_study

FOLDER = Path(__file__).parents[1] / "docs/studies/quizzes"
LETTERS = "ABCD"
SPECIAL = re.compile(r"([~=#{}:\\])")
"""Signs of GIFT unless a backslash precedes them."""


@dataclass(frozen=True)
class Item:
    """A question with one right answer.

    Raises:
        ValueError: If a text is empty, two answers are equal, or there are not three wrong ones.
    """

    question: str
    answer: str
    wrong: list[str]
    why: str

    def __post_init__(self) -> None:
        if not all([self.question, self.answer, self.why, *self.wrong]):
            raise ValueError(f"{self.question!r}: question, answers and reason need text")
        if len({self.answer, *self.wrong}) != len(LETTERS):
            raise ValueError(f"{self.question!r}: expected three wrong answers, all different")

    @property
    def options(self) -> list[str]:
        """Answers in a fixed order that does not depend on which is right."""
        answers = [self.answer, *self.wrong]
        return sorted(answers, key=lambda text: sha256_of(f"{self.question}{text}".encode()))


def read_items(path: Path) -> list[Item]:
    """Read the items of a quiz."""
    return [Item(**item) for item in tomllib.loads(path.read_text())["items"]]


def page(name: str, items: list[Item]) -> str:
    """Return the quiz as Markdown, each answer folded."""
    parts = [_page_item(number, item) for number, item in enumerate(items, 1)]
    return f"""\
# Quiz: {get_study(name).question}

{len(items)} items on [the study](../{name}.md). One answer is right; open "Answer" to compare.
For a learning platform such as Moodle, import [{name}.gift]({name}.gift).

{"".join(parts)}`python tools/make_quizzes.py` writes this page from \
[{name}.toml]({name}.toml).
"""


def _page_item(number: int, item: Item) -> str:
    options = "".join(f"- {letter}. {o}\n" for letter, o in zip(LETTERS, item.options, strict=True))
    letter = LETTERS[item.options.index(item.answer)]
    return f"""\
**{number}. {item.question}**

{options}
<details><summary>Answer</summary>

**{letter}. {item.answer}.** {item.why}

</details>

"""


def gift(name: str, items: list[Item]) -> str:
    """Return the quiz as a GIFT file."""
    parts = [f"// Written by tools/make_quizzes.py\n\n$CATEGORY: Ankleboot/{name}\n"]
    for number, item in enumerate(items, 1):
        lines = [f"{'=' if o == item.answer else '~'}{_escaped(o)}" for o in item.options]
        title, question = f"::{name} {number:02}::", f"[plain]{_escaped(item.question)}"
        answers = "\n".join([*lines, f"####{_escaped(item.why)}"])
        parts.append(f"{title}{question} {{\n{answers}\n}}\n")
    return "\n".join(parts)


def _escaped(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text)


def render_texts() -> dict[Path, str]:
    """Return every generated text by its path."""
    texts = {}
    for path in sorted(FOLDER.glob("*.toml")):
        items = read_items(path)
        texts[path.with_suffix(".md")] = page(path.stem, items)
        texts[path.with_suffix(".gift")] = gift(path.stem, items)
    return texts


def main() -> int:
    """Write or check the files; return 1 if a checked one is stale."""
    texts = render_texts()
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.name} is stale: run python tools/make_quizzes.py", file=sys.stderr)
        return int(bool(stale))
    for path in stale:
        path.write_text(texts[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
