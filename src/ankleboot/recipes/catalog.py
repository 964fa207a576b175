"""Named recipes: each one is its difference from another one."""

from dataclasses import replace

from ankleboot.core.errors import UsageError
from ankleboot.core.text import unknown_name
from ankleboot.recipes.fields import shown
from ankleboot.recipes.recipe import OPTIONS, Recipe

PLAIN = Recipe(name="plain", epochs=5)
"""The first ancestor's "simple CNN": two convolution + max-pooling blocks of 32 and 64 filters, a
dense layer and the softmax; 225,034 parameters."""

LEAKY = replace(PLAIN, name="leaky", blocks=3, padding="same", activation="leaky_relu", epochs=20)
"""The second ancestor: LeakyReLU 0.1, 32-64-128 filters; 356,234 parameters. The count holds only
with padding "same" in the poolings too (28-14-7-4)."""

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
"""The shortest way to the ancestors' accuracy on a processor (docs/performance.md)."""

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
"""The network that ships with the package: small and quick enough for a phone, trained in two
minutes, where `sprint` stops after four seconds."""

SIMULATED = replace(
    POCKET,
    name="simulated",
    flip=True,
    max_shift=0,
    random_erasing=0.0,
    photo_simulation=0.8,
    epochs=8,
)
"""For photographs of which it has seen none: beside `pocket` it names them without having learned
from a single one (`--model zero-shot`)."""

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
)
"""For one's own photographs: a network that knows ImageNet learns the folder's classes."""

SMALL = replace(
    TRANSFER, name="small", backbone="efficientnet_lite0_small", image_size=160, epochs=19
)
"""As `transfer`, at a fifth of the size."""

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
)
"""For garments on photographs, cut out and brought to 28 x 28 pixels: the shipped model's own
convolutions learn the folder's classes."""

RECIPES = {
    recipe.name: recipe
    for recipe in (SPRINT, POCKET, SIMULATED, PLAIN, LEAKY, TRANSFER, SMALL, TINY)
}


def overrides_of(recipe: Recipe) -> list[str]:
    """List the --set values that make `train NAME` train this recipe, its seed left out."""
    own, named = recipe.to_json(), RECIPES.get(recipe.name, PLAIN).to_json()
    options = [f"model.{key}={shown(value)}" for key, value in recipe.model_options.items()]
    return options + [
        f"{key}={shown(own[key])}"
        for key, declared in OPTIONS.items()
        if key != "seed" and own[key] != named[key] and declared.is_used(own)
    ]


def get_recipe(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        UsageError: If there is none; the message lists the known ones.
    """
    if name not in RECIPES:
        raise UsageError(unknown_name("recipe", name, list(RECIPES)))
    return RECIPES[name]
