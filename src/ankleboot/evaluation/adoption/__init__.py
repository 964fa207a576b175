"""Adoption: models that other tools made are examined on labeled images, and become runs."""
