"""Who waits at a room's door until a host has answered.

Somebody new at an address from which somebody else was removed has to knock. Whoever was in before
does not; nor does anybody at another address.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from chatroom.errors import Refusal
from chatroom.rooms.charter import WatchedAddress
from chatroom.sockets.budget import Budgets
from chatroom.users.requests import Arrival
from chatroom.users.speaker import Speaker
from chatroom.wire import typed
from chatroom.wire.message_json import iso_time

MOST = 100
"""Who may wait at one door."""

KNOCKS_AT_ONCE = 30
"""From one address: a class that is late."""

SECONDS_EACH = 20.0
"""Seconds after which an address may knock once more: hosts have other things to do."""


@dataclass
class Knock:
    """Somebody who waits."""

    user_id: str
    name: str
    address_key: str
    """See ``Whereabouts.key``."""
    like: WatchedAddress
    """Who was removed from the same address."""
    arrivals: dict[Speaker, Arrival] = field(default_factory=dict)
    """One for each tab; none if they knock in another process."""

    @property
    def fields(self) -> dict[str, object]:
        """What hosts are told."""
        like = {"userId": self.like.user_id, "userName": self.like.name}
        who = {"userId": self.user_id, "userName": self.name}
        return who | {"like": like, "removedAt": iso_time(self.like.since)}

    @property
    def frame(self) -> bytes:
        """Likewise, on the wire."""
        return typed.frame("knock", **self.fields)


class KnockSeen(NamedTuple):
    """Somebody who waits, whichever process they have come to."""

    knock: Knock
    outcome: str
    """Of ``knocked``, once a host has answered; empty until then."""


class Knocks(dict[str, Knock]):
    """Of one room, by user id. Owned by the Server thread."""

    def __init__(self) -> None:
        super().__init__()
        self._budgets = Budgets(1 / SECONDS_EACH, KNOCKS_AT_ONCE)

    def add(self, arrival: Arrival, address_key: str, like: WatchedAddress) -> bool:
        """Somebody waits from now on; returns whether hosts have to be told.

        Raises:
            Refusal: ``too-many``: there is no place to wait.
        """
        user, user_id = arrival.user, arrival.identity.user_id
        is_new = user_id not in self
        if is_new:
            budget = self._budgets.of_key(address_key)
            seconds = 60.0 if len(self) >= MOST else budget.spend(1, patience=0.0)
            if seconds > 0:
                detail = "Too many people wait to be let in; try again later."
                raise Refusal("too-many", detail, retryAfter=int(seconds) + 1)
            self[user_id] = Knock(user_id, arrival.name, address_key, like)
        self[user_id].arrivals[user] = arrival
        return is_new

    @property
    def are_here(self) -> bool:
        """Whether any of them waits in this process."""
        return any(knock.arrivals for knock in self.values())

    def of(self, user: Speaker) -> Knock | None:
        """With which this one waits."""
        return next((knock for knock in self.values() if user in knock.arrivals), None)
