"""`ankleboot evaluate`: judge a model on a whole split."""

from pathlib import Path

import click

from ankleboot.cli.options import DataChoice, data_option, json_option, split_option
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
    model: Path, split_name: str, data_choice: DataChoice, output: Path | None, as_json: bool
) -> None:
    """Judge MODEL on a whole split.

    MODEL is a run folder, a .keras, .tflite or .onnx file, an exported folder, or "pretrained".
    Choose with the validation split; every look at the test split is counted.
    """
    from ankleboot import console, test_reads
    from ankleboot import evaluation as judge
    from ankleboot.answers import answers
    from ankleboot.files import make_folder, write_json
    from ankleboot.predictors import load_predictor
    from ankleboot.runs import run_of

    place = place_of(model)
    run = run_of(place)
    predictor = load_predictor(model)
    info = predictor.info
    loaded = data_choice.load(info.preparation, run=run, known=info.data)
    part = judge.part_of(loaded, split_name, info)
    reads = (test_reads.count if split_name == "test" else test_reads.so_far)(model, info)
    evaluation = judge.evaluate_probs(
        predictor.name,
        answers(model, predictor, part, split_name),
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
        from ankleboot import plots

        save_figure(plots.confusion(evaluation), paths[1])
    if as_json:
        console.print_json(evaluation.to_json())
    else:
        console.evaluation_result(evaluation, paths)
