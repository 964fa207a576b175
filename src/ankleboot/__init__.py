"""Ankleboot: train, judge, explain and ship clothing classifiers on Fashion-MNIST.

    import ankleboot

    run = ankleboot.train(ankleboot.get_recipe("sprint"), ankleboot.load_data())
    print(ankleboot.evaluate(run).accuracy)
    print(ankleboot.predict(["boot.jpg"], model=run))

A recipe and a data set give a run; a predictor gives an evaluation. Importing the package loads
nothing: each name below is imported when it is first used, and TensorFlow only by what needs it.
"""

from importlib import import_module

TYPE_CHECKING = False  # not that of typing: until its import is done, Ctrl-C is a traceback
if TYPE_CHECKING:
    from ankleboot.core.errors import AnklebootError as AnklebootError  # exported by "as"
    from ankleboot.data.load import load_data as load_data
    from ankleboot.evaluation.adoption.adopt import adopt as adopt
    from ankleboot.evaluation.compare import compare as compare
    from ankleboot.evaluation.ensemble import load_ensemble as load_ensemble
    from ankleboot.evaluation.evaluate import evaluate as evaluate
    from ankleboot.evaluation.explain.explain import explain as explain
    from ankleboot.evaluation.report.write import write_report as write_report
    from ankleboot.export.export import export_model as export_model
    from ankleboot.inference.bulk.predict_bulk import predict_bulk as predict_bulk
    from ankleboot.inference.load import load_predictor as load_predictor
    from ankleboot.inference.predict import predict as predict
    from ankleboot.inference.preprocessing_steps import preprocessing_steps as preprocessing_steps
    from ankleboot.models.run import load_run as load_run
    from ankleboot.models.run_list.index import list_runs as list_runs
    from ankleboot.recipes.catalog import get_recipe as get_recipe
    from ankleboot.recipes.catalog import list_recipes as list_recipes
    from ankleboot.recipes.recipe import Recipe as Recipe
    from ankleboot.training.cross_validate import cross_validate as cross_validate
    from ankleboot.training.data_audit import audit_data as audit_data
    from ankleboot.training.train import resume as resume
    from ankleboot.training.train import train as train
    from ankleboot.training.train_seeds import train_seeds as train_seeds

__version__ = "0.1.0.dev0"

_MODULES = {
    "AnklebootError": "core.errors",
    "Recipe": "recipes.recipe",
    "adopt": "evaluation.adoption.adopt",
    "audit_data": "training.data_audit",
    "compare": "evaluation.compare",
    "cross_validate": "training.cross_validate",
    "evaluate": "evaluation.evaluate",
    "explain": "evaluation.explain.explain",
    "export_model": "export.export",
    "get_recipe": "recipes.catalog",
    "list_recipes": "recipes.catalog",
    "list_runs": "models.run_list.index",
    "load_data": "data.load",
    "load_ensemble": "evaluation.ensemble",
    "load_predictor": "inference.load",
    "load_run": "models.run",
    "predict": "inference.predict",
    "predict_bulk": "inference.bulk.predict_bulk",
    "preprocessing_steps": "inference.preprocessing_steps",
    "resume": "training.train",
    "train": "training.train",
    "train_seeds": "training.train_seeds",
    "write_report": "evaluation.report.write",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> object:
    """Import a public name when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
