"""The same rooms in several processes, on a history that all of them write to.

In reading order:

- ``order.py``: gives what is said its place, by its own thread
- ``keeper.py``: finds out what other processes have done, and keeps the history in order
"""
