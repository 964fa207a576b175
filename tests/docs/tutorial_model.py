"""A model of Keras alone, as tutorials write it: `python tutorial_model.py FILE`."""

import sys

import keras

import ankleboot

data = ankleboot.load_data("sample")
model = keras.Sequential(
    [
        keras.Input((28, 28)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(64, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(data.train.images, data.train.labels, epochs=15, verbose=0)
model.save(sys.argv[1])
