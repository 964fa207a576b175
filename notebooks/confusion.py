# %% [markdown]
# # What does the confusion matrix show?
#
# One number, the accuracy, hides *which* garments are confused with *which*. Here you go from a
# matrix to pairs, from pairs to images, and from images to decisions: which classes to merge, what
# to answer when errors differ in price, and which labels to doubt.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(f"{len(data.train):,} training and {len(data.test):,} test images, from {data.source}")

# %% [markdown]
# **3. A network to judge.** It learns from the first four fifths of the training images and is
# judged on the last fifth, which it has never seen. `calibrate` fits a temperature, so that its
# probabilities become honest.

# %%
import numpy as np

from ankleboot.core.silence import import_keras
from ankleboot.evaluation import plots

import_keras()  # without TensorFlow's greetings


recipe = ankleboot.get_recipe("sprint", batch_size=64, learning_rate=0.03)
run = ankleboot.train(recipe, data)
predictor = ankleboot.load_predictor(run.folder)
part = data.train.take(data.split(recipe.split_rule).validation)
probs, labels, names = predictor.predict(part.images), part.labels, data.class_names
predicted = probs.argmax(axis=1)
print(f"{100 * (predicted == labels).mean():.2f} % of {len(part):,} validation images right")

# %% [markdown]
# **4. The matrix, by hand.** Count the images of each true class (rows) by predicted class
# (columns). *Where is the accuracy in it? Which cells do you expect to be large?*

# %%
from ankleboot.evaluation import metrics

matrix = np.zeros((len(names), len(names)), int)
for true, answer in zip(labels, predicted, strict=True):
    matrix[true, answer] += 1

assert np.array_equal(matrix, metrics.confusion_matrix(predicted, labels, num_classes=len(names)))
assert np.isclose(matrix.trace() / matrix.sum(), (predicted == labels).mean())
print(f"on the diagonal {matrix.trace():,} of {matrix.sum():,} images")

plots.confusion_heatmap(matrix, names)

# %% [markdown]
# **5. Two questions about every class.** Down a column: of the garments called Shirt, how many are
# shirts (*precision*)? Along a row: of the shirts, how many are called so (*recall*)? *Can a class
# have a high value of one and a low one of the other?*

# %%
precision = matrix.diagonal() / np.maximum(matrix.sum(axis=0), 1)
recall = matrix.diagonal() / matrix.sum(axis=1)
ours = metrics.class_scores(matrix, names)
assert np.allclose(precision, [one.precision for one in ours])
assert np.allclose(recall, [one.recall for one in ours])
for name, p, r in zip(names, precision, recall, strict=True):
    print(f"{name:<12} precision {100 * p:5.1f} %   recall {100 * r:5.1f} %")

# %% [markdown]
# **6. Pairs.** Add what stands on both sides of the diagonal. *How many of the 45 pairs hold half
# of all errors?*

# %%
from ankleboot.evaluation.error_analysis import analyze_errors

mistakes = analyze_errors(probs, labels, names)
for pair in mistakes.pairs[:6]:
    print(
        f"{100 * pair.share:4.1f} % of the errors: {pair.first_as_second:3} x {pair.first} taken "
        f"for {pair.second}, {pair.second_as_first:3} x the reverse"
    )
both = matrix + matrix.T
shares = np.sort(both[np.triu_indices(len(names), 1)])[::-1].cumsum() / mistakes.num_errors
print(
    f"{np.searchsorted(shares, 0.5) + 1} of 45 pairs hold half of the {mistakes.num_errors} errors"
)

# %% [markdown]
# **7. View them.** The surest errors between T-shirt/top and Shirt; below each its label in the
# data set. *What would your answer be?*

# %%
shirts = [names.index("T-shirt/top"), names.index("Shirt")]
between = np.flatnonzero(
    (predicted != labels) & np.isin(predicted, shirts) & np.isin(labels, shirts)
)
surest = between[np.argsort(-probs[between].max(axis=1))][:10]
plots.image_rows({"": list(part.images[surest])}, {"": [names[labels[one]] for one in surest]})

# %% [markdown]
# **8. Merge them.** A shop that sells both from one shelf does not mind that error. *How much
# accuracy does it gain?* The network stays as it is; only the question gets easier.

# %%
merged = np.arange(len(names))
merged[shirts[1]] = shirts[0]  # both have one number now
before, after = (predicted == labels).mean(), (merged[predicted] == merged[labels]).mean()
print(
    f"apart {100 * before:.2f} %, merged {100 * after:.2f} %: {100 * (after - before):+.2f} points"
)

# adding the two probabilities before the answer is chosen is better still, or equal on paper
joined = probs.copy()
joined[:, shirts[0]] += joined[:, shirts[1]]
joined[:, shirts[1]] = 0
summed = (merged[joined.argmax(axis=1)] == merged[labels]).mean()
print(f"with the probabilities added {100 * summed:.2f} %")

# %% [markdown]
# **9. When errors differ in price.** Who ordered a shirt and gets a T-shirt sends it back. Assume
# that this costs 5 and any other error 1. The most probable class is no longer the best answer:
# take the one with the lowest expected cost, the sum of *probability times cost*. *Will there be
# more or fewer answers "T-shirt/top"? Can the accuracy rise?*

# %%
top, shirt = shirts
costs = 1.0 - np.eye(len(names))  # true class (rows), answer (columns)
costs[shirt, top] = 5

expected = probs @ costs  # of every answer, for every image
careful = expected.argmin(axis=1)
for way, answers in (("most probable", predicted), ("lowest cost", careful)):
    print(
        f"{way:<14} accuracy {100 * (answers == labels).mean():.2f} %, "
        f"{(answers == top).sum()} answers {names[top]}, {costs[labels, answers].sum():.0f} paid"
    )

rows = np.arange(len(labels))
assert (expected[rows, careful] <= expected[rows, predicted]).all()
print(f"{(careful != predicted).sum()} answers differ")

# %% [markdown]
# **10. Is it the network's fault?** Another network, made in another way, judges the same images.
# *If errors were bad luck of the first one, how often would both give the same wrong answer?*

# %%
other = ankleboot.get_recipe("plain", filters=16, padding="same", epochs=2)
second = ankleboot.load_predictor(ankleboot.train(other, data).folder)
theirs = second.predict(part.images).argmax(axis=1)

wrong = predicted != labels
print(f"the other network: {100 * (theirs == labels).mean():.2f} % right")
print(f"of {wrong.sum()} errors of the first one")
print(f"  the other makes the same one in {100 * (theirs == predicted)[wrong].mean():.0f} %")
print(f"  the other is right in           {100 * (theirs == labels)[wrong].mean():.0f} %")

# %% [markdown]
# **11. Or the labels' fault?** Confident learning doubts a label if the network gives *another*
# class more probability than it gives that class's own images on average. These images were never
# learned, so the network cannot have known their labels by heart. *Wrong label, or hard image?
# Judge yourself.*

# %%
usual = np.array([probs[labels == one, one].mean() for one in range(len(names))])
sure = np.where(probs >= usual, probs, 0)  # classes for which the network is as sure as usual
suggested = sure.argmax(axis=1)
doubted = np.flatnonzero((sure.max(axis=1) > 0) & (suggested != labels))
print(f"{len(doubted)} of {len(labels):,} labels are doubted")
print(f"{100 * np.isin(np.flatnonzero(wrong), doubted).mean():.0f} % of the errors are among them")

worst = doubted[np.argsort(probs[doubted, labels[doubted]])][:10]
plots.image_rows(
    {"": list(part.images[worst])},
    {"": [f"{names[labels[one]]}?\n{names[suggested[one]]}?" for one in worst]},
)

# %% [markdown]
# **Try it yourself**
#
# 1. Merge T-shirt/top, Pullover, Coat and Shirt. What accuracy is left to gain among the others?
# 2. Set the cost of "no answer" to 0.3 (a person inspects the image). For which images is that the
#    best answer, and how accurate are the others?
#
# **What the full study found**, with commands to repeat it. It judges the shipped network and asks
# five others.

# %%
from ankleboot.studies.stored_answers import format_answer
from ankleboot.studies.study import get_study

if DATA == "sample":
    print("The study used all images. The 2,000 above may give other numbers and another order.\n")
print(format_answer(get_study("confusion")))
