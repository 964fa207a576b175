# %% [markdown]
# # How does the softmax work?
#
# A network ends in ten numbers, the *logits*. The softmax makes probabilities of them. Here it is
# taken apart on one image of the shipped model `pocket`: by hand, at several temperatures, where it
# breaks in a computer, and what its gradient is.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. An image that the network is not sure about.** The shipped model answers without TensorFlow.
# Of the images that its recipe validates on we take one whose answer has a probability near 60 %: a
# sure one would be dull.

# %%
import numpy as np

from ankleboot.evaluation import plots

predictor = ankleboot.load_predictor("pocket")
validation = data.train.take(data.split(ankleboot.get_recipe("pocket").split_rule).validation)
some = validation.images[:1000]
chosen = int(np.abs(predictor.predict(some).max(axis=1) - 0.6).argmin())
image, label = some[chosen : chosen + 1], int(validation.labels[chosen])
names = data.class_names

plots.image_rows({"": list(image)}, {"": [names[label]]}, inches=2.4)

# %% [markdown]
# **4. Its logits.** They come from the Keras model, one layer before the end. They are not
# probabilities: they can be negative, and their sum means nothing.
#
# *What do you expect: which two classes will the network hesitate between?*

# %%
from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

import keras

from ankleboot.core.types import to_inputs
from ankleboot.models.pretrained import catalog

model = keras.models.load_model(catalog.FOLDERS["pocket"] / "model.keras")
before = keras.Model(model.inputs[0], model.get_layer("logits").output)
logits = np.asarray(before(to_inputs(image)))[0].astype(np.float64)

plots.bars(names, logits, "logit")

# %% [markdown]
# **5. By hand.** Two steps: e to the power of each logit makes everything positive, division by the
# sum makes it one. The last line compares with Keras.

# %%
raised = np.exp(logits)
probs = raised / raised.sum()

for name, logit, power, prob in zip(names, logits, raised, probs, strict=True):
    print(f"{name:<12} logit {logit:6.2f}   e^logit {power:8.3f}   probability {100 * prob:5.1f} %")

assert np.allclose(probs, np.asarray(model(to_inputs(image)))[0], atol=1e-6)
print("The same as Keras.")

# %% [markdown]
# **6. Differences become ratios.** *If one logit is larger by 1 than another one, how many times as
# probable is its class? And if both grow by 5?*

# %%
first, second = np.argsort(-probs)[:2]
difference = logits[first] - logits[second]
print(f"{names[first]} less {names[second]}: a difference of {difference:.3f}")
print(f"e to the power of the difference: {np.exp(difference):.3f}")
print(f"ratio of the probabilities:       {probs[first] / probs[second]:.3f}")
assert np.isclose(np.exp(difference), probs[first] / probs[second])

# %% [markdown]
# **7. Temperature.** Divide all logits by a number before the softmax. *Below 1, do the
# probabilities move towards one class or towards all of them? Can the answer change?*


# %%
def softmax(values):
    """With the largest logit taken off first; section 9 shows why."""
    powers = np.exp(values - values.max())
    return powers / powers.sum()


temperatures = np.array([0.25, 0.5, 1, 2, 4, 8])
by_temperature = np.array([softmax(logits / one) for one in temperatures])
assert (by_temperature.argmax(axis=1) == first).all()
print(f"At every temperature the answer is {names[first]}.")

best = np.argsort(-probs)[:4]
plots.curves_with_range(
    {names[one]: temperatures for one in best},
    {names[one]: 100 * by_temperature[None, :, one] for one in best},
    "temperature",
    "probability in %",
    log_x=True,
)

# %% [markdown]
# **8. What temperature is good for.** A network may be too sure of itself, or not sure enough. One
# temperature, fitted on validation images, mends that (*calibration*). The predictor of section 3
# divided by one already: our softmax with that temperature must give its probabilities.

# %%
fitted = predictor.info.temperature
assert np.allclose(softmax(logits / fitted), predictor.predict(image)[0], atol=1e-4)
print(f"The shipped model's temperature is {fitted:.3f}.")
print(f"{names[first]}: {100 * probs[first]:.1f} % as trained, ", end="")
print(f"{100 * softmax(logits / fitted)[first]:.1f} % calibrated")

# %% [markdown]
# **9. A constant, on paper and in a computer.** Add 1,000 to every logit. On paper nothing changes,
# because all ratios stay. *What does the formula of section 5 give in float32?*

# %%
shifted = (logits + 1000).astype(np.float32)
with np.errstate(over="ignore", invalid="ignore"):
    naive = np.exp(shifted) / np.exp(shifted).sum()

print("as in books:           ", naive[:4], "...")
print("largest taken off first:", softmax(shifted)[:4].round(4), "...")
print(f"e^x is too large for float32 from x = {np.log(np.finfo(np.float32).max):.2f} on")
assert np.isnan(naive).all()
assert np.allclose(softmax(logits + 1000), probs)

# %% [markdown]
# **10. Loss and gradient.** The cross-entropy is minus the logarithm of the true class's
# probability. Its derivative by the logits is remarkably simple: probabilities less truth. We do
# not believe it, but raise and lower each logit a little and measure the loss.


# %%
def cross_entropy(values):
    """Of this image."""
    return -np.log(softmax(values)[label])


truth = np.eye(len(names))[label]
gradient = probs - truth
steps = 1e-5 * np.eye(len(names))
measured = [(cross_entropy(logits + s) - cross_entropy(logits - s)) / 2e-5 for s in steps]

print(f"loss {cross_entropy(logits):.4f}, true class {names[label]}")
print(
    f"largest difference between formula and measurement: {np.abs(gradient - measured).max():.1e}"
)
assert np.allclose(gradient, measured, atol=1e-6)

plots.bars(names, gradient, "probability less truth: a step pushes up what is negative")

# %% [markdown]
# **11. Learn from one image.** Gradient descent on the ten logits alone. *Will the probability of
# the true class reach 100 %?* This is also why very long training makes networks too sure.

# %%
values, reached = logits.copy(), []
for _ in range(200):
    values -= 0.5 * (softmax(values) - truth)
    reached.append(softmax(values)[label])

for step in (1, 10, 50, 200):
    print(f"after {step:3} steps: {100 * reached[step - 1]:.2f} %")
assert np.all(np.diff(reached) > 0) and reached[-1] < 1

# %% [markdown]
# **12. One-hot rows or whole numbers.** Keras has two losses for two ways to write labels. *Do they
# differ?*

# %%
labels = validation.labels[:1000]
many = before(to_inputs(some))
dense = keras.losses.categorical_crossentropy(
    np.eye(len(names), dtype=np.float32)[labels], many, from_logits=True
)
sparse = keras.losses.sparse_categorical_crossentropy(labels, many, from_logits=True)
assert np.allclose(dense, sparse, atol=1e-5)
print(f"one-hot {np.mean(dense):.5f}, whole numbers {np.mean(sparse):.5f}: the same")

# %% [markdown]
# **Try it yourself**
#
# 1. Take an image that the network gets wrong (`predictor.predict(some).argmax(axis=1)` against
#    `validation.labels`). What does the gradient push down most?
# 2. Find the temperature that gives the lowest mean loss over the 1,000 images. Compare it with
#    that of section 8.
#
# **What the full study found**, with commands to repeat it. Numbers of this notebook come from one
# image.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("softmax")))
