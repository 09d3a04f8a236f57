"""The same rooms in several processes, on a history that all of them write to.

In reading order:

- ``sharing.py``: what a process has for that: how it is made, starts and stops
- ``order.py``: gives what is said its place behind what others say, by a thread of its own
- ``keeper.py``: finds out what others have done, and keeps the history in order
"""
