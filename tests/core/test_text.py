"""Text from outside, before it leaves."""

import json
import math

import hypothesis
import hypothesis.strategies as st
import pytest

from ankleboot.core.text import (
    MAX_NAME_BYTES,
    counted,
    escape_lines,
    escape_markdown,
    escape_unprintable,
    folder_name,
    json_text,
    share_text,
)

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()), max_size=40)  # surrogates, too


@hypothesis.given(ANY_TEXT)
def test_escaped_text_is_printable_and_stays_so(text: str) -> None:
    escaped = escape_unprintable(text)
    assert escaped.isprintable() and escape_unprintable(escaped) == escaped
    assert escaped == text or not text.isprintable()
    assert escape_lines(text).replace("\n", "").isprintable()
    assert escape_lines(text).count("\n") == text.count("\n")


@hypothesis.given(st.dictionaries(ANY_TEXT, st.floats() | ANY_TEXT | st.lists(st.floats())))
def test_json_is_strict_and_printable(document: dict[str, object]) -> None:
    text = json_text(document)
    assert text.isprintable() and text.isascii()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    read = json.loads(text, parse_constant=refuse)
    for key, value in document.items():
        if isinstance(value, str):
            assert read[key] == value
        if isinstance(value, float):
            assert read[key] == (value if math.isfinite(value) else None)


@hypothesis.given(ANY_TEXT)
def test_every_system_takes_the_name_of_a_folder(text: str) -> None:
    name = folder_name(text)
    assert 1 <= len(name.encode()) <= MAX_NAME_BYTES + 1
    assert name.isprintable() and not set(name) & set('\\/:*?"<>|')
    assert not name.startswith(".") and not name.endswith((".", " "))
    assert folder_name(name) == name


@pytest.mark.parametrize("name", ["con", "NUL.txt", "Com1", "lpt9.tar.gz", "aux .png", "COM¹"])
def test_names_of_devices_get_a_dash(name: str) -> None:
    assert folder_name(name) == f"-{name}"


def test_markdown_shows_a_name_as_it_is() -> None:
    from markdown_it import MarkdownIt

    name = r"a_b _c_ *d* `e` [f](http://g) <img onerror> & &lt; \| #1 ~~h~~ <script>"
    parser = MarkdownIt("commonmark").enable("table")
    (text,) = list(parser.parse(escape_markdown(name))[1].children or ())
    assert (text.type, text.content) == ("text", name)


@pytest.mark.parametrize(
    ("fraction", "digits", "expected"),
    [
        (1.0, 0, "100"),
        (0.996, 0, ">99"),
        (0.9996, 1, ">99.9"),
        (0.996, 1, "99.6"),
        (0.0, 1, "0.0"),
        (0.0004, 1, "<0.1"),
        (0.7825, 1, "78.2"),
    ],
)
def test_100_percent_is_all_and_0_is_none(fraction: float, digits: int, expected: str) -> None:
    assert share_text(fraction, digits) == expected


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("image",), "0 images"),
        (1, ("image",), "1 image"),
        (1_000, ("image",), "1,000 images"),
        (1, ("copy", "copies"), "1 copy"),
        (2, ("copy", "copies"), "2 copies"),
    ],
)
def test_a_number_has_the_right_form_of_its_noun(
    number: int, words: tuple[str, ...], text: str
) -> None:
    assert counted(number, *words) == text
