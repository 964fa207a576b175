"""A corpus of hostile model files, built by code: no file of it is stored."""
