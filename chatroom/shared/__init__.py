"""The same rooms in several processes, which have a PostgreSQL database in common.

In reading order:

- ``hints.py``: what they tell each other, as payloads of NOTIFY
- ``crier.py``: the thread that tells it, and asks the register
- ``ear.py``: the thread that hears it
- ``throttle.py``: log lines that would come too often

The log decides: hints only make others look there earlier. They may be lost, doubled or late.
"""
