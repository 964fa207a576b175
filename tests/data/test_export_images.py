"""Images of a data set as image files."""

import json
from pathlib import Path

import pytest

from ankleboot.cli.main import run
from ankleboot.core.classes import CLASS_NAMES
from ankleboot.core.errors import UsageError
from ankleboot.data.export_images import export_images
from ankleboot.data.load import load_data


def test_images_are_written_class_by_class(tmp_path: Path) -> None:
    test = load_data("sample").test
    export_images(test, CLASS_NAMES, tmp_path / "images", 20)
    names = [path.name for path in sorted((tmp_path / "images").iterdir())]
    assert names[:2] == ["00000-t-shirt-top.png", "00001-trouser.png"]
    assert names[9] == "00009-ankle-boot.png" and names[10] == "00010-t-shirt-top.png"
    with pytest.raises(UsageError, match="not an empty folder"):
        export_images(test, CLASS_NAMES, tmp_path / "images", 1)
    with pytest.raises(UsageError, match="500 images"):
        export_images(test, CLASS_NAMES, tmp_path / "more", 501)


def test_the_command_prints_the_files_that_it_wrote(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "images"
    arguments = ["data", "images", str(folder), "--data", "sample", "--count", "3", "--json"]
    assert run(arguments) == 0
    document = json.loads(capfd.readouterr().out)
    assert [Path(name).name for name in document["files"]] == sorted(
        path.name for path in folder.iterdir()
    )
    assert document["split"] == "test" and len(document["files"]) == 3
