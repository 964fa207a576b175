"""Kinds of photographed things, by the folder that they lie in, and the labels that are right.

The folders are those of the clothing dataset (CC0). Its small version has ten of them; the others
were mapped by looking at the photos, which docs/photos.md describes.
"""

from dataclasses import dataclass

from ankleboot.core.classes import SHOES


@dataclass(frozen=True)
class PhotoKind:
    """Kind of garment on photos.

    Attributes:
        labels: Labels that are right; none if the photo has to be declined.
        learned_as: Label that a model for photos learns the kind as; empty if it has no single one.
            Shoes are divided by eye (tools/shoe_kinds.csv).
        is_neighbor: Whether the kind neighbors the ten classes; it is reported apart.
    """

    labels: frozenset[str]
    learned_as: str = ""
    is_neighbor: bool = False


def _garment(label: str, *, is_neighbor: bool = False) -> PhotoKind:
    return PhotoKind(frozenset({label}), label, is_neighbor)


def _declined(label: str, *, is_neighbor: bool = False) -> PhotoKind:
    return PhotoKind(frozenset(), label, is_neighbor)


PHOTO_KINDS = {
    "t-shirt": _garment("T-shirt/top"),
    "pants": _garment("Trouser"),
    "longsleeve": _garment("Pullover"),
    "dress": _garment("Dress"),
    "outwear": _garment("Coat"),
    "shirt": _garment("Shirt"),
    "shoes": PhotoKind(SHOES),
    "hat": _declined("hat"),
    "shorts": _declined("shorts"),
    "skirt": _declined("skirt"),
    "hoodie": _garment("Pullover", is_neighbor=True),
    "blazer": _garment("Coat", is_neighbor=True),  # half of them are denim and leather jackets
    "polo": _garment("T-shirt/top", is_neighbor=True),
    "top": _garment("T-shirt/top", is_neighbor=True),
    "undershirt": _garment("T-shirt/top", is_neighbor=True),
    # one-piece suits of babies: neither tops nor trousers
    "body": _declined("bodysuit", is_neighbor=True),
    # short-sleeved ones look like tops, long-sleeved ones like shirts: right with either label
    "blouse": PhotoKind(frozenset({"T-shirt/top", "Shirt"}), is_neighbor=True),
    # waistcoats, overalls, gloves and sets: nothing that one label could teach
    "other": PhotoKind(frozenset(), is_neighbor=True),
}
"""All kinds; the folders `not_sure` and `skip`, whose label nobody knew, are none."""

MAIN_KINDS = tuple(name for name, kind in PHOTO_KINDS.items() if not kind.is_neighbor)
NEIGHBOR_KINDS = tuple(name for name, kind in PHOTO_KINDS.items() if kind.is_neighbor)
GARMENT_KINDS = tuple(name for name in MAIN_KINDS if PHOTO_KINDS[name].labels)
"""The seven kinds that map onto the ten classes."""
