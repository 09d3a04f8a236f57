"""A history that lasts as long as the process.

- ``history.py``: ``MemoryHistory``: the messages of all rooms, within a bound
- ``arrivals.py``: the order of arrival over all rooms, so that the oldest is forgotten first
- ``files.py``: which files there are, and what has them
- ``reactions.py``: who has reacted to what
"""
