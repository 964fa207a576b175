"""Runs in an MLflow store: the recipe, metrics by epoch, results, and the run folder as artifact.

    ankleboot train sprint --track mlflow
    mlflow ui --backend-store-uri sqlite:///runs/mlflow.db

MLFLOW_TRACKING_URI names another store or a server, MLFLOW_EXPERIMENT_NAME another experiment.
Source: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.client.html
"""

import json
import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ankleboot.core.errors import EnvironmentFailure, Interrupted, first_line
from ankleboot.core.files import make_folder, write_json
from ankleboot.data.splits import Split
from ankleboot.models.run import EpochRecord, Run
from ankleboot.training.callbacks import LayerSummary, TrainingCallback

TRACKING_FILE = "mlflow.json"  # in a run folder: the store, and its number there
FOLDER, DATABASE, ARTIFACTS = Path("runs"), "mlflow.db", "mlflow-artifacts"
EXPERIMENT = "ankleboot"
BATCH = 100  # parameters of a call, MLflow's limit


class MlflowTracker(TrainingCallback):
    """Callback that tells a store about a run while it trains.

        ankleboot.train(recipe, callbacks=[MlflowTracker()])

    A run that is resumed stays the same run in the store, and no epoch is told twice. A store that
    fails during the training does not end it: what is missing is told at the end.

    Raises:
        EnvironmentFailure: If the store cannot be opened.
        ModuleNotFoundError: If MLflow is not installed.
    """

    def __init__(self) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nothing is sent unasked
        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of its tables
        from mlflow import MlflowClient

        uri = os.environ.get("MLFLOW_TRACKING_URI")
        artifacts = None
        if uri is None:
            make_folder(FOLDER)
            uri = f"sqlite:///{(FOLDER / DATABASE).absolute()}"
            artifacts = (FOLDER / ARTIFACTS).absolute().as_uri()
        self._uri = uri
        with _failures_of(uri):
            self._client = MlflowClient(uri)
            self._experiment = self._find_experiment(artifacts)
        self._run_id = ""

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:  # noqa: ARG002
        """Begin a run in the store, or go on with that of an earlier process."""
        with _failures_of(self._uri):
            self._begin(run)

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        """Tell the metrics of an epoch; `on_complete` tells them if that fails."""
        try:
            self._tell_epochs([record])
        except Exception:  # noqa: BLE001 S110 - of any store, which must not end a training
            pass

    def on_complete(self, run: Run) -> None:
        """Tell what is missing, the results, and the files of the run."""
        with _failures_of(self._uri, f"the run in {run.folder} is complete, but "):
            self._tell_epochs(run.history())
            self._tell_result(run)
            self._client.log_artifacts(self._run_id, str(run.folder), "run")
            self._client.set_terminated(self._run_id, "FINISHED")

    def on_stop(self, error: BaseException) -> None:
        """Tell that a training ended before its end."""
        status = "KILLED" if isinstance(error, Interrupted | KeyboardInterrupt) else "FAILED"
        if self._run_id:
            with _failures_of(self._uri):
                self._client.set_terminated(self._run_id, status)

    def record(self, run: Run) -> None:
        """Tell all about a run that is complete."""
        with _failures_of(self._uri):
            self._begin(run)
        self.on_complete(run)

    def _find_experiment(self, artifacts: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(name, artifact_location=artifacts))

    def _begin(self, run: Run) -> None:
        self._run_id = self._known_run(run)
        if self._run_id:
            self._client.update_run(self._run_id, status="RUNNING")
            return
        manifest, recipe = run.manifest(), run.recipe()
        tags = {
            "mlflow.runName": run.folder.name,
            "ankleboot.folder": str(run.folder.absolute()),
            "ankleboot.train_sha256": manifest["data"]["train_sha256"],
            "ankleboot.git_commit": manifest.get("git_commit") or "",
        }
        created = self._client.create_run(self._experiment, tags=tags)
        self._run_id = created.info.run_id
        write_json(run.folder / TRACKING_FILE, {"store": self._uri, "run_id": self._run_id})
        self._tell_parameters({**recipe.to_json(), "data": manifest["data"]["name"]})
        if (run.folder / "history.csv").exists():
            self._tell_epochs(run.history())

    def _known_run(self, run: Run) -> str:
        """Return the number of a run in this store; "" if it is not there."""
        from mlflow.exceptions import MlflowException

        try:
            document = json.loads((run.folder / TRACKING_FILE).read_text())
            if document["store"] != self._uri:
                return ""
            return str(self._client.get_run(document["run_id"]).info.run_id)
        except (OSError, ValueError, KeyError, TypeError, MlflowException):
            return ""

    def _tell_parameters(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(key, str(value)) for key, value in values.items()]
        for start in range(0, len(params), BATCH):
            self._client.log_batch(self._run_id, params=params[start : start + BATCH])

    def _tell_epochs(self, history: Iterable[EpochRecord]) -> None:
        """Tell the epochs that the store does not have."""
        told = {m.step for m in self._client.get_metric_history(self._run_id, "train_loss")}
        for record in history:
            if record.epoch not in told:
                figures = {key: value for key, value in asdict(record).items() if key != "epoch"}
                self._tell_metrics(figures, record.epoch)

    def _tell_result(self, run: Run) -> None:
        result = run.result()
        figures = {f"result_{key}": value for key, value in result["validation"].items()}
        figures |= {key: result[key] for key in ("parameters", "model_epoch", "train_seconds")}
        self._tell_metrics(figures, result["model_epoch"])

    def _tell_metrics(self, figures: Mapping[str, Any], step: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [
            Metric(key, float(value), now, step)
            for key, value in figures.items()
            if isinstance(value, int | float)
        ]
        self._client.log_batch(self._run_id, metrics=metrics)


@contextmanager
def _failures_of(uri: str, prefix: str = "") -> Iterator[None]:
    """Turn the errors of a store, of which there are many types, into one line."""
    try:
        yield
    except (EnvironmentFailure, ModuleNotFoundError):
        raise
    except Exception as error:
        raise EnvironmentFailure(
            f"{prefix}the MLflow store {uri} fails ({first_line(error)})"
        ) from error
