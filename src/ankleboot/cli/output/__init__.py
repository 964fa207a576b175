"""Output of the commands: progress on stderr, tables on stdout, plain lines in a pipe."""

from ankleboot.cli.output.benchmark import bench_photos, bench_predict
from ankleboot.cli.output.data import audit_result, data_fetched, data_verified
from ankleboot.cli.output.evaluation import (
    comparison_result,
    evaluation_result,
    explanation_result,
    report_result,
)
from ankleboot.cli.output.prediction import StepsWriter, export_result, prediction_printer
from ankleboot.cli.output.studies import study_list, study_result
from ankleboot.cli.output.terminal import counting, log_line, print_json, stdout_console
from ankleboot.cli.output.training import (
    TrainingProgress,
    recipe_fields,
    recipe_list,
    training_result,
)

__all__ = [
    "StepsWriter",
    "TrainingProgress",
    "audit_result",
    "bench_photos",
    "bench_predict",
    "comparison_result",
    "counting",
    "data_fetched",
    "data_verified",
    "evaluation_result",
    "explanation_result",
    "export_result",
    "log_line",
    "stdout_console",
    "prediction_printer",
    "print_json",
    "recipe_fields",
    "recipe_list",
    "report_result",
    "study_list",
    "study_result",
    "training_result",
]
