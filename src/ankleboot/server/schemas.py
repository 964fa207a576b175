"""What the API takes and gives, in the words of OpenAPI; its examples can be tried."""

from typing import Any, Literal

from pydantic import BaseModel, Field

from ankleboot.server.body_parser import FORM, JSON, TYPES

EXAMPLE_IMAGE_BASE64 = (
    "iVBORw0KGgoAAAANSUhEUgAAABwAAAAcCAAAAABXZoBIAAABWUlEQVR42t3SPS9DYRwF8PPc539v74tGpanGO4sE"
    "i9TGZpMQk7DYLNgIEl/BZmOwYJYYTCwsbRqJMFpqKBYpWu2993kzCNGPwJlO8ttODvBvw9C//dUSBN5EZEsc5jou"
    "AUBpsCZ0QxQi3dXXeHy+LxfPmpArbC49pLhjyLFaSzn6ZZbC2lah3dMmhBvKIxAz32YLnAzmg4g0PEvLKAv6Mb/u"
    "5+VNmvvC5qahQsqBwMjS2tKqjuX4tjdAyLhhFEc0DIIRABRgbU/lU3VFCccoUVUq5iMEzLrZiuoZ6tFPAx4HpAeL"
    "J4nH3gzD6sJpcT4dsXfd2SKDlqQdCgtOQ4eZCTa+k/h4f6E3P0h5Nvnmg1LCF0ZLqUZJVTJdfQIR82LJEpJnMniu"
    "uEYHUXIPAFs/qFWFljWjtDHHk92lV2VM+Tpc+ZrPa8xxd3p/8eKu7RzAxi4fu3LiP3aoT5N8k4hIi6Z+AAAAAElF"
    "TkSuQmCC"
)
"""An ankle boot of Fashion-MNIST's test split (MIT, Zalando SE), 28 x 28 pixels, PNG, base64."""


class Detail(BaseModel):
    """What is wrong."""

    code: str = Field(description="In snake_case, for programs.", examples=["not_a_picture"])
    message: str = Field(
        description="One sentence, for people.", examples=["Not a picture of a known format."]
    )


class Problem(BaseModel):
    """An error."""

    error: Detail


class Prediction(BaseModel):
    """The answer about one picture."""

    name: str | None = Field(description="The file's, where the request gave one.")
    label: str = Field(examples=["Ankle boot"])
    index: int = Field(description="Of the label among the classes.", examples=[9])
    confidence: float = Field(description="The label's probability, calibrated.", ge=0, le=1)
    probs: dict[str, float] = Field(description="Of every class that can be an answer.")
    none_of_these: float = Field(description="Probability of something else, where it is known.")
    abstained: bool = Field(description="The label is a guess that should not be relied on.")
    reason: str | None = Field(description="Why, in words.")
    cause: Literal["missing", "blank", "declined", "several", "unsure"] | None = Field(
        description="Why, in one word: no garment, one color, none of these, many, doubt."
    )


class Unanswered(BaseModel):
    """A picture that could not be answered, among others."""

    name: str | None
    error: Detail


class Predictions(BaseModel):
    """Answers in the order of the pictures."""

    model: str
    predictions: list[Prediction | Unanswered]


class Step(BaseModel):
    """A picture on the way from the photograph to what the network saw."""

    name: str
    png: str = Field(description="A PNG file in base64.")


class Overlay(BaseModel):
    """Occlusion: what hiding a place does to the answer."""

    png: str = Field(description="RGBA: warm where hiding lowers the probability, cool where not.")
    label: str
    most: float = Field(description="Largest change of the label's probability.")


class Neighbour(BaseModel):
    """A training image."""

    png: str
    label: str
    likeness: float = Field(description="Correlation of the pixels.", ge=-1, le=1.001)


class Explanation(BaseModel):
    """How an answer came about."""

    model: str
    prediction: Prediction
    steps: list[Step]
    small: str | None = Field(description="The garment in 28 x 28 grey pixels, where it is one.")
    overlay: Overlay
    neighbours: list[Neighbour]


class Health(BaseModel):
    """The process lives."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """Requests are answered."""

    status: str = Field(examples=["ready"])
    workers: int = Field(description="Processes that answer.")


class Described(BaseModel):
    """A model: what it knows, how good it is."""

    name: str
    recipe: str
    data: str
    format: str
    parameters: int
    classes: list[str]
    declined: list[str] = Field(description="Things it knows in order to decline them.")
    image_size: int
    color: bool
    crop: str
    abstain_below: float = Field(description="Confidence that an answer needs.")
    temperature: float
    version: str
    sha256: str
    metrics: dict[str, dict[str, Any] | None] = Field(description="What `evaluate` measured.")
    card: str | None = Field(description="The model card, Markdown.")
    photo: dict[str, Any] | None = Field(description="The model asked about photographs instead.")


class Limits(BaseModel):
    """What a request may hold."""

    body_bytes: int
    pictures: int
    pixels: int = Field(description="Of one picture.")


class Models(BaseModel):
    """What is served."""

    version: str
    default: str
    limits: Limits
    models: list[Described]


def picture_body(max_images: int) -> dict[str, Any]:
    """The request body of a route, with an example of each kind that needs one."""
    raw = {"schema": {"type": "string", "format": "binary"}}
    files = {"type": "array", "minItems": 1, "maxItems": max_images}
    form = {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,  # files of other names are taken, too; fields are not
        "properties": {"images": files | {"items": {"type": "string", "format": "binary"}}},
    }
    document = {
        "type": "object",
        "required": ["images"],
        "additionalProperties": False,
        "properties": {
            "images": files
            | {"items": {"type": "string", "format": "byte", "contentEncoding": "base64"}}
        },
    }
    content: dict[str, Any] = dict.fromkeys(TYPES, raw)
    content[FORM] = {"schema": form}
    content[JSON] = {"schema": document, "example": {"images": [EXAMPLE_IMAGE_BASE64]}}
    return {"requestBody": {"required": True, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What else a route may answer."""
    return {
        status: {"model": Problem, "description": _WORDS[status]} for status in sorted(statuses)
    }


_WORDS = {
    400: "The request cannot be read.",
    401: "The API key is missing or wrong.",
    408: "The body did not come in time.",
    413: "Too many bytes, pixels or pictures.",
    415: "Not a type that is accepted.",
    422: "Not a picture, or not what was expected.",
    429: "Too many requests of one client; see Retry-After.",
    431: "The headers are too large.",
    503: "Overloaded, not ready, or about to end; see Retry-After.",
}
