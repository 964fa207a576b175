"""The ancestors' network: [convolution, activation, pooling] x blocks, dense, softmax."""

import keras

from ankleboot.arrays import IMAGE_SIZE, NUM_CLASSES
from ankleboot.models import layers
from ankleboot.recipes import Recipe


def build(recipe: Recipe) -> keras.Model:
    """Build it; the poolings are 2x2 with the same padding as the convolutions."""
    policy, seeds = layers.dtype_policy(recipe), layers.seeds(recipe)
    pool = {"max": keras.layers.MaxPooling2D, "average": keras.layers.AveragePooling2D}

    inputs = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 1), name="inputs")
    x = layers.normalise(inputs, recipe, policy)
    for block in range(recipe.blocks):
        for convolution in range(recipe.convolutions):
            place = f"block{block + 1}_conv{convolution + 1}"
            x = keras.layers.Conv2D(
                recipe.filters * 2**block,
                recipe.kernel_size,
                padding=recipe.padding,
                use_bias=not recipe.batch_norm,  # batch normalisation brings its own
                name=place,
                dtype=policy,
                **layers.kernel(recipe, next(seeds)),
            )(x)
            if recipe.batch_norm:
                x = keras.layers.BatchNormalization(name=f"{place}_norm", dtype=policy)(x)
            x = layers.activation(recipe, f"{place}_{recipe.activation}", policy)(x)
        x = pool[recipe.pooling](
            2, padding=recipe.padding, name=f"block{block + 1}_pool", dtype=policy
        )(x)
        if recipe.dropout:
            x = keras.layers.Dropout(
                recipe.dropout, seed=next(seeds), name=f"block{block + 1}_dropout", dtype=policy
            )(x)
    x = keras.layers.Flatten(name="flatten", dtype=policy)(x)
    x = keras.layers.Dense(
        recipe.dense_units, name="dense", dtype=policy, **layers.kernel(recipe, next(seeds))
    )(x)
    x = layers.activation(recipe, f"dense_{recipe.activation}", policy)(x)
    if recipe.dropout:
        x = keras.layers.Dropout(
            recipe.dropout, seed=next(seeds), name="dense_dropout", dtype=policy
        )(x)
    # The last two layers stay in float32: eight bits of mantissa are too few for probabilities.
    logits = keras.layers.Dense(
        NUM_CLASSES, name="logits", dtype="float32", **layers.kernel(recipe, next(seeds))
    )(x)
    probs = keras.layers.Softmax(name="probs", dtype="float32")(logits)
    return keras.Model(inputs, probs, name=recipe.name)
