"""Fashion-MNIST: its four IDX files, the places they come from, and the shipped sample."""
