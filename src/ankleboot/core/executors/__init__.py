"""Execution of many trainings, one or several at once, here or on a cluster.

A task is a module that prints a JSON object. To run tasks elsewhere, add a class with the methods
of `executor.Executor` and a name in `executor.make_executor`.
"""
