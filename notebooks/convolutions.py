# %% [markdown]
# # What do convolutional networks gain over fully connected ones?
#
# A dense layer may connect anything with anything; a convolution uses the same few weights at every
# place. Here both get equally many parameters, and then the images are shuffled, shifted and made
# few.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. Count parameters before you build.** A convolution has *(kernel height x width x channels in
# + 1) x filters*, a dense layer *(values in + 1) x units*. *How many has each of the two networks?*
# The sizes were chosen so that they have about as many.

# %%
from dataclasses import replace

from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

from ankleboot.models.architectures import build_model

plain = ankleboot.get_recipe("plain")
images = min(12_000, len(data.split(plain.split_rule).train))  # as many as the data have
training = {
    "batch_size": 32,
    "learning_rate": 2e-3,
    "schedule": "one_cycle",
    "epochs": 3,
    "train_size": images,
}
convolutional = replace(plain, filters=8, padding="same", dense_units=32, **training)
dense = replace(plain, architecture="mlp", dense_units=33, **training)

by_hand = {
    "convolutional": [
        (3 * 3 * 1 + 1) * 8,  # the first convolution: one channel, 8 filters
        (3 * 3 * 8 + 1) * 16,  # the second one: 8 channels, 16 filters
        (7 * 7 * 16 + 1) * 32,  # two poolings have left 7 x 7 places
        (32 + 1) * 10,
    ],
    "dense": [(28 * 28 + 1) * 33, (33 + 1) * 10],
}
for name, recipe in (("convolutional", convolutional), ("dense", dense)):
    network = build_model(recipe)
    assert network.count_params() == sum(by_hand[name])
    print(f"{name:<14} {' + '.join(map(str, by_hand[name]))} = {sum(by_hand[name]):,}, as in Keras")

# %% [markdown]
# **4. A convolution is a dense layer,** one with most weights zero and the others equal. We build
# that matrix for a tiny image of 6 x 6 pixels: a row is what one bright pixel becomes.

# %%
import keras
import matplotlib.pyplot as plt
import numpy as np

from ankleboot.evaluation import plots

layer = keras.layers.Conv2D(1, 3, padding="same", use_bias=False, kernel_initializer="ones")
pixels = np.eye(36, dtype=np.float32).reshape(36, 6, 6, 1)  # 36 images of one bright pixel
matrix = np.asarray(layer(pixels)).reshape(36, 36)

tiny = np.random.default_rng(0).random((1, 6, 6, 1), np.float32)
assert np.allclose(tiny.reshape(1, 36) @ matrix, np.asarray(layer(tiny)).reshape(1, 36), atol=1e-5)
print(f"{matrix.size:,} weights, {np.count_nonzero(matrix):,} are not zero, 9 can be chosen")

_, axes = plt.subplots(figsize=(4, 4), layout="constrained")
axes.imshow(matrix, cmap="gray")
axes.set(xlabel="value after the convolution", ylabel="pixel", title="36 x 36 weights")
plt.show()

# %% [markdown]
# **5. Train both.** *By how many points will one be better?* One run each: an impression, no proof.


# %%
def learn(recipe, some):
    """A finished run: its network, and the share of validation images that it gets right."""
    run = ankleboot.train(recipe, some)
    return keras.models.load_model(run.model_path), run.result()["validation"]["accuracy"]


networks, accuracies = {}, {}
for name, recipe in (("convolutional", convolutional), ("dense", dense)):
    networks[name], accuracies[name] = learn(recipe, data)
    print(f"{name:<14} {100 * accuracies[name]:.2f} % of the validation images right")

# %% [markdown]
# **6. Shuffled pixels.** All images get the same new order of pixels. Nothing is lost: the old
# order could be restored. *Which network will mind?*

# %%
from ankleboot.studies.pixel_transforms import SHUFFLED, shuffle_pixels, transform_pixels

first = [data.train.images[data.train.labels == label][0] for label in range(10)]
plots.image_rows(
    {"as they are": first, "shuffled": list(shuffle_pixels(np.array(first)))},
    {"as they are": data.class_names},
)

# %% [markdown]
# **7. A dense network does not notice.** Give its first weights the same new order, and its
# probabilities are exactly those from before.

# %%
reordered = build_model(dense)
weights = networks["dense"].get_weights()
order = np.random.default_rng(0).permutation(28 * 28)  # as `shuffled` draws it
weights[0] = weights[0][order]
reordered.set_weights(weights)

part = data.train.take(data.split(convolutional.split_rule).validation[:1000])
inputs = part.images[..., None].astype(np.float32) / 255
moved = shuffle_pixels(part.images)[..., None].astype(np.float32) / 255
assert np.allclose(networks["dense"](inputs), reordered(moved), atol=1e-4)
print(f"{len(part):,} images: the same probabilities, shuffled or not")

# %% [markdown]
# **8. And trained on shuffled images?**

# %%
mixed = transform_pixels(data, SHUFFLED)
for name, recipe in (("convolutional", convolutional), ("dense", dense)):
    _, accuracies[f"{name}, shuffled"] = learn(recipe, mixed)

plots.bars(list(accuracies), [100 * one for one in accuracies.values()], "validation accuracy in %")

# %% [markdown]
# **9. Shift, then convolve, or convolve, then shift?** For a convolution that is the same
# (*equivariance*), apart from the margin. *For a dense layer?*

# %%
from ankleboot.data.augmentation import shift_images

image = part.images[:1]
right = shift_images(image, 0, 3)
conv = keras.Model(
    networks["convolutional"].inputs[0], networks["convolutional"].get_layer("block1_conv1").output
)


def maps(some):
    """Return the feature maps of the first convolution."""
    return np.asarray(conv(some[..., None].astype(np.float32) / 255))[0]


inner = slice(5, 23)
assert np.allclose(maps(right)[inner, inner], maps(image)[inner, 2:20], atol=1e-5)
print("convolution: three pixels further, the same values")

hidden = keras.Model(networks["dense"].inputs[0], networks["dense"].get_layer("dense").output)
old, new = (np.asarray(hidden(one[..., None].astype(np.float32) / 255)) for one in (image, right))
print(
    f"dense: correlation of the 33 values before and after {np.corrcoef(old[0], new[0])[0, 1]:.2f}"
)

# %% [markdown]
# **10. Shifted garments.** *Does equivariance of one layer make the answers of the whole network
# independent of the place?*

# %%
from ankleboot.studies.measures.shift_robustness import shift_robustness

tolerance = {
    name: shift_robustness(network, part.images, part.labels) for name, network in networks.items()
}
plots.curves_with_range(
    {name: one["shift_distances"] for name, one in tolerance.items()},
    {name: 100 * np.array([one["shift_accuracies"]]) for name, one in tolerance.items()},
    "pixels, up, down, left and right",
    "accuracy in %",
)

# %% [markdown]
# **11. Few images.** *With a hundred images, is it still the same network that wins?* Fewer images
# are shown more often.

# %%
for name, recipe in (("convolutional", convolutional), ("dense", dense)):
    _, accuracy = learn(replace(recipe, train_size=100, epochs=20), data)
    print(f"{name:<14} {100 * accuracy:.2f} % with 100 images")

# %% [markdown]
# **Try it yourself**
#
# 1. How many `dense_units` does the dense network need to reach the convolutional one? Count its
#    parameters.
# 2. In section 4, build the matrix of a convolution with `strides=2`. What changes?
#
# **What the full study found**, with commands to repeat it. It also compares at equal arithmetic,
# and tests the differences over five runs of each.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("convolutions")))
