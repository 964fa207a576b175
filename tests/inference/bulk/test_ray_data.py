"""Bulk prediction on a real Ray cluster of two nodes on this machine."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from ankleboot.core.errors import EnvironmentFailure
from ankleboot.inference.bulk import ray_data, shards
from ankleboot.inference.bulk.predict_bulk import predict_bulk
from ankleboot.inference.bulk.ray_data import ChunkActor
from ankleboot.inference.bulk.worker import PredictionSettings
from helpers.ray_cluster import two_nodes
from helpers.shards import png_images, write_tar

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own, in many places
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    with two_nodes(1, 1) as made:
        yield made


@pytest.fixture
def shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(shards, "CHUNK_IMAGES", 100)
    members = {f"{n:05}.png": content for n, content in enumerate(png_images(3000))}
    return write_tar(tmp_path / "s.tar", {**members, "broken.png": b"no image"})


def test_a_cluster_gives_the_rows_of_this_machine(
    cluster: Any, shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shard.parent)
    lines: list[str] = []
    here = predict_bulk("s.tar", tmp_path / "here.parquet")
    there = predict_bulk("s.tar", tmp_path / "there.parquet", on="ray", log=lines.append)
    first, second = (parquet.read_table(result.path) for result in (here, there))
    assert first.equals(second) and first.num_rows == 3001
    assert here.num_failed == there.num_failed == 1
    assert lines[0] == "0 of 3,001 images, on Ray, 2 machines with 2 cores"


def test_a_killed_node_loses_nothing_and_doubles_nothing(
    cluster: Any, shard: Path, tmp_path: Path
) -> None:
    output = tmp_path / "r.parquet"
    parts = output.with_name("r.parquet.parts")
    victim = next(node for node in cluster.list_all_nodes() if node is not cluster.head_node)

    def kill_node() -> None:
        while len(list(parts.glob("*.parquet"))) < 3:
            time.sleep(0.01)
        cluster.remove_node(victim, allow_graceful=False)

    killer = threading.Thread(target=kill_node)
    killer.start()
    predict_bulk(shard, output, on="ray")
    killer.join()
    cluster.add_node(num_cpus=1)
    paths = parquet.read_table(output).column("path").to_pylist()
    assert paths == [f"{shard}/{n:05}.png" for n in range(3000)] + [f"{shard}/broken.png"]


def test_what_an_actor_cannot_do_is_one_line(cluster: Any, shard: Path, tmp_path: Path) -> None:
    settings = PredictionSettings("pretrained")
    row = {"place": 0, "line": "{}"}
    answer = ChunkActor(settings, "/gone", "0.0")(row)
    assert answer["error"].startswith("the driver has ankleboot 0.0, this machine")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getcwd", lambda: "/gone/here")
        with pytest.raises(EnvironmentFailure, match="the images must lie under the same path"):
            predict_bulk(shard, tmp_path / "r.parquet", on="ray")


def test_an_image_that_ends_its_actor_is_named(
    cluster: Any, shard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_data, "ChunkActor", _Dying)
    with pytest.raises(EnvironmentFailure, match=r"the cluster failed 3 times at the images from"):
        predict_bulk(shard, tmp_path / "r.parquet", on="ray", parallel=1)


class _Dying:
    """Actor that a bad image ends."""

    def __init__(self, *_: Any) -> None:
        pass

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        os._exit(1)
