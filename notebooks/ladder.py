# %% [markdown]
# # What improves the network?
#
# Tutorials list a dozen improvements. Here you add them to the network of the recipe `plain`,
# one at a time. You write down what each costs, and find out how much of the gain is luck.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. The start.** A small version of that network, on part of the images, so that a rung of the
# ladder takes seconds. *Where are its parameters?*

# %%
from dataclasses import replace

import numpy as np

from ankleboot.core.silence import import_keras
from ankleboot.evaluation import plots

import_keras()  # without TensorFlow's greetings

from ankleboot.models.architectures import build_model

plain = ankleboot.get_recipe("plain")
start = replace(
    plain,
    filters=8,
    padding="same",
    dense_units=32,
    batch_size=32,
    epochs=2,
    train_size=min(12_000, len(data.split(plain.split_rule).train)),  # as many as the data have
)
build_model(start).summary()

# %% [markdown]
# **4. Price first.** Before anything is trained, parameters can be counted, and multiplications too
# (an addition with each: two operations). *Which of these changes costs parameters, which only
# time, which nothing?*

# %%
from ankleboot.studies.measures.cost import forward_flops

changes = {
    "two convolutions a block": {"convs_per_block": 2},
    "batch normalization": {"batch_norm": True},
    "falling rate": {"schedule": "one_cycle", "learning_rate": 3e-3},
    "augmentation": {"flip": True, "max_shift": 1},
    "AdamW": {"optimizer": "adamw", "weight_decay": 0.01},
    "LeakyReLU": {"activation": "leaky_relu"},
}
rungs = {"start": start} | {name: replace(start, **change) for name, change in changes.items()}

print("rung                      parameters  MFLOP an image")
for name, recipe in rungs.items():
    network = build_model(recipe)
    print(f"{name:<26}{network.count_params():>10,} {forward_flops(network) / 1e6:>15.2f}")

# %% [markdown]
# **5. Check one by hand.** A second convolution in the first block (8 filters to 8) and one in the
# second (16 to 16): *(3 x 3 x channels + 1) x filters*. For multiplications each weight counts once
# per place: 28 x 28 places in the first block, 14 x 14 in the second.

# %%
more = replace(start, convs_per_block=2)
parameters = (3 * 3 * 8 + 1) * 8 + (3 * 3 * 16 + 1) * 16
operations = 2 * (28 * 28 * 3 * 3 * 8 * 8 + 14 * 14 * 3 * 3 * 16 * 16)
assert build_model(more).count_params() - build_model(start).count_params() == parameters
assert forward_flops(build_model(more)) - forward_flops(build_model(start)) == operations
print(f"{parameters:,} parameters and {operations / 1e6:.2f} MFLOP more, as counted above")

# %% [markdown]
# **6. How large is luck?** The same recipe three times; only the seed differs: initial weights and
# order of the images. *By how many points will the three differ?*


# %%
def learn(recipe):
    """Validation accuracy in percent, and seconds of training."""
    found = ankleboot.train(recipe, data).result()
    return 100 * found["validation"]["accuracy"], found["train_seconds"]


lucky = [learn(replace(start, seed=seed))[0] for seed in range(3)]
spread = max(lucky) - min(lucky)
print(", ".join(f"{one:.2f} %" for one in lucky), f": a spread of {spread:.2f} points")

# %% [markdown]
# **7. One change at a time.** *Order the six by what you expect of them.*

# %%
accuracies, seconds = {}, {}
accuracies["start"], seconds["start"] = learn(start)
assert accuracies["start"] == lucky[0]  # one seed, equal weights
for name in changes:
    accuracies[name], seconds[name] = learn(rungs[name])
    gain = accuracies[name] - accuracies["start"]
    word = "" if abs(gain) > spread else "   (within that spread)"
    print(f"{name:<26}{accuracies[name]:6.2f} %  {gain:+5.2f} points{word}")

# %% [markdown]
# **8. What each costs and brings.** Seconds include building the network; the first run of a kind
# waits longest for that.

# %%
plots.cost_benefit(
    {name: [one] for name, one in seconds.items()},
    {name: [one] for name, one in accuracies.items()},
    "seconds of training",
    "validation accuracy in %",
    log_x=False,
)

# %% [markdown]
# **9. All together.** *Will the gains add up?*

# %%
together = start
for change in changes.values():
    together = replace(together, **change)
accuracy, spent = learn(together)

single = sum(accuracies[name] - accuracies["start"] for name in changes)
print(f"sum of the single gains {single:+.2f} points")
print(f"all together            {accuracy - accuracies['start']:+.2f} points: {accuracy:.2f} %")
print(f"{spent / seconds['start']:.1f} times the seconds of the start")

# %% [markdown]
# **10. The same time, spent otherwise.** A fair rival for the expensive network is the simple one,
# trained for as long. *Which one wins?*

# %%
epochs = max(2, round(start.epochs * spent / seconds["start"]))
longer, took = learn(replace(start, epochs=epochs))
print(f"all together     {accuracy:.2f} % in {spent:.1f} s")
print(f"start, {epochs} epochs  {longer:.2f} % in {took:.1f} s")

plots.bars(
    ["start", "all together", f"start, {epochs} epochs"],
    np.array([accuracies["start"], accuracy, longer]).round(1),
    "validation accuracy in %",
)

# %% [markdown]
# **Try it yourself**
#
# 1. Take *away* one change at a time from all together. Is the order the same as in section 7?
# 2. Repeat section 7 with `seed=1` and `seed=2`, and draw `plots.dots`. Which gains are left?
#
# **What the full study found**, with commands to repeat it. It has six runs of every rung, and
# reports which gains are more than luck.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("ladder")))
