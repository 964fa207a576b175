"""Run folders as rows of a table: columns, conditions, order, groups, index, and removal.

The folders are the truth; the index is a cache of them that may be deleted at any time.
"""
