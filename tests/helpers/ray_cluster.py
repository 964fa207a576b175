"""Ray cluster of two nodes on this machine."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def two_nodes(head_cores: int, other_cores: int) -> Iterator[Any]:
    """Start a cluster and connect to it; the driver is on the first node, the head."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    from ankleboot.core.executors.ray_cluster import connect

    with pytest.MonkeyPatch.context() as patch:  # workers import helpers as well
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": head_cores})
        connect(cluster.address)  # before there is another node that could be the driver's
        cluster.add_node(num_cpus=other_cores)
        try:
            yield cluster
        finally:
            ray.shutdown()
            cluster.shutdown()
