"""Names and types of the tensors of the open inference protocol."""

from ankleboot.server.error_responses import ApiError

INPUT = "images"
PROBS, LABEL, ABSTAINED, SHA256 = "probs", "label", "abstained", "model_sha256"
OUTPUT_TYPES = {PROBS: "FP32", LABEL: "BYTES", ABSTAINED: "BOOL", SHA256: "BYTES"}
"""Types by name. A second model may predict photos, so each image has the SHA-256 of its own."""


def unknown_version_error(version: str) -> ApiError:
    """Return the error for a version that is not the served one."""
    return ApiError(404, "not_found", f"The served version of this model is {version}.")
