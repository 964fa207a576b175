"""Folders of the user, also of one without a home, and `~` where no shell replaced it."""

import subprocess
import sys
from pathlib import Path

import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.core.files import make_folder
from ankleboot.core.paths import cache_folder, expand, home_folder, state_folder
from ankleboot.data.fashion_mnist.sources import folders_of_other_tools


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user of a container: neither HOME nor an entry in the list of users."""

    def unknown(_: int) -> None:
        raise KeyError("uid not found")

    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "ANKLEBOOT_CACHE", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert expand("~/pets") == expand(Path("~/pets")) == tmp_path / "home/pets"
    assert expand("a~b") == Path("a~b")
    (tmp_path / "~odd").touch()
    assert expand("~odd") == Path("~odd")  # a file of that name comes first


def test_a_user_without_a_home_is_told_the_variable(no_home: None) -> None:
    with pytest.raises(EnvironmentFailure, match="HOME is set.*set ANKLEBOOT_CACHE"):
        cache_folder("fashion-mnist")
    with pytest.raises(EnvironmentFailure, match="set ANKLEBOOT_STATE"):
        state_folder()
    assert home_folder() is None
    assert all(path.is_absolute() or path.parts[0] == "data" for path in folders_of_other_tools())


def test_the_variables_are_enough(
    no_home: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("ANKLEBOOT_STATE", str(tmp_path / "state"))
    assert cache_folder("x") == tmp_path / "cache/x" and state_folder() == tmp_path / "state"


def test_a_cache_that_cannot_be_written_names_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()  # no folder can be made below a file, whoever the user is
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "file"))
    with pytest.raises(EnvironmentFailure, match="; set ANKLEBOOT_CACHE to a folder"):
        make_folder(cache_folder("unpacked"))
    with pytest.raises(EnvironmentFailure) as raised:
        make_folder(tmp_path / "file/other/x")
    monkeypatch.setenv("ANKLEBOOT_CACHE", str(tmp_path / "elsewhere"))
    with pytest.raises(EnvironmentFailure) as raised:
        make_folder(tmp_path / "file/other")
    assert "ANKLEBOOT" not in str(raised.value)


def test_a_console_of_few_characters_gets_escapes(tmp_path: Path) -> None:
    """Case 23: classes in Chinese on a console of Windows-1252."""
    code = (
        "import sys; sys.argv = ['ankleboot', 'data', 'verify', '--data', sys.argv[1]]\n"
        "from ankleboot.cli.main import main; main()"
    )
    from helpers.images import write_image_folder

    folder = write_image_folder(tmp_path / "pets", {"\u732b": 2, "\u72ac": 2})
    environment = {"PYTHONIOENCODING": "cp1252", "ANKLEBOOT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        capture_output=True,
        env=environment,
        check=True,
    )
    assert b"\\u72ac" in done.stdout and b"\\u732b" in done.stdout and done.stderr != b"x"
