# %% [markdown]
# # What prevents overfitting?
#
# A network that knows its training images by heart has not learned what a shirt is. Here you make
# one overfit, on few images, and then try the usual remedies one at a time.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. Few images, many epochs.** A small version of the network of the recipe `leaky`, with nothing
# against overfitting. *After how many epochs will the validation images profit no longer?*

# %%
from dataclasses import replace

from ankleboot.core.silence import import_keras
from ankleboot.evaluation import plots

import_keras()  # without TensorFlow's greetings

import keras
import numpy as np

base = ankleboot.get_recipe(
    "leaky",
    filters=8,
    dense_units=64,
    learning_rate=2e-3,
    epochs=20,
    train_size=300,
    batch_size=16,
)


def learn(recipe, some=data):
    """A finished run."""
    return ankleboot.train(recipe, some)


runs = {"nothing": learn(base)}
history = runs["nothing"].history()
plots.learning_curves(history, runs["nothing"].result()["best_epoch"], "300 images, no remedy")

# %% [markdown]
# **4. The same in sentences.** The loss shows more than the accuracy: it also counts how sure the
# wrong answers are.

# %%
from ankleboot.evaluation.overfitting import diagnose_fit

for sentence in diagnose_fit(history).sentences:
    print(sentence)

# %% [markdown]
# **5. How far can memory go?** We deal the labels anew at random. Now there is nothing to learn.
# *What will the two accuracies be?*

# %%
from ankleboot.data.dataset import LabeledImages

nonsense = np.random.default_rng(0).permutation(data.train.labels)
random = replace(data, train=LabeledImages(data.train.images, nonsense))
last = learn(replace(base, train_size=100, epochs=40), random).history()[-1]
print(f"random labels, 100 images, {last.epoch} epochs:")
print(f"training images right   {100 * last.train_accuracy:5.1f} %")
print(f"validation images right {100 * last.validation_accuracy:5.1f} %")

# %% [markdown]
# **6. Augmentation.** Every epoch sees other versions of the same image. *Which of these six would
# you still name?*

# %%
from ankleboot.data.augmentation import augment

remedies = {
    "dropout": {"dropout": 0.3},
    "augmentation": {"flip": True, "max_shift": 2},
    "L2": {"l2": 1e-3},
    "early stopping": {"patience": 3},
}
copies = np.repeat(data.train.images[:2], 6, axis=0)
changed = augment(copies, replace(base, **remedies["augmentation"]), np.random.default_rng(0))
plots.image_rows({"first image": list(changed[:6]), "second image": list(changed[6:])}, {})

# %% [markdown]
# **7. Dropout by hand.** In training a share of the values is set to zero at random, and the others
# grow so that the mean stays; in use nothing happens. *By how much must they grow?*

# %%
share = 0.3
values = np.ones((1, 10_000), np.float32)
kept = np.random.default_rng(0).random(values.shape) >= share
by_hand = np.where(kept, values / (1 - share), 0)

layer = keras.layers.Dropout(share, seed=0)
theirs = np.asarray(layer(values, training=True))
assert np.allclose(np.unique(theirs), np.unique(by_hand))
assert np.array_equal(np.asarray(layer(values, training=False)), values)
for name, found in (("by hand", by_hand), ("Keras", theirs)):
    zeros = 100 * (found == 0).mean()
    print(f"{name:<8} {zeros:.1f} % zeros, the rest {found.max():.3f}, mean {found.mean():.3f}")

# %% [markdown]
# **8. One remedy at a time.** Training images are judged by the finished network, without dropout
# or augmentation, so that the rows compare. *Which remedy will close the gap most? Is the smallest
# gap the best network?*

# %%
from ankleboot.studies.measures.trained_run import predict

split = data.split(base.split_rule)
known = data.train.take(split.train)


def judged(run):
    """Training and validation accuracy of the network that the run kept, in percent."""
    model = keras.models.load_model(run.model_path)
    right = predict(model, known.images).argmax(axis=1) == known.labels
    return 100 * right.mean(), 100 * run.result()["validation"]["accuracy"]


for name, change in remedies.items():
    runs[name] = learn(replace(base, **change))

print("remedy           training  validation   gap  epochs")
for name, run in runs.items():
    trained, held_out = judged(run)
    epochs = len(run.history())
    print(f"{name:<16} {trained:>8.1f} {held_out:>11.1f} {trained - held_out:>5.1f} {epochs:>7}")

# %% [markdown]
# **9. The losses.** What differs is the end of the curves.

# %%
plots.curves_with_range(
    {name: [record.epoch for record in run.history()] for name, run in runs.items()},
    {
        name: np.array([[record.validation_loss for record in run.history()]])
        for name, run in runs.items()
    },
    "epoch",
    "validation loss",
)

# %% [markdown]
# **10. What L2 does.** It adds the squared weights to what training makes small. *So how do the
# weights differ?*

# %%
squares = {
    name: sum(
        float(np.square(layer.get_weights()[0]).sum())
        for layer in keras.models.load_model(runs[name].model_path).layers
        if layer.get_weights()
    )
    for name in ("nothing", "L2")
}
for name, found in squares.items():
    print(f"{name:<8} sum of the squared weights {found:.1f}")
assert squares["L2"] < squares["nothing"]

# %% [markdown]
# **11. More images.** From 100 to 300, to 1,500 and, where the data have as many, to 6,000. *Which
# of these steps brings most?*

# %%
most = len(data.split(replace(base.split_rule, train_size=0)).train)
sizes = [size for size in (100, 300, 1_500, 6_000) if size <= most]
accuracies = []
for size in sizes:
    # about as many steps for each: fewer images are seen more often
    run = (
        runs["nothing"]
        if size == 300
        else learn(replace(base, train_size=size, epochs=max(3, min(30, 6_000 // size))))
    )
    accuracies.append(100 * run.result()["validation"]["accuracy"])
    print(f"{size:>6,} images: {accuracies[-1]:.1f} % of the validation images right")

plots.curves_with_range(
    {"no remedy": sizes},
    {"no remedy": np.array([accuracies])},
    "training images",
    "validation accuracy in %",
    log_x=True,
)

# %% [markdown]
# **Try it yourself**
#
# 1. Combine dropout and augmentation. Do the gains add up? Repeat with `seed=1` before you believe
#    it.
# 2. In section 5, add `dropout=0.5`. Can the network still learn nonsense by heart?
#
# **What the full study found**, with commands to repeat it. Differences of one run of each, as
# above, may be luck.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("overfitting")))
