# %% [markdown]
# # Your own Keras model beside ours
#
# A network from another notebook has no run folder: how its images were scaled is unknown, and
# whether its outputs are probabilities. `adopt` finds out on labeled images and makes a run of it.
# It takes a minute on a laptop.

# %% [shared] setup

# %% [markdown]
# **2. The data.** `"sample"` is a small part that ships along and needs no network.

# %%
import ankleboot

DATA = "fashion-mnist"

data = ankleboot.load_data(DATA)
print(data)

# %% [markdown]
# **3. A network as a tutorial builds it**: pixels from 0 to 255, scaled by its first layer, and
# logits at the end.

# %%
from ankleboot.core.silence import import_keras

import_keras()  # without TensorFlow's greetings

import keras

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((28, 28, 1)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(16, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10),
    ]
)
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
model.fit(data.train.images[..., None], data.train.labels, epochs=5, verbose=0)
model.save("mine.keras")

# %% [markdown]
# **4. Adopt it.** Every scale of the pixels and every meaning of the outputs is tried on training
# images; the table shows how far ahead the chosen one is.

# %%
mine = ankleboot.adopt("mine.keras", DATA, progress=print)
adopted = mine.manifest()["adopted"]
for trial in adopted["trials"]:
    print(f"{trial['input']:<10}{100 * trial['accuracy']:6.2f} %  loss {trial['loss']:.3f}")
print("outputs:", adopted["convention"]["outputs"])

# %% [markdown]
# **5. Judge it.** It learned all training images, so the test images are the only new ones. Keras
# gives the same number.

# %%
evaluation = ankleboot.evaluate(mine)
images, labels = data.test.images[..., None], data.test.labels
by_keras = model.evaluate(images, labels, verbose=0)[1]
print(f"{100 * evaluation.accuracy:.2f} % by Ankleboot, {100 * by_keras:.2f} % by Keras")
assert abs(evaluation.accuracy - by_keras) < 0.001

# %% [markdown]
# **6. Beside `sprint`**, on the same images: which is better, and may that be concluded?

# %%
sprint = ankleboot.train(ankleboot.get_recipe("sprint"), data)
for sentence in ankleboot.compare([mine, sprint]).sentences:
    print(sentence)

# %% [markdown]
# **7. All else works as well**: `ankleboot.explain(mine, ["test:0"])`, `ankleboot report`,
# `ankleboot export`, `ankleboot serve --model`.

# %%
ankleboot.explain(mine, ["test:0"], methods=["hires-cam"])[0].figure()
