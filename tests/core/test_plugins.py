"""The one resolver: built-in names, entry points and import strings."""

import pytest

from ankleboot.core import plugins
from ankleboot.core.errors import ModelError, UsageError

EVERY = [(kind, name) for kind, table in plugins.BUILT_IN.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_built_in_name_resolves(kind: str, name: str) -> None:
    assert plugins.resolve(kind, name) is not None


def test_an_import_string_resolves_to_its_object() -> None:
    assert plugins.resolve("metrics", "statistics:fmean")([1.0, 3.0]) == 2.0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnnn", r"unknown architecture 'cnnn' \(did you mean cnn\?\); valid: "),
        ("no_such_module:build", "architecture no_such_module:build: no module no_such_module"),
        ("statistics:no_such_name", "architecture statistics:no_such_name: no such attribute"),
    ],
)
def test_what_does_not_exist_is_one_line(name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plugins.resolve("architectures", name)


def test_code_from_outside_is_imported_only_on_trust() -> None:
    with pytest.raises(
        ModelError, match="statistics:fmean is code outside Ankleboot; pass --trust"
    ):
        plugins.resolve("metrics", "statistics:fmean", trust=False)
    assert plugins.resolve("architectures", "cnn", trust=False) is not None
