"""What each step costs, in microseconds of CPU on the machine that was measured.

Those of one process with SQLite are not measured one by one: ``fit.py`` finds the ones with which
the simulation comes out where the measurements did. So a single one may be off by more than what
they say together. Those of PostgreSQL and of hints were measured one by one, in a prototype, until
there is a run of ``--only two`` on an idle machine, which they can be fitted to.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """Of a process of the chat room, of the engine, and of the load generator, which shares its
    machine."""

    take: float = 11.5
    """Process: to read a message from its sender, and to check it."""
    batch: float = 155
    """Process: to form a batch, and to hand over what came of it."""
    place: float = 2.9
    """Process: for each message of a batch."""
    commit: float = 60.0
    """Process with SQLite: a transaction, besides the waiting."""
    ask: float = 100.0
    """Process with PostgreSQL: to ask for a transaction, and to read the answer. Prototype: 0.45 ms
    for one message, less the engine's part and the disk's."""
    send: float = 6.6
    """Process: a system call, for each user and batch."""
    deliver: float = 0.028
    """Process: for each user and message."""
    tell: float = 60.0
    """Process: to tell the others of a batch; and theirs to hear of it."""
    hear: float = 20.0
    """Process: for each message that another one has told of. Prototype: packed and read, 20."""
    engine: float = 180.0
    """Engine: a transaction. Prototype."""
    store: float = 11.0
    """Engine: for each message of it. Prototype."""
    notify: float = 50.0
    """Engine: to take a notification, and to bring it to a process. Prototype: 21,000 a second on
    one core, with nothing else."""
    load_read: float = 2.4
    """Load: for each user and batch."""
    load_say: float = 8.0
    """Load: for each message said."""
    fsync: float = 116
    """No CPU: the disk's time for a commit."""
    wake: float = 19
    """No CPU: until the thread that has something to do next has Python's lock."""
