"""The questions: consistency of every study, and lists of jobs."""

import shlex
from dataclasses import replace

import pytest

from ankleboot.core import plugins
from ankleboot.core.errors import UsageError
from ankleboot.evaluation.statistics import min_p_value
from ankleboot.recipes.catalog import RECIPES, get_recipe
from ankleboot.recipes.parse import override
from ankleboot.studies.measures.load import load_measure
from ankleboot.studies.quantities import QUANTITIES
from ankleboot.studies.results import ALPHA
from ankleboot.studies.study import MIN_SEEDS, Study, get_study, list_jobs
from helpers.images import TINY
from helpers.studies import ACCURACY, TOY

STUDIES = [get_study(name) for name in plugins.names("studies")]


NAMES = ("convolutions", "filters", "pooling", "normalization", "softmax", "overfitting")


def test_studies_are_listed_in_their_order() -> None:
    assert plugins.names("studies")[:8] == (*NAMES, "confusion", "ladder")
    with pytest.raises(UsageError, match="unknown study 'pool'.*valid: convolutions, filters"):
        get_study("pool")


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_study_is_consistent(study: Study) -> None:
    for variants in (study.variants, study.quick):
        names = [variant.name for variant in variants]
        assert len(set(names)) == len(names)
    names = [variant.name for variant in study.variants]
    for comparison in study.comparisons:
        assert {comparison.first, comparison.second} <= set(names)
        assert comparison.quantity in QUANTITIES
    assert set(study.columns) <= set(QUANTITIES)
    for measure in {*study.measures, *(m for v in study.variants for m in v.measures)}:
        assert callable(load_measure(measure))
    assert ACCURACY in study.measures
    assert {variant.name for variant in study.quick} <= set(names)


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_full_study_has_enough_runs_for_its_tests(study: Study) -> None:
    """Holm's adjustment multiplies the smallest p-value of a permutation test."""
    if study.comparisons:
        assert study.seeds >= MIN_SEEDS
        assert min_p_value(study.seeds, study.seeds) * len(study.comparisons) < ALPHA


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
def test_next_steps_are_valid_commands(study: Study) -> None:
    for line in study.next_steps:
        program, command, *rest = shlex.split(line, comments=True)
        assert program == "ankleboot"
        if command == "train":
            settings = dict(setting.split("=") for setting in rest[2::2])
            assert set(rest[1::2]) <= {"--set"}
            override(get_recipe(rest[0]), settings)
        else:
            assert command in ("compare", "data", "evaluate", "explain", "export", "report")


def test_recipes_of_variants_derive_from_named_ones() -> None:
    named = {variant.recipe.name for study in STUDIES for variant in study.variants}
    assert named <= set(RECIPES)


def test_training_size_beyond_the_data_means_all_images() -> None:
    large = replace(TOY.variants[0], recipe=replace(TINY, train_size=1_000))
    made = list_jobs(replace(TOY, variants=(large,)), "x", 500, quick=False, seeds=1)
    assert made[0].recipe.train_size == 0
    made = list_jobs(replace(TOY, variants=(large,)), "x", 1_000, quick=False, seeds=1)
    assert made[0].recipe.train_size == 1_000


def test_seedless_variants_run_once() -> None:
    once = replace(TOY.variants[0], once=True)
    made = list_jobs(replace(TOY, variants=(once, TOY.variants[1])), "x", 9, quick=False, seeds=3)
    assert [(job.variant.name, job.seed) for job in made] == [
        ("one", 0),
        ("two", 0),
        ("two", 1),
        ("two", 2),
    ]
