"""A page for a model with Gradio: label, bars, and the steps of the preprocessing.

pip install 'ankleboot[pages]'
ANKLEBOOT_MODEL=runs/pets python examples/gradio_app.py
"""

import os

import gradio
import numpy as np

import ankleboot

MODEL = os.environ.get("ANKLEBOOT_MODEL", "pretrained")


def classify(path: str | None) -> tuple[str, dict[str, float], list[tuple[np.ndarray, str]]]:
    """Return the label or the reason for none, the probabilities, and the steps."""
    if path is None:
        raise gradio.Error("Choose a photo first.")
    try:
        steps = ankleboot.preprocessing_steps(path, MODEL)
        (prediction,) = ankleboot.predict(path, MODEL)
    except ankleboot.AnklebootError as error:
        raise gradio.Error(str(error).removeprefix(f"{path}: ")) from error
    label = f"{prediction.label}, {100 * prediction.confidence:.1f} %"
    if prediction.abstained:
        label = f"Unsure: {prediction.reason}"
    return label, prediction.probs, [(pixels, name) for name, pixels in steps]


page = gradio.Interface(
    classify,
    gradio.Image(label="Photo", type="filepath", image_mode=None, sources=["upload", "webcam"]),
    [
        gradio.Textbox(label="Label"),
        gradio.Label(label="Probabilities", show_heading=False),
        gradio.Gallery(label="Preprocessing", columns=5, object_fit="contain"),
    ],
    title="Ankleboot",
    description="What does the photo show? A model may say that it is not sure.",
    flagging_mode="never",
    analytics_enabled=False,
    api_name="classify",
)

if __name__ == "__main__":
    page.launch(show_error=True)
