# %% [markdown]
# # Why are pixels normalized?
#
# The files hold whole numbers from 0 to 255; every course divides by 255 first. Here you see what
# happens without: to the first gradient, to the learning rate that is still possible, and to the
# training.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. Four ways to feed a network.** The recipe field `input_scaling` decides what the first
# convolution gets: pixels as they are (`none`), divided by 255 (`unit`), or with mean 0 and spread
# 1 (`standard`). The fourth way feeds raw pixels, but has batch normalization inside.

# %%
from dataclasses import replace

import numpy as np

from ankleboot.core.silence import import_keras
from ankleboot.core.types import to_inputs

import_keras()  # without TensorFlow's greetings

import keras

from ankleboot.models.architectures import build_model

plain = ankleboot.get_recipe("plain")
base = replace(
    plain,
    filters=8,
    padding="same",
    dense_units=32,
    batch_size=32,
    epochs=5,
    train_size=min(6_000, len(data.split(plain.split_rule).train)),  # as many as the data have
)
recipes = {
    "0 to 255": replace(base, input_scaling="none"),
    "0 to 1": base,
    "standard": replace(base, input_scaling="standard"),
    "0 to 255, batch norm": replace(base, input_scaling="none", batch_norm=True),
}

images = data.train.images[:1000]
for name, recipe in recipes.items():
    network = build_model(recipe)
    first = keras.Model(network.inputs[0], network.get_layer("block1_conv1").input)
    seen = np.asarray(first(to_inputs(images)))
    print(
        f"{name:<21} from {seen.min():6.2f} to {seen.max():6.2f}, "
        f"mean {seen.mean():5.2f}, spread {seen.std():5.2f}"
    )

# %% [markdown]
# **4. One layer, by hand.** The simplest network is pixels, one matrix of weights, softmax. The
# gradient of its loss by the weights is *pixels times (probabilities less truth)*. With all weights
# zero every class has a tenth. *If the pixels are 255 times as large, how much larger is the first
# gradient?*

# %%
few = 300
labels = data.train.labels[:few]
truth = np.eye(len(data.class_names), dtype=np.float32)[labels]
small = images[:few].reshape(few, -1) / np.float32(255)
large = small * 255


def softmax(logits):
    """Row by row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def gradient(pixels, weights):
    """Of the mean cross-entropy by the weights."""
    return pixels.T @ (softmax(pixels @ weights) - truth) / len(pixels)


nothing = np.zeros((small.shape[1], truth.shape[1]), np.float32)
norms = [np.linalg.norm(gradient(pixels, nothing)) for pixels in (small, large)]
print(f"norm of the gradient: {norms[0]:.3f} and {norms[1]:.3f}, ratio {norms[1] / norms[0]:.1f}")
assert np.isclose(norms[1] / norms[0], 255, rtol=1e-3)

# %% [markdown]
# **5. Which learning rates are possible?** Sixty steps of plain gradient descent with that layer.
# *The gradient is 255 times as large; by how much smaller must the rate be?* (Think twice: the
# change of the logits is gradient times pixels.)

# %%
from ankleboot.evaluation import plots


def loss_after(pixels, rate, steps=60):
    """Mean cross-entropy; large where the steps jump back and forth."""
    weights = nothing.copy()
    for _ in range(steps):
        weights -= np.float32(rate) * gradient(pixels, weights)
    own = softmax(pixels @ weights)[np.arange(len(labels)), labels]
    return -np.log(np.maximum(own, 1e-12)).mean()


powers = np.arange(-22, 3, 2)
losses = {
    "0 to 255": [loss_after(large, 2.0**power) for power in powers],
    "0 to 1": [loss_after(small, 2.0**power) for power in powers],
}
best = {name: powers[np.argmin(found)] for name, found in losses.items()}
print(f"best rates: {', '.join(f'2^{power} ({name})' for name, power in best.items())}")
print(f"255 squared is about 2^{2 * np.log2(255):.0f}")

plots.curves_with_range(
    {name: powers for name in losses},
    {name: np.minimum([found], 5) for name, found in losses.items()},
    "learning rate, as a power of two",
    "loss after 60 steps (5 and more as 5)",
)

# %% [markdown]
# **6. The first gradient of the convolutional networks.** Every layer passes its scale on. *Which
# of the four begins with the largest gradient, and does batch normalization help the first kernel?*

# %%
import matplotlib.pyplot as plt

from ankleboot.studies.measures.gradients import gradient_norms

norms = {
    name: gradient_norms(build_model(one), images[:few], labels) for name, one in recipes.items()
}
_, axes = plt.subplots(figsize=(8.4, 3.2), layout="constrained")
for name, by_layer in norms.items():
    axes.semilogy(list(by_layer), list(by_layer.values()), "o-", label=name)
axes.set(ylabel="norm of the gradient (log scale)", xlabel="layer")
axes.grid(alpha=0.25)
axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()

# %% [markdown]
# **7. The largest rate at which they learn.** The same question as in section 5, for these
# networks: powers of two are tried from large to small, 60 steps each, until the loss comes down.
# *Order the four before you run the cell.*

# %%
from ankleboot.studies.measures.gradients import largest_stable_rate

rates = {name: largest_stable_rate(recipe, data) for name, recipe in recipes.items()}
for name, rate in rates.items():
    print(f"{name:<21} " + ("none" if rate is None else f"2^{np.log2(rate):.0f} = {rate:.2g}"))

# %% [markdown]
# **8. Train them,** with Adam and one and the same learning rate. Adam divides every step by the
# size of the recent gradients. *So does the scale still matter?*

# %%
histories = {}
for name, recipe in recipes.items():
    run = ankleboot.train(recipe, data)
    histories[name] = run.history()
    last = histories[name][-1]
    print(f"{name:<21} {100 * last.validation_accuracy:.2f} % of the validation images right")

plots.curves_with_range(
    {name: [record.epoch for record in history] for name, history in histories.items()},
    {
        name: 100 * np.array([[record.validation_accuracy for record in history]])
        for name, history in histories.items()
    },
    "epoch",
    "validation accuracy in %",
)

# %% [markdown]
# **9. What batch normalization does.** It takes the mean of its batch off and divides by the
# spread, for every channel. *Then what is left of a factor of 255?*

# %%
layer = keras.layers.BatchNormalization(epsilon=1e-6)
values = small[:64].astype(np.float32)
by_hand = (values - values.mean(axis=0)) / np.sqrt(values.var(axis=0) + 1e-6)
assert np.allclose(by_hand, layer(values, training=True), atol=1e-3)

bright = values.std(axis=0) > 0.05  # a pixel that is black everywhere has no spread
scaled = np.asarray(layer(255 * values, training=True))
difference = np.abs(scaled - by_hand)[:, bright].max()
print(f"largest difference between 0 to 1 and 0 to 255, after the layer: {difference:.1e}")
assert difference < 0.01

# %% [markdown]
# **Try it yourself**
#
# 1. Give the raw pixels a chance: `replace(base, input_scaling="none", learning_rate=...)`, with a
#    rate that section 7 suggests. How many epochs does it need now?
# 2. Replace Adam by `optimizer="sgd"` at `learning_rate=0.05` in `base`. Who still learns? (A run
#    that diverges ends with an error.)
#
# **What the full study found**, with commands to repeat it. It has five runs of each.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("normalization")))
