"""The ten classes of Fashion-MNIST, in the order of their numbers."""

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

SHOES = frozenset({"Sandal", "Sneaker", "Ankle boot"})
"""The classes that come in pairs."""
