"""Named recipes; most are defined by their difference from another recipe."""

import shlex
from dataclasses import replace
from typing import Any

from ankleboot.core.errors import UsageError
from ankleboot.core.text import unknown_name
from ankleboot.recipes.option import shown
from ankleboot.recipes.parse import override
from ankleboot.recipes.recipe import OPTIONS, Recipe

PLAIN = Recipe(name="plain", epochs=5)
"""Simple CNN of the first reference implementation: two blocks of convolution and max pooling with
32 and 64 filters, a dense layer and the softmax; 225,034 parameters."""

LEAKY = replace(PLAIN, name="leaky", blocks=3, padding="same", activation="leaky_relu", epochs=20)
"""CNN of the second reference implementation: LeakyReLU 0.1, 32-64-128 filters; 356,234 parameters,
which needs padding "same" in the poolings, too (28-14-7-4)."""

SPRINT = Recipe(
    name="sprint",
    blocks=4,
    filters=16,
    max_filters=64,
    padding="same",
    block_order="pool_norm_act",
    stem="dct",
    batch_norm=True,
    dense_units=0,
    input_scaling="standard",
    optimizer="muon",
    learning_rate=0.07,
    schedule="one_cycle",
    label_smoothing=0.1,
    batch_size=256,
    epochs=2,
    hard_example_fraction=0.5,
    precision="auto",
)
"""Fastest training on a CPU to the accuracy of the reference implementations
(docs/performance.md)."""

POCKET = replace(
    SPRINT,
    name="pocket",
    stem="trained",
    max_filters=128,
    hard_example_fraction=1.0,
    flip=True,
    max_shift=1,
    random_erasing=0.2,
    epochs=40,
)
"""Recipe of the shipped model "pocket", the quickest on a phone; the training takes two minutes,
that of `sprint` four seconds."""

CNN10K = replace(
    SPRINT,
    name="cnn10k",
    stem="trained",
    blocks=3,
    max_filters=32,
    convs_per_block=3,
    convolution="separable",
    residual=True,
    global_pooling="average",
    learning_rate=0.1,
    hard_example_fraction=1.0,
    flip=True,
    teacher="pocket",
    epochs=40,
)
"""Network below 10,000 parameters, taught by the shipped model "pocket" (docs/experiments.md)."""

CNN50K = replace(
    CNN10K, name="cnn50k", filters=32, max_filters=64, convs_per_block=4, max_shift=1, teacher=""
)
"""Network below 50,000 parameters."""

STRONG = replace(
    SPRINT,
    name="strong",
    stem="trained",
    blocks=3,
    filters=24,
    max_filters=96,
    convs_per_block=3,
    residual=True,
    global_pooling="average",
    validation_fraction=0.05,
    hard_example_fraction=1.0,
    flip=True,
    max_shift=1,
    random_erasing=0.5,
    epochs=70,
)
"""Network for an hour of training on a CPU with AVX2 alone; of the training file it keeps 3,000
images for validation, since its fields were chosen on 12,000 (docs/experiments.md)."""

STEADY = replace(STRONG, name="steady", random_erasing=0.0, epochs=14)
"""Highest accuracy in the time that `leaky` takes to train."""

CNN100K = replace(STRONG, name="cnn100k", filters=16, max_filters=48, epochs=120)
"""Network below 100,000 parameters; measured with a run of `strong` as its teacher."""

CHAMPION = replace(
    STRONG,
    name="champion",
    filters=128,
    max_filters=512,
    cutmix=0.5,
    ema=0.999,
    batch_size=512,
    epochs=600,
    precision="bfloat16",
)
"""Highest accuracy, for the JAX backend on an accelerator; not measured."""

SIMULATED = replace(
    POCKET, name="simulated", max_shift=0, random_erasing=0.0, photo_simulation=0.8, epochs=8
)
"""Recipe for photos without training on photos: it simulates their preprocessing on Fashion-MNIST
(`--model zero-shot`)."""

TRANSFER = Recipe(
    name="transfer",
    architecture="transfer",
    image_size=224,
    color=True,
    crop="none",
    split="stratified",
    dropout=0.2,
    flip=True,
    max_shift=16,
    rotation=20.0,
    scale_jitter=0.25,
    aspect_jitter=0.25,
    random_erasing=0.25,
    color_jitter=0.3,
    optimizer="adamw",
    learning_rate=5e-4,
    weight_decay=0.05,
    schedule="one_cycle",
    label_smoothing=0.1,
    batch_size=32,
    head_epochs=5,
    epochs=13,
    keep="auto",
    monitor="accuracy",
)
"""Recipe for image folders: a network pretrained on ImageNet is fine-tuned on their classes."""

SMALL = replace(
    TRANSFER, name="small", backbone="efficientnet_lite0_small", image_size=160, epochs=19
)
"""Recipe for image folders with a network of a quarter of the size."""

TINY = replace(
    TRANSFER,
    name="tiny",
    backbone="fashion_mnist",
    image_size=28,
    color=False,
    crop="garment",
    max_shift=1,
    rotation=10.0,
    scale_jitter=0.1,
    aspect_jitter=0.15,
    random_erasing=0.1,
    color_jitter=0.0,
    photo_simulation=0.3,
    optimizer="muon",
    learning_rate=0.03,
    weight_decay=0.0,
    batch_size=64,
    epochs=65,
    full_rate_steps=2_880,  # of 3,068 photos, for which the rate was chosen
)
"""Recipe for folders of garment photos, cropped to 28 x 28 pixels: the convolutions of the shipped
model are fine-tuned on their classes."""

RECIPES = {
    each.name: each
    for each in (
        *(SPRINT, STEADY, STRONG, CHAMPION, POCKET, CNN10K, CNN50K, CNN100K, SIMULATED),
        *(PLAIN, LEAKY),
        *(TRANSFER, SMALL, TINY),
    )
}

PURPOSES = {
    "sprint": "trained in seconds",
    "steady": "most accurate in minutes",
    "strong": "most accurate; up to an hour",
    "champion": "most accurate on an accelerator",
    "pocket": "quickest on a phone; ships as `pocket`",
    "cnn10k": "below 10,000 parameters",
    "cnn50k": "below 50,000 parameters",
    "cnn100k": "below 100,000; ships as `pretrained`",
    "simulated": "photos, learned without photos",
    "plain": "first reference implementation",
    "leaky": "second reference implementation",
    "transfer": "image folders of your own",
    "small": "the same, a quarter of the size",
    "tiny": "garment photos at 28 x 28 pixels",
}
"""Purpose of each recipe, in a few words."""


def overrides_of(recipe: Recipe) -> list[str]:
    """List the --set values that turn the named recipe into this one, except the seed."""
    own, named = recipe.to_json(), RECIPES.get(recipe.name, PLAIN).to_json()
    options = [f"model.{key}={shown(value)}" for key, value in recipe.model_options.items()]
    return options + [
        f"{key}={shown(own[key])}"
        for key, declared in OPTIONS.items()
        if key != "seed" and own[key] != named[key] and declared.is_used(own)
    ]


def command_of(recipe: Recipe, command: str = "train") -> str:
    """Return the command that takes this recipe, as a shell reads it, without seed and data."""
    name = recipe.name if recipe.name in RECIPES else PLAIN.name
    settings = [f"--set {shlex.quote(change)}" for change in overrides_of(recipe)]
    return " ".join([f"ankleboot {command} {name}", *settings])


def get_recipe(name: str, **changes: Any) -> Recipe:
    """Return the recipe called `name`, with some fields changed; see `override`.

        recipe = ankleboot.get_recipe("leaky", epochs=3)

    Raises:
        UsageError: If there is no such recipe or field, or a value is invalid.
    """
    if name not in RECIPES:
        raise UsageError(unknown_name("recipe", name, list_recipes()))
    return override(RECIPES[name], changes)


def list_recipes() -> list[str]:
    """List the names of the recipes.

    names = ankleboot.list_recipes()
    """
    return list(RECIPES)
