"""Search for a better recipe: space, trials, pruning, and what a search found.

The storage is Optuna's, an SQLite file; the trainings run by an executor. To make a field
searchable, give it a `search` range in `recipes/*_fields.py`.
"""
