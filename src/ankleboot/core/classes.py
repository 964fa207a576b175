"""Facts about Fashion-MNIST: its classes in the order of their labels, and its pixels."""

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

PIXEL_MEAN, PIXEL_STD = 0.2860, 0.3530
"""Mean and standard deviation of the pixels in [0, 1] of the 60,000 training images."""

SHOES = frozenset({"Sandal", "Sneaker", "Ankle boot"})
"""Classes that are worn in pairs."""
