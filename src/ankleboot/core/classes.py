"""Classes of Fashion-MNIST in the order of their labels."""

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
"""Classes that are worn in pairs."""
