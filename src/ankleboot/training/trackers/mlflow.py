"""Runs in an MLflow store: the recipe, metrics by epoch, results, and the run folder as artifact.

    ankleboot train sprint --track mlflow
    mlflow ui --backend-store-uri sqlite:///runs/mlflow.db

MLFLOW_TRACKING_URI names another store or a server, MLFLOW_EXPERIMENT_NAME another experiment.
Source: https://mlflow.org/docs/latest/api_reference/python_api/mlflow.client.html
"""

import logging
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import urlsplit, urlunsplit

from ankleboot.core.documents import read_document
from ankleboot.core.errors import AnklebootError, EnvironmentFailure, Interrupted, first_line
from ankleboot.core.files import make_folder, write_json
from ankleboot.data.splits import Split
from ankleboot.models.history import EpochRecord
from ankleboot.models.run import Run
from ankleboot.training.callbacks import LayerSummary, TrainingCallback

TRACKING_FILE = "mlflow.json"  # in a run folder
FOLDER, DATABASE, ARTIFACTS = Path("runs"), "mlflow.db", "mlflow-artifacts"
EXPERIMENT = "ankleboot"
BATCH = 100  # parameters of a call, MLflow's limit
SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing is sent unasked
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # by default a dead server stops an epoch for minutes
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",  # seconds
}
"""Settings of MLflow that a variable of the environment may change."""


class TrackingDocument(TypedDict):
    """Document of mlflow.json: the store, and the number of the run there."""

    store: str
    run_id: str


class MlflowTracker(TrainingCallback):
    """Callback that logs a run to a store while it trains.

        ankleboot.train(recipe, callbacks=[MlflowTracker()])

    A run that is resumed stays the same run in the store, and no epoch is logged twice. A store
    that fails during the training does not end it: what is missing is logged at the end.

    Raises:
        EnvironmentFailure: If the store cannot be opened.
        ModuleNotFoundError: If MLflow is not installed.
    """

    def __init__(self) -> None:
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        from mlflow import MlflowClient

        logging.getLogger("mlflow").setLevel(logging.WARNING)  # it tells of its tables
        uri = os.environ.get("MLFLOW_TRACKING_URI")
        artifacts = None
        if uri is None:
            make_folder(FOLDER)
            uri = f"sqlite:///{(FOLDER / DATABASE).absolute()}"
            artifacts = (FOLDER / ARTIFACTS).absolute().as_uri()
        self._store = _without_password(uri)
        with self._failures():
            self._client = MlflowClient(uri)
            self._experiment = self._find_experiment(artifacts)
        self._folder: Path | None = None
        self._run_id, self._is_silent = "", False

    def on_start(self, run: Run, layers: list[LayerSummary], split: Split) -> None:  # noqa: ARG002
        """Begin a run in the store, or go on with that of an earlier process."""
        with self._failures():
            self._begin(run)

    def on_epoch_end(self, record: EpochRecord, is_best: bool) -> None:  # noqa: ARG002
        """Log the metrics of an epoch; after a failure `on_complete` logs the rest."""
        if self._is_silent:
            return
        try:
            self._log_epochs([record])
        except Exception:  # of any store; none of them must end a training
            self._is_silent = True

    def on_complete(self, run: Run) -> None:
        """Log what is missing, the results, and the files of the run."""
        with self._failures(f"the run in {run.folder} is complete, but "):
            if self._folder != run.folder:  # it was trained elsewhere, or before
                self._begin(run)
            self._log_epochs(run.history())
            self._log_result(run)
            self._client.log_artifacts(self._run_id, str(run.folder), "run")
            self._client.set_terminated(self._run_id, "FINISHED")

    def on_stop(self, error: BaseException) -> None:
        """Log that a training ended before its end; what ended it counts, not the store."""
        status = "KILLED" if isinstance(error, Interrupted | KeyboardInterrupt) else "FAILED"
        if self._run_id:
            with suppress(Exception):
                self._client.set_terminated(self._run_id, status)

    def _find_experiment(self, artifacts: str | None) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        return str(self._client.create_experiment(name, artifact_location=artifacts))

    def _begin(self, run: Run) -> None:
        manifest, recipe = run.manifest(), run.recipe()
        self._folder, self._run_id, self._is_silent = run.folder, self._known_run(run), False
        if not self._run_id:
            self._create(run, manifest)
        self._client.update_run(self._run_id, status="RUNNING")
        self._log_parameters({**recipe.to_json(), "data": manifest["data"]["name"]})
        if (run.folder / "history.csv").exists():
            self._log_epochs(run.history())

    def _create(self, run: Run, manifest: Mapping[str, Any]) -> None:
        tags = {
            "mlflow.runName": run.folder.name,
            "ankleboot.folder": str(run.folder.absolute()),
            "ankleboot.train_sha256": manifest["data"]["train_sha256"],
            "ankleboot.git_commit": manifest.get("git_commit") or "",
        }
        created = self._client.create_run(self._experiment, tags=tags)
        self._run_id = created.info.run_id
        write_json(run.folder / TRACKING_FILE, {"store": self._store, "run_id": self._run_id})

    def _known_run(self, run: Run) -> str:
        """Return the number of a run in this store; "" if it is not there."""
        from mlflow.exceptions import MlflowException

        path = run.folder / TRACKING_FILE
        if not path.exists():
            return ""
        document = read_document(path, TrackingDocument)
        if document["store"] != self._store:
            return ""
        try:
            return str(self._client.get_run(document["run_id"]).info.run_id)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return ""

    def _log_parameters(self, values: Mapping[str, Any]) -> None:
        from mlflow.entities import Param

        params = [Param(key, str(value)) for key, value in values.items()]
        for start in range(0, len(params), BATCH):
            self._client.log_batch(self._run_id, params=params[start : start + BATCH])

    def _log_epochs(self, history: Iterable[EpochRecord]) -> None:
        """Log the epochs that the store does not have."""
        known = {m.step for m in self._client.get_metric_history(self._run_id, "train_loss")}
        for record in history:
            if record.epoch not in known:
                figures = {key: value for key, value in asdict(record).items() if key != "epoch"}
                self._log_metrics(figures, record.epoch)

    def _log_result(self, run: Run) -> None:
        result = run.result()
        figures = {f"result_{key}": value for key, value in result["validation"].items()}
        figures |= {key: result[key] for key in ("parameters", "model_epoch", "train_seconds")}
        self._log_metrics(figures, result["model_epoch"])

    def _log_metrics(self, figures: Mapping[str, Any], step: int) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        metrics = [
            Metric(key, float(value), now, step)
            for key, value in figures.items()
            if isinstance(value, int | float)
        ]
        self._client.log_batch(self._run_id, metrics=metrics)

    @contextmanager
    def _failures(self, prefix: str = "") -> Iterator[None]:
        """Turn the errors of a store, of which there are many types, into one line."""
        try:
            yield
        except (AnklebootError, ModuleNotFoundError):
            raise
        except Exception as error:
            raise EnvironmentFailure(
                f"{prefix}the MLflow store {self._store} fails ({first_line(error)})"
            ) from error


def _without_password(uri: str) -> str:
    """Return an address without the name and password of a user."""
    parts = urlsplit(uri)
    if "@" not in parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
