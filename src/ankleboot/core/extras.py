"""Extras of the package, by the modules that they bring."""

EXTRAS = {
    "train": "cv2 jinja2 keras matplotlib tensorflow",
    "jax": "jax",
    "audit": "cleanlab sklearn",
    "onnx": "onnxruntime",
    "openvino": "openvino",
    "tables": "pyarrow",
    "scale": "ray",
    "tune": "optuna",
    "mlflow": "mlflow sqlalchemy alembic sqlparse",
    "export": "litert_quantizer onnx tf2onnx",
    "serve": "httptools prometheus_client python_multipart starlette uvicorn",
}
"""Modules that the light core does without, by the extra that brings them."""


def needed_extra(module: str) -> str | None:
    """Return a sentence that names the extra with a missing module; None if no extra has it."""
    package = module.partition(".")[0]
    for extra, modules in EXTRAS.items():
        if package in modules.split():
            return f"this needs {package}: pip install 'ankleboot[{extra}]'"
    return None
