"""The same rooms in several processes, on a history that all of them write to.

In reading order:

- ``sharing.py``: what a process has for that: how it is made, starts and stops
- ``order.py``: gives what is said its place behind what others say, by a thread of its own
- ``register.py``: decides about people, in the database
- ``keeper.py``: finds out what others have done, and keeps the history in order
- ``folder_mark.py``: whether they all have the same folder of files
- ``hints.py``: what they tell each other, as payloads of NOTIFY
- ``crier.py``: the thread that tells it, and asks the register
- ``ear.py``: the thread that hears it
- ``throttle.py``: log lines that would come too often

The log decides: hints only make others look there earlier. They may be lost, doubled or late.
"""
