"""How many rooms one address may create: otherwise a single client could use up all of them."""

from __future__ import annotations

from chatroom.sockets.budget import Budgets

AT_ONCE = 100
"""Rooms: a whole school may have one address."""

SECONDS_EACH = 5.0
"""Seconds after which an address may create another one: 1,000 rooms take more than an hour."""


def new_rooms() -> Budgets:
    """What each address may create. Owned by the Server thread."""
    return Budgets(1 / SECONDS_EACH, AT_ONCE)
