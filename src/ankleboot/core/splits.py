"""Splits that models are judged on, and the file of each evaluation."""

SPLITS = ("validation", "held-out", "test")
"""Splits that a user can name; "held-out" is the fold of a cross-validation's run."""

EVALUATION_FILES = {split: f"evaluation-{split}.json" for split in (*SPLITS, "new")}
"""File of an evaluation by split; "new" is for data that are new to the model."""
