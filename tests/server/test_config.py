import os
import re
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from ankleboot.cli.main import cli
from ankleboot.cli.serve import serve as serve_command
from ankleboot.core.image_limits import MAX_PIXELS
from ankleboot.server.config import ServerConfig

DEPLOY = (Path(__file__).parents[2] / "docs/deploy.md").read_text()


def configure(*arguments: str, **environment: str) -> ServerConfig:
    """Return the configuration that `ankleboot serve` runs with."""
    configs: list[ServerConfig] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ankleboot.server.lifecycle.serve", lambda config, *_: configs.append(config))
        result = CliRunner().invoke(cli, ["serve", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return configs[0]


def test_the_command_runs_with_the_defaults_of_the_configuration() -> None:
    assert configure() == ServerConfig()
    assert configure().workers == (os.cpu_count() or 1)


def test_another_default_in_the_configuration_is_another_default_of_the_command() -> None:
    """A process changes every default of the dataclass before it imports the command."""
    code = (
        "from dataclasses import fields\n"
        "from ankleboot.server.config import ServerConfig\n"
        "for field in fields(ServerConfig):\n"
        "    field.default = ('changed', field.name)\n"
        "from ankleboot.cli.serve import serve\n"
        "for option in serve.params:\n"
        "    if option.name not in ('log_format', 'as_json', 'workers'):\n"
        "        assert option.default == ('changed', option.name), option.name\n"
        "        print(option.name)\n"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert len(process.stdout.split()) == 14


def test_every_option_has_a_variable_of_its_name() -> None:
    variables = {
        "ANKLEBOOT_MODELS": "photo zero-shot",
        "ANKLEBOOT_TRUST": "1",
        "ANKLEBOOT_HOST": "::1",
        "ANKLEBOOT_PORT": "1",
        "ANKLEBOOT_WORKERS": "3",
        "ANKLEBOOT_MAX_BODY": "2000",
        "ANKLEBOOT_QUEUE": "4",
        "ANKLEBOOT_TIMEOUT": "5",
        "ANKLEBOOT_DRAIN_SECONDS": "6",
        "ANKLEBOOT_API_KEY": "key",
        "ANKLEBOOT_ALLOWED_HOSTS": "a b",
        "ANKLEBOOT_RATE_LIMIT": "7",
        "ANKLEBOOT_PAGE": "0",
        "ANKLEBOOT_V2": "1",
        "ANKLEBOOT_KEEP_PREVIOUS": "0",
    }
    expected = ServerConfig(
        models=("photo", "zero-shot"),
        trust=True,
        host="::1",
        port=1,
        workers=3,
        max_body_bytes=2000,
        queue_size=4,
        request_timeout_s=5.0,
        drain_s=6.0,
        api_key="key",
        allowed_hosts=("a", "b"),
        rate_limit_per_s=7.0,
        page=False,
        v2=True,
        keep_previous=0,
    )
    assert configure(**variables) == expected
    assert configure(ANKLEBOOT_API_KEY="").api_key is None


def test_a_worker_gets_every_limit_and_no_key() -> None:
    config = ServerConfig(api_key="s3cret", trust=True, request_timeout_s=7.0)
    text = config.to_worker_json()
    assert "s3cret" not in text
    assert ServerConfig.from_worker_json(text) == replace(config, api_key=None)


def test_the_documented_limits_are_those_of_the_configuration() -> None:
    config = ServerConfig()
    for text in (
        f"did not arrive within {config.body_timeout_s:g} seconds",
        f"{MAX_PIXELS // 10**6} megapixels (JPEG 120, progressive 60), "
        f"{config.max_images_per_request} images",
        f"headers of more than {config.max_header_bytes // 1024} KiB",
        f"client_max_body_size {config.max_body_bytes // 2**20}m;",
    ):
        assert text in DEPLOY, text
    (kill_after_s,) = map(int, re.findall(r"at least (\d+) seconds before it kills", DEPLOY))
    shutdown_s = config.drain_s + config.shutdown_grace_s + config.worker_exit_timeout_s
    assert shutdown_s < kill_after_s


def documented_fields() -> list[tuple[str, str]]:
    return re.findall(r"^\| `(\w+_\w+)` \| ([^|]+?) \|", DEPLOY, re.M)


@pytest.mark.parametrize(("field", "value"), documented_fields())
def test_a_documented_default_is_that_of_the_configuration(field: str, value: str) -> None:
    units = {"s": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
    number, _, unit = value.replace(",", "").partition(" ")
    assert getattr(ServerConfig(), field) == float(number) * units.get(unit, 1)


def test_every_limit_of_the_configuration_is_documented() -> None:
    options = {option.name for option in serve_command.params}
    limits = {field.name for field in fields(ServerConfig)} - options
    assert {field for field, _ in documented_fields()} >= limits
