"""Files in deploy/: steps of the container file and of the systemd units, without a registry."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest

from ankleboot.cli.serve import serve
from ankleboot.server.config import ServerConfig
from ankleboot.server.routes import ROUTES
from helpers.server import running_server

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs/deploy.md").read_text()
QUICK_START = (ROOT / "docs/quick_start.md").read_text()


def steps(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a container file, each with its arguments on one line."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    found = [line.partition(" ") for line in joined.splitlines() if line.strip()]
    return [(name, arguments.strip()) for name, _, arguments in found]


STEPS = steps((DEPLOY / "Containerfile").read_text())


def arguments_of(name: str) -> list[str]:
    return [arguments for found, arguments in STEPS if found == name]


def pip_installs(text: str) -> list[list[str]]:
    """Return the arguments of each `pip install`, without those that concern caches and edits."""
    lines = re.findall(r"^(?:RUN )?pip install (.+)$", text, re.MULTILINE)
    return [
        [word for word in line.split() if word not in ("--no-cache-dir", "-e")] for line in lines
    ]


def test_the_image_has_one_base_of_a_supported_python() -> None:
    (base,) = arguments_of("FROM")
    assert STEPS[0] == ("FROM", base)
    name, _, tag = base.partition(":")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert name == "python" and tag == project["requires-python"].removeprefix(">=") + "-slim"


def test_the_server_runs_as_an_unprivileged_user_after_the_installation() -> None:
    (user,) = arguments_of("USER")
    names = [name for name, _ in STEPS]
    assert user.isdigit() and int(user) > 0  # orchestrators check numbers alone
    assert f"useradd --uid {user} " in arguments_of("RUN")[0]
    assert names.index("USER") > len(names) - 1 - names[::-1].index("RUN")


def test_the_packages_are_installed_as_the_quick_start_does() -> None:
    found = pip_installs((DEPLOY / "Containerfile").read_text())
    expected = pip_installs(QUICK_START)[:2]
    assert expected[0][-1] == "requirements/train.txt"
    expected[0][-1] = "requirements/serve.txt"
    assert found == expected
    assert "`pip install --require-hashes -r requirements/serve.txt`" in PAGE


def test_the_locked_packages_are_those_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"]]
    wanted += project["project"]["optional-dependencies"]["serve"]
    wanted += project["build-system"]["requires"]  # the package is built without isolation
    text = (ROOT / "requirements/serve.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)(?:\[[^\]]*\])?==", text, re.MULTILINE))
    assert {re.split(r"[\[><= ;]", package)[0] for package in wanted} <= locked


def test_the_copied_files_suffice_to_build_the_package(tmp_path: Path) -> None:
    context = tmp_path / "app"
    for arguments in arguments_of("COPY"):
        *sources, target = arguments.split()
        for source in sources:
            path = ROOT / source
            assert path.exists(), source
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, context / target, ignore=ignored)
            else:
                (context / target).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, context / target / path.name)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=context, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(tmp_path.glob("ankleboot-*.whl"))) == 1


def test_the_variables_are_those_of_the_command_and_the_port_is_its_default() -> None:
    variables = dict(pair.split("=") for line in arguments_of("ENV") for pair in line.split())
    known = {str(option.envvar) for option in serve.params if isinstance(option, click.Option)}
    assert set(variables) == {"ANKLEBOOT_HOST", "ANKLEBOOT_LOG"} <= known
    port = ServerConfig().port
    assert arguments_of("EXPOSE") == [str(port)]
    comment = (DEPLOY / "Containerfile").read_text()
    run = f"docker run --read-only --tmpfs /tmp -p 127.0.0.1:{port}:{port} "
    assert run in comment and run in PAGE
    assert arguments_of("ENTRYPOINT") == ['["ankleboot", "serve"]']
    assert arguments_of("STOPSIGNAL") == ["SIGTERM"]


def test_the_health_check_passes_while_the_server_takes_requests_and_fails_without_it() -> None:
    (check,) = arguments_of("HEALTHCHECK")
    command = [str(word) for word in shlex.split(check.partition("CMD ")[2].strip("[]"))]
    interpreter, option, code = (word.rstrip(",") for word in command)
    assert (interpreter, option) == ("python", "-c")
    address = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", code)
    assert address and int(address[1]) == ServerConfig().port and address[2] in ROUTES
    options = ("--host", "0.0.0.0", "--workers", "1", "--model", "pretrained")
    with running_server(*options) as server:
        here = code.replace(f":{address[1]}/", f":{server.port}/")
        assert subprocess.run([sys.executable, "-c", here], check=False).returncode == 0
    gone = subprocess.run([sys.executable, "-c", here], capture_output=True, check=False)
    assert gone.returncode != 0


@pytest.mark.parametrize("suffix", ["socket", "service"])
def test_the_units_start_the_command_on_its_default_port(suffix: str) -> None:
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(DEPLOY / f"ankleboot.{suffix}")
    if suffix == "socket":
        assert unit["Socket"]["ListenStream"] == f"127.0.0.1:{ServerConfig().port}"
        assert int(unit["Socket"]["Backlog"]) == ServerConfig().accept_backlog
    else:
        assert unit["Service"]["ExecStart"] == "/opt/ankleboot/bin/ankleboot serve --log json"
        assert unit["Service"]["DynamicUser"] == "yes"
        assert int(unit["Service"]["TimeoutStopSec"]) > ServerConfig().shutdown_grace_s


def test_steps_are_joined_lines_without_comments() -> None:
    assert steps("# a\nFROM b\n\nRUN c \\\n  d\n") == [("FROM", "b"), ("RUN", "c d")]
