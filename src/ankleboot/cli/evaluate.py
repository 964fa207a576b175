"""`ankleboot evaluate`: judge a model on a whole split."""

from pathlib import Path

import click

from ankleboot.cli.options import DataOptions, data_option, json_option, split_option
from ankleboot.cli.run_folder import place_of, save_figure


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@split_option
@data_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for numbers and pictures. [default: the run folder]",
)
@json_option
def evaluate(
    model: Path, split_name: str, data_choice: DataOptions, output: Path | None, as_json: bool
) -> None:
    """Judge MODEL on a whole split.

    MODEL is a run folder, a .keras, .tflite or .onnx file, an exported folder, or "pretrained".
    Choose with the validation split; every look at the test split is counted.
    """
    from ankleboot.cli import output as console
    from ankleboot.core.files import make_folder, write_json
    from ankleboot.evaluation import evaluate as judge
    from ankleboot.evaluation import test_set_usage
    from ankleboot.evaluation.prediction_cache import cached_predictions
    from ankleboot.inference.load import load_predictor
    from ankleboot.models.run import find_run

    place = place_of(model)
    run = find_run(place)
    predictor = load_predictor(model)
    info = predictor.info
    loaded = data_choice.load(info.image_spec, run=run, known=info.data)
    part = judge.select_split(loaded, split_name, info)
    reads = (
        test_set_usage.record_test_evaluation
        if split_name == "test"
        else test_set_usage.num_test_evaluations
    )(model, info)
    evaluation = judge.evaluate_probs(
        predictor.name,
        cached_predictions(model, predictor, part, split_name),
        part.labels,
        class_names=info.labels,
        data=loaded.name,
        split=split_name,
        test_reads=reads,
    )

    paths = []
    folder = output
    if run and place == model == run.folder and loaded.name == run.manifest()["data"]["name"]:
        folder = output or model
    if folder is not None:
        make_folder(folder)
        paths = [folder / f"evaluation-{split_name}.json", folder / f"confusion-{split_name}.png"]
        write_json(paths[0], evaluation.to_json())
        from ankleboot.evaluation import plots

        save_figure(plots.confusion(evaluation), paths[1])
    if as_json:
        console.print_json(evaluation.to_json())
    else:
        console.evaluation_result(evaluation, paths)
