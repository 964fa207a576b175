# %% [markdown]
# # Why pool, and does the largest value serve better than the average?
#
# A pooling makes a smaller image, with a quarter of the places. Here it is done by hand, checked
# against Keras, tried on shifted images, and trained: the largest value, the average, every second
# place (a *stride*), or no pooling at all.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. Three poolings by hand.** Cut the 28 x 28 pixels into squares of 2 x 2. *Which of the three
# keeps thin bright lines?*

# %%
import numpy as np

from ankleboot.evaluation import plots


def squares(pixels):
    """Shape (14, 2, 14, 2): rows, row in the square, columns, column in the square."""
    return pixels.reshape(14, 2, 14, 2)


ways = {
    "max": lambda pixels: squares(pixels).max(axis=(1, 3)),
    "average": lambda pixels: squares(pixels).mean(axis=(1, 3)),
    "strided": lambda pixels: pixels[::2, ::2],
}
image = data.train.images[data.train.labels == data.class_names.index("Sandal")][0]

shown = {"the image": image} | {way: pool(image) for way, pool in ways.items()}
plots.image_rows({"": list(shown.values())}, {"": list(shown)}, inches=2)

# %% [markdown]
# **4. The same by Keras.** A cell that passes in silence would prove little, so it prints what it
# compared.

# %%
from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

import keras

batch = image[None, ..., None].astype(np.float32)
layers = {
    "max": keras.layers.MaxPooling2D(2),
    "average": keras.layers.AveragePooling2D(2),
    "strided": keras.layers.MaxPooling2D(1, strides=2),  # the largest of one: every second place
}
for way, layer in layers.items():
    theirs = np.asarray(layer(batch))[0, ..., 0]
    assert np.allclose(ways[way](image), theirs)
    print(f"{way:<8} {image.shape} -> {theirs.shape}, as in Keras")

# %% [markdown]
# **5. Shift the image.** By two pixels the squares line up again, and the pooled image is the old
# one, a place further. *And by one pixel: which pooling changes least?*

# %%
from ankleboot.data.augmentation import shift_images

many = data.train.images[:300]
print("what one pixel to the right changes, in percent of the pooled image")
for way, pool in ways.items():
    assert np.array_equal(
        pool(shift_images(image[None], 0, 2)[0]), shift_images(pool(image)[None], 0, 1)[0]
    ), "two pixels are one place"
    old = np.array([pool(one) for one in many], float)
    new = np.array([pool(one) for one in shift_images(many, 0, 1)], float)
    print(f"{way:<8} {100 * np.linalg.norm(new - old) / np.linalg.norm(old):5.1f}")

# %% [markdown]
# **6. Four networks.** They differ in nothing but the pooling, not even in the number of
# parameters. *What will it cost to do without?* A multiplication and an addition count as two
# operations.

# %%
from dataclasses import replace

from ankleboot.evaluation.explain.features import receptive_fields
from ankleboot.models.architectures import build_model
from ankleboot.studies.measures.cost import activation_bytes, forward_flops

plain = ankleboot.get_recipe("plain")
images = min(12_000, len(data.split(plain.split_rule).train))  # as many as the data have
base = replace(
    plain,
    filters=8,
    blocks=3,
    padding="same",
    dense_units=32,
    batch_size=32,
    learning_rate=3e-3,
    schedule="one_cycle",
    epochs=2,
    train_size=images,
)
recipes = {way: replace(base, pooling=way) for way in ("max", "average", "strided", "none")}

parameters = set()
print("pooling   parameters  MFLOP  maps in KiB  a last value sees, pixels per side")
for way, recipe in recipes.items():
    network = build_model(recipe)
    parameters.add(network.count_params())
    places = [one for one in receptive_fields(network) if one.layer != "places"]
    print(
        f"{way:<8} {network.count_params():>11,} {forward_flops(network) / 1e6:>6.2f} "
        f"{activation_bytes(network) / 1024:>12.0f} {places[-1].size:>35}"
    )
assert len(parameters) == 1

# %% [markdown]
# **7. Train them.** Short runs with one seed: an impression, no proof.

# %%
runs = {}
for way, recipe in recipes.items():
    runs[way] = ankleboot.train(recipe, data)
    found = runs[way].result()
    accuracy = 100 * found["validation"]["accuracy"]
    print(f"{way:<8} {accuracy:.2f} % of the validation images, {found['train_seconds']:.1f} s")

# %% [markdown]
# **8. What each costs and brings.**

# %%
found = {way: run.result() for way, run in runs.items()}
plots.cost_benefit(
    {way: [one["train_seconds"]] for way, one in found.items()},
    {way: [100 * one["validation"]["accuracy"]] for way, one in found.items()},
    "seconds of training",
    "validation accuracy in %",
    log_x=False,
)

# %% [markdown]
# **9. Shift tolerance.** Validation images, moved up, down, left and right. *From which distance on
# do you expect the networks to fail, and which one first?*

# %%
from ankleboot.studies.measures.shift_robustness import shift_robustness

part = data.train.take(data.split(base.split_rule).validation[:1000])
tolerance = {
    way: shift_robustness(keras.models.load_model(run.model_path), part.images, part.labels)
    for way, run in runs.items()
}
for way, one in tolerance.items():
    print(f"{way:<8} a pixel leaves {100 * one['unchanged']:.1f} % of the answers as they were")

plots.curves_with_range(
    {way: one["shift_distances"] for way, one in tolerance.items()},
    {way: 100 * np.array([one["shift_accuracies"]]) for way, one in tolerance.items()},
    "pixels, up, down, left and right",
    "accuracy in %",
)

# %% [markdown]
# **Try it yourself**
#
# 1. Train all four with `max_shift=2` in `base` (images shifted at random while learning). What is
#    left of the differences in section 9?
# 2. Blur the image a little before taking every second place. Does section 5 change? (This is known
#    as anti-aliasing.)
#
# **What the full study found**, with commands to repeat it. It has five runs of each and tests the
# differences; the cells above have one.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("pooling")))
