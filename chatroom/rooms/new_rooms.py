"""How many rooms one address may create: otherwise a single client could use up all of them."""

from __future__ import annotations

from chatroom.addresses import neighbourhood
from chatroom.sockets.budget import Budget

AT_ONCE = 100
"""Rooms: a whole school may have one address."""

SECONDS_EACH = 5.0
"""Seconds after which an address may create another one: 1,000 rooms take more than an hour."""

TIDY_AT = 1000
"""Addresses at which those are forgotten that may create ``AT_ONCE`` rooms again."""


class NewRooms:
    """Owned by the Server thread."""

    def __init__(self) -> None:
        self._budgets: dict[str, Budget] = {}
        self._tidy_at = TIDY_AT

    def allow(self, address: str) -> bool:
        """Whether somebody there may create a room now; if so, it counts."""
        key = neighbourhood(address)
        budget = self._budgets.get(key)
        if budget is None:
            if len(self._budgets) >= self._tidy_at:
                self._tidy()
            budget = self._budgets[key] = Budget(1 / SECONDS_EACH, AT_ONCE)
        return budget.try_to_spend(1)

    def _tidy(self) -> None:
        self._budgets = {key: one for key, one in self._budgets.items() if not one.is_whole}
        self._tidy_at = max(TIDY_AT, 2 * len(self._budgets))
