"""Labeling session: a queue of images, and the decisions about them in a label file."""

from typing import Any

import numpy as np

from ankleboot.core.csv_text import csv_text
from ankleboot.data.label_file import Decision, LabelFile
from ankleboot.server.error_responses import ApiError
from ankleboot.server.labeling.images import ImageFiles
from ankleboot.training.label_queue import LabelQueue, refitted

NUM_PREDICTIONS = 3  # classes that are shown for an image
MAX_PAGE = 200  # images of one request


class LabelSession:
    """Decisions about the images of a queue; every one is in the label file at once.

    Attributes:
        images: Encoders by the name of the set: "shown" or "known".
    """

    def __init__(self, queue: LabelQueue, file: LabelFile, *, title: str, is_new: bool) -> None:
        self._queue, self._file, self._title, self._is_new = queue, file, title, is_new
        self._row_of = {name: row for row, name in enumerate(queue.shown.names)}
        self.images = {"shown": ImageFiles(queue.shown), "known": ImageFiles(queue.known)}

    def describe(self) -> dict[str, Any]:
        """Return what the page has to know at its start."""
        queue = self._queue
        return {
            "title": self._title,
            "mode": "new" if self._is_new else "check",
            "classes": list(queue.class_names),
            "model": queue.model_name,
            "label_file": str(self._file.path),
            "notes": list(queue.notes),
            "can_refit": self._is_new and not queue.model_name,
            "progress": self.progress(),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the document of `label --json`."""
        names = {"data": self._queue.data_name, "label_file": str(self._file.path)}
        return names | self.progress()

    def progress(self) -> dict[str, int]:
        """Count the decisions, and the suspects that wait for one."""
        decided = self._decided()
        kinds = [self._kind(row, decision) for row, decision in decided.items()]
        suspects = self._queue.order[: self._queue.num_suspects].tolist()
        rows = self._queue.order.tolist()
        first = next((i for i, row in enumerate(rows) if row not in decided), len(rows))
        return {
            "total": len(rows),
            "decided": len(decided),
            "changed": kinds.count("changed"),
            "confirmed": kinds.count("confirmed"),
            "unusable": kinds.count("unusable"),
            "suspects": len(suspects),
            "suspects_decided": sum(row in decided for row in suspects),
            "next": first,
        }

    def items(
        self, start: int, count: int, class_name: str | None, *, is_open: bool
    ) -> dict[str, Any]:
        """Return images in the order of the queue, or those of a class.

        Args:
            start: Position of the first.
            count: Number of images.
            class_name: Class of the label, or of the prediction for new images; None for all.
            is_open: Whether to leave out decided images.
        """
        rows = self._queue.order
        decided = self._decided()
        if class_name is not None:
            rows = self._rows_of_class(class_name)
        if is_open:
            rows = np.array([row for row in rows if int(row) not in decided], np.int64)
        part = rows[start : start + min(count, MAX_PAGE)].tolist()
        return {"total": len(rows), "items": [self._item(row) for row in part]}

    def neighbors(self, row: int) -> list[dict[str, Any]]:
        """Describe the labeled images that are most like an image."""
        queue = self._queue
        self._check_row(row)
        is_same = queue.shown is queue.known
        names = queue.class_names
        return [
            {
                "row": neighbor,
                "name": queue.known.names[neighbor] if queue.known.names else "",
                "label": self._label(neighbor) if is_same else names[queue.known_labels[neighbor]],
                "similarity": round(similarity, 4),
            }
            for neighbor, similarity in queue.neighbors(row)
        ]

    def decide(self, rows: list[int], label: str) -> dict[str, Any]:
        """Store a decision about each image; "" means not usable.

        Raises:
            ApiError: If there is no such image or class.
            EnvironmentFailure: If the label file cannot be written.
        """
        if label and label not in self._queue.class_names:
            raise ApiError(422, "unknown_class", f"There is no class {label}.")
        for row in rows:
            self._check_row(row)
        for row in rows:
            self._file.append(self._queue.shown.names[row], label, self._label(row))
        return {"items": [self._item(row) for row in rows], "progress": self.progress()}

    def undo(self) -> dict[str, Any]:
        """Take back the last decision, also one of an earlier session.

        Stops at a decision about an image that is not on the page.
        """
        last, items = self._file.last, []
        if last is not None and (row := self._row_of.get(last.path)) is not None:
            self._file.undo()
            items = [self._item(row)]
        return {"items": items, "progress": self.progress()}

    def refit(self) -> dict[str, Any]:
        """Learn from the decisions so far, and order the new images anew."""
        if not self._is_new or self._queue.model_name:
            message = "Only new images without a model of your own are ordered anew."
            raise ApiError(422, "cannot_refit", message)
        index = {name: label for label, name in enumerate(self._queue.class_names)}
        decided = {row: index[d.label] for row, d in self._decided().items() if d.label}
        self._queue = refitted(self._queue, decided)
        return {"progress": self.progress()}

    def predictions_csv(self) -> str:
        """Return a table of all images: label, prediction, confidence, decision."""
        lines: list[list[str]] = [["path", "label", "predicted", "confidence", "decision"]]
        decided = self._decided()
        probs = self._probs()
        for row, name in enumerate(self._queue.shown.names):
            unknown = bool(np.isnan(probs[row]).any())
            predicted = "" if unknown else self._queue.class_names[probs[row].argmax()]
            confidence = "" if unknown else f"{probs[row].max():.4f}"
            kind = self._kind(row, decided.get(row))
            lines.append([name, self._label(row), predicted, confidence, kind])
        return csv_text(lines)

    def _decided(self) -> dict[int, Decision]:
        """Return the decisions about images of the queue, by row."""
        row_of = self._row_of
        decided = self._file.decided
        return {row_of[path]: decision for path, decision in decided.items() if path in row_of}

    def _kind(self, row: int, decision: Decision | None) -> str:
        """Say what a decision does to the label that the image had at first; "" for none."""
        if decision is None:
            return ""
        if not decision.label:
            return "unusable"
        return "confirmed" if decision.label == self._first_label(row) else "changed"

    def _first_label(self, row: int) -> str:
        label = int(self._queue.labels[row])
        return "" if label < 0 else self._queue.class_names[label]

    def _label(self, row: int) -> str:
        """Return the label that an image has now; "" if it has none."""
        decision = self._file.decided.get(self._queue.shown.names[row])
        if decision is not None and decision.label:
            return decision.label
        return self._first_label(row)

    def _probs(self) -> np.ndarray:
        queue = self._queue
        return queue.probs if queue.model_probs is None or not self._is_new else queue.model_probs

    def _rows_of_class(self, class_name: str) -> np.ndarray:
        """Return the images of a class: the surest new ones first, or the most doubtful labels."""
        if class_name not in self._queue.class_names:
            raise ApiError(422, "unknown_class", f"There is no class {class_name}.")
        label, queue = self._queue.class_names.index(class_name), self._queue
        if self._is_new:
            probs = self._probs()
            rows = np.flatnonzero(probs.argmax(axis=1) == label)
            return rows[np.argsort(-probs[rows, label], kind="stable")]
        names = [self._label(row) for row in range(len(queue.labels))]
        return queue.order[[names[row] == class_name for row in queue.order]]

    def _item(self, row: int) -> dict[str, Any]:
        queue, decision = self._queue, self._file.decided.get(self._queue.shown.names[row])
        kind = self._kind(row, decision)
        suspects = queue.order[: queue.num_suspects]
        model = None
        if queue.model_probs is not None and queue.is_learned is not None:
            model = {
                "predictions": self._top(queue.model_probs[row]),
                "learned": bool(queue.is_learned[row]),
            }
        return {
            "row": row,
            "name": queue.shown.names[row],
            "label": self._label(row),
            "decision": kind,
            "first_label": self._first_label(row),
            "suspect": bool((suspects == row).any()),
            "predictions": self._top(queue.probs[row]),
            "model": model,
        }

    def _top(self, probs: np.ndarray) -> list[list[Any]]:
        if np.isnan(probs).any():
            return []
        best = np.argsort(-probs, kind="stable")[:NUM_PREDICTIONS]
        return [[self._queue.class_names[i], round(float(probs[i]), 4)] for i in best]

    def _check_row(self, row: int) -> None:
        if not 0 <= row < len(self._queue.shown.names):
            raise ApiError(422, "unknown_image", f"There is no image {row}.")
