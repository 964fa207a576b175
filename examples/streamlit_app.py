"""A page for a model with Streamlit: label, bars, and the steps of the preprocessing.

pip install 'ankleboot[pages]'
ANKLEBOOT_MODEL=runs/pets streamlit run examples/streamlit_app.py
"""

import os
import tempfile
from pathlib import Path

import streamlit

import ankleboot

MODEL = os.environ.get("ANKLEBOOT_MODEL", "pretrained")


def show(path: Path) -> None:
    """Show the label or the reason for none, the probabilities, and the steps."""
    steps = ankleboot.preprocessing_steps(path, MODEL)
    (prediction,) = ankleboot.predict(path, MODEL)
    if prediction.abstained:
        streamlit.warning(f"Unsure: {prediction.reason}")
    else:
        streamlit.success(f"{prediction.label}, {100 * prediction.confidence:.1f} %")
    streamlit.subheader("Probabilities")
    for label in sorted(prediction.probs, key=lambda label: -prediction.probs[label])[:10]:
        streamlit.progress(
            prediction.probs[label], f"{label}: {100 * prediction.probs[label]:.1f} %"
        )
    streamlit.subheader("Preprocessing")
    for column, (name, pixels) in zip(streamlit.columns(len(steps)), steps, strict=True):
        column.image(pixels, name)


streamlit.title("Ankleboot")
streamlit.write("What does the photo show? A model may say that it is not sure.")
photo = streamlit.file_uploader(
    "Photo", ["png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff"]
)
if photo is not None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photo"
        path.write_bytes(photo.getvalue())
        try:
            show(path)
        except ankleboot.AnklebootError as error:
            streamlit.error(str(error).removeprefix(f"{path}: "))
