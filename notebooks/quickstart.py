# %% [markdown]
# # Quick start: from the data to the confusion matrix
#
# A whole project in twelve cells: load Fashion-MNIST, view it, train a network, see how it learned,
# judge it. It takes a minute on a laptop. Change what you like; a *recipe* is everything that
# decides a training.

# %% [shared] setup

# %% [markdown]
# **2. The data.** It is searched in the cache, in other tools' folders and on the mirrors, and
# every byte is checked. `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. What the images show.** Ten classes of clothing, 28 by 28 gray pixels each.

# %%
from ankleboot.evaluation import plots

plots.samples(data.train.images, data.train.labels, data.class_names)

# %% [markdown]
# **4. A recipe.** `plain` repeats a published network: convolution and pooling twice, a dense
# layer, softmax. Every field can be set; `sprint` in place of `plain` reaches more in less time.

# %%
recipe = ankleboot.get_recipe("plain", epochs=3)
print(recipe)

# %% [markdown]
# **5. The network.** Where are most of its parameters?

# %%
from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

from ankleboot.models.architectures import build_model

build_model(recipe).summary()

# %% [markdown]
# **6. Training.** The run folder keeps the model, the curves and what it takes to continue after a
# stop. The last fifth of the training images is held back to validate.

# %%
from ankleboot.cli.output.training import TrainingProgress

run = ankleboot.train(recipe, data, callbacks=[TrainingProgress()])

# %% [markdown]
# **7. How it learned.** Curves that part are overfitting.

# %%
plots.learning_curves(run.history(), run.result()["best_epoch"], recipe.name)

# %% [markdown]
# **8. The same in sentences.**

# %%
from ankleboot.evaluation.overfitting import diagnose_fit

for sentence in diagnose_fit(run.history()).sentences:
    print(sentence)

# %% [markdown]
# **9. How good it is**, on the validation images. The test images are for the very end:
# `ankleboot evaluate RUN --split test` reads them and counts it.

# %%
predictor = ankleboot.load_predictor(run.folder)
part = data.train.take(data.split(recipe.split_rule).validation)
found = ankleboot.evaluate(run, data)
low, high = found.accuracy_ci95
print(f"{100 * found.accuracy:.2f} % right (95 % interval {100 * low:.2f} to {100 * high:.2f})")

# %% [markdown]
# **10. Class by class.** Precision: of those called so, how many are? Recall: of those that are,
# how many are called so?

# %%
print(f"{'class':<14}{'precision':>10}{'recall':>8}{'F1':>7}")
for one in found.per_class:
    print(f"{one.label:<14}{one.precision:>10.3f}{one.recall:>8.3f}{one.f1:>7.3f}")

# %% [markdown]
# **11. The confusion matrix.** Rows are true classes, columns predicted ones.

# %%
plots.confusion(found)

# %% [markdown]
# **12. What is confused, and how badly.** Are these the network's mistakes, or would you have
# given the same answers?

# %%
from ankleboot.evaluation.error_analysis import analyze_errors

mistakes = analyze_errors(predictor.predict(part.images), part.labels, data.class_names)
print(*mistakes.sentences, sep="\n")
worst = list(mistakes.top_losses[:24])
plots.samples(part.images[worst], part.labels[worst], data.class_names)

# %% [markdown]
# Next: `ankleboot report RUN` puts all of this and more on one page, and
# `ankleboot export RUN --format playground` makes a page on which the network can be taken apart.
