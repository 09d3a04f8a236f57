"""What each step costs, in microseconds, on the machine of the full run.

They are not measured one by one: ``fit.py`` finds those with which the simulation comes out where
the measurements did. So a single one may be off by more than what they say together.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """Of a process of the chat room, of the engine, and of the load generator, which shares its
    machine."""

    take: float = 10.0
    """Process: to read a message from its sender, and to check it."""
    batch: float = 160.0
    """Process: to form a batch, and to hand over what came of it."""
    place: float = 1.03
    """Process: for each message of a batch."""
    commit: float = 150.0
    """Process with SQLite: a transaction, besides the waiting."""
    ask: float = 320.0
    """Process with PostgreSQL: to ask for a transaction, and to read the answer."""
    send: float = 3.74
    """Process: a system call, for each user and batch."""
    deliver: float = 0.0065
    """Process: for each user and message."""
    tell: float = 357.0
    """Process: to tell the others of a batch; and theirs to hear of it."""
    hear: float = 5.42
    """Process: for each message that another one has told of."""
    engine: float = 334.0
    """Engine: a transaction."""
    store: float = 13.2
    """Engine: for each message of it."""
    notify: float = 259.0
    """Engine: to take a notification, and to bring it to a process."""
    load_read: float = 0.682
    """Load: for each user and batch."""
    load_say: float = 27.9
    """Load: for each message said."""
    fsync: float = 170.0
    """No CPU: the disk's time for a commit."""
    wake: float = 33.8
    """No CPU: until the thread that has something to do next has Python's lock."""
