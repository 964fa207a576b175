# %% [markdown]
# # What do filters do, and what do deeper layers see?
#
# A filter is a small square of numbers that is laid over every place of an image. Here you write
# some yourself, let a network learn others, and watch an image on its way through the layers. Then
# you take filters away, and ask each layer how much it knows.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. An edge detector by hand.** At every place: multiply the 3 x 3 pixels there by the nine
# numbers of the kernel, and add up. Sobel's kernel takes the left side off the right one. *Where
# will the result be positive (red), where negative (blue), and where zero (gray)?*

# %%
import numpy as np

from ankleboot.evaluation import plots


def slide(pixels, kernel):
    """The sum of products at every place where the kernel fits into the image."""
    size = len(kernel)
    places = len(pixels) - size + 1
    found = np.zeros((places, places))
    for row in range(places):
        for column in range(places):
            found[row, column] = (pixels[row : row + size, column : column + size] * kernel).sum()
    return found


sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
image = data.train.images[data.train.labels == data.class_names.index("Ankle boot")][0]
inputs = image / 255

plots.image_rows(
    {"": [inputs, sobel, slide(inputs, sobel)]},
    {"": ["the image", "the kernel", "the result"]},
    signed=True,
    inches=2.2,
)

# %% [markdown]
# **4. The same by Keras.** What networks call a convolution is just this. (Mathematicians rotate
# the kernel by 180 degrees first; a network that learns its kernels does not care.)

# %%
from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

import keras

layer = keras.layers.Conv2D(1, 3, use_bias=False)
layer.build((None, 28, 28, 1))
layer.set_weights([sobel.reshape(3, 3, 1, 1)])
theirs = np.asarray(layer(inputs[None, ..., None].astype(np.float32)))[0, ..., 0]

assert np.allclose(slide(inputs, sobel), theirs, atol=1e-5)
print(f"{theirs.shape[0]} x {theirs.shape[1]} places, all as by hand")

# %% [markdown]
# **5. A small collection.** *Guess what each does before you view the second row.*

# %%
kernels = {
    "left edge": sobel,
    "upper edge": sobel.T,
    "diagonal": np.array([[-2, -1, 0], [-1, 0, 1], [0, 1, 2]]),
    "spot": np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]]),
    "blur": np.ones((3, 3)) / 9,
}
plots.image_rows(
    {
        "kernels": list(kernels.values()),
        "results": [slide(inputs, kernel) for kernel in kernels.values()],
    },
    {"kernels": list(kernels)},
    signed=True,
    inches=1.5,
)

# %% [markdown]
# **6. Filters that no person wrote.** A small network learns sixteen of 5 x 5 pixels. Beside it
# stands the same network as it was before the first step: random numbers. Ten are shown. *Will you
# see edges?*

# %%
from dataclasses import replace

from ankleboot.evaluation.explain import features
from ankleboot.models.architectures import build_model

plain = ankleboot.get_recipe("plain")
recipe = replace(
    plain,
    filters=16,
    blocks=3,
    kernel_size=5,
    padding="same",
    dense_units=64,
    batch_size=32,
    learning_rate=2e-3,
    schedule="one_cycle",
    epochs=3,
    train_size=min(12_000, len(data.split(plain.split_rule).train)),  # as many as the data have
)
run = ankleboot.train(recipe, data)
trained, untrained = keras.models.load_model(run.model_path), build_model(recipe)
print(f"{100 * run.result()['validation']['accuracy']:.2f} % of the validation images right")

before, after = features.first_filters(untrained), features.first_filters(trained)
plots.image_rows({"before": list(before[:10]), "after": list(after[:10])}, {}, signed=True)

# %% [markdown]
# **7. Edges, in a number.** Eyes like to find patterns, so we measure: the correlation of each
# kernel with the most similar of Gabor's patterns (waves under a bell, as in the eye's nerve
# cells). Random kernels show what chance gives; with so few pixels that is a lot.

# %%
from ankleboot.studies.measures.filters import best_correlation, gabor_family

family = gabor_family(recipe.kernel_size)
for name, found in (("before", before), ("after", after)):
    values = best_correlation(found, family)
    print(
        f"{name:<7} median {np.median(values):.2f}, from {values.min():.2f} to {values.max():.2f}"
    )

# %% [markdown]
# **8. What an image becomes.** The first eight maps of each convolution and pooling. *Until which
# layer could you still name the garment?*

# %%
maps = {name: values[0] for name, values in features.feature_maps(trained, image[None]).items()}
first = next(iter(maps))
weights, biases = trained.get_layer(first).get_weights()
by_hand = slide(np.pad(inputs, 2), weights[:, :, 0, 0]) + biases[0]
assert np.allclose(by_hand, maps[first][..., 0], atol=1e-5)
print("The first map by hand: the same.")

plots.feature_maps(maps)

# %% [markdown]
# **9. How far a value sees.** Each layer reads a few values of the one before, so deeper ones
# cover larger parts of the image. The image has 28 pixels per side.

# %%
for one in features.receptive_fields(trained):
    print(f"{one.layer:<13} sees {one.size:2} pixels per side")

# %% [markdown]
# **10. Take a filter away.** We set one kernel of the first layer to zero and count what the
# network still gets right. *Do you expect that all filters matter alike?*

# %%
from ankleboot.studies.measures.filters import ablation_drops
from ankleboot.studies.measures.trained_run import predict

part = data.train.take(data.split(recipe.split_rule).validation[:1000])


def accuracy():
    """Of the network as it is now, on validation images."""
    return (predict(trained, part.images).argmax(axis=1) == part.labels).mean()


conv, whole = trained.get_layer(first), accuracy()
silenced = weights.copy(), biases.copy()
silenced[0][..., 0], silenced[1][0] = 0, 0
conv.set_weights(silenced)
drop = whole - accuracy()
conv.set_weights([weights, biases])
print(f"without filter 0: {100 * drop:+.1f} points lost of {100 * whole:.1f} %")

drops = ablation_drops(trained, part.images, part.labels)  # the same for every filter
assert np.isclose(drops[0], drop)
plots.bars([f"filter {one}" for one in range(len(drops))], 100 * drops, "points of accuracy lost")

# %% [markdown]
# **11. Ask every layer.** A *linear probe* reads a layer's values and may only weigh and add them
# (ridge regression). If it names the garment, the layer has laid the classes open. *Does an
# untrained layer know less than the pixels themselves?*

# %%
from ankleboot.studies.measures.filters import probe_accuracy

known = data.train.take(data.split(recipe.split_rule).train[:1500])


def read(network, images):
    """Rows of values: the pixels, and the maps after every pooling."""
    found = {"pixels": images.reshape(len(images), -1) / 255}
    for name, values in features.feature_maps(network, images).items():
        if name.endswith("pool"):
            found[name] = values.reshape(len(images), -1).astype(float)
    return found


shares = {}
for name, network in (("untrained", untrained), ("trained", trained)):
    old, new = read(network, known.images), read(network, part.images)
    shares[name] = [
        probe_accuracy(old[depth], known.labels, new[depth], part.labels) for depth in old
    ]
    words = ", ".join(
        f"{depth} {100 * v:.1f} %" for depth, v in zip(old, shares[name], strict=True)
    )
    print(f"{name:<9} {words}")

plots.curves_with_range(
    {name: list(range(len(found))) for name, found in shares.items()},
    {name: 100 * np.array([found]) for name, found in shares.items()},
    "poolings passed (0: the pixels)",
    "accuracy of a linear probe in %",
)

# %% [markdown]
# **Try it yourself**
#
# 1. Write a kernel that finds the two vertical gaps beside a trouser's leg. On which other classes
#    does it answer?
# 2. Train with `kernel_size=3` and with 7. When are the kernels easier to read?
#
# **What the full study found**, with commands to repeat it. It has five runs; the cells above have
# one.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("filters")))
