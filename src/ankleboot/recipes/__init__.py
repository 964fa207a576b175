"""Recipes: the hyperparameters of training runs, and the named recipes of the package.

Imports core. To add a recipe, add it to `catalog.py`; to add a field, declare it in `recipe.py`
with its range or words and the fields that it depends on.
"""
