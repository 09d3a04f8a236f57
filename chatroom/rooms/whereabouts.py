"""Where people come from, and who has been in which room: so that somebody who was removed and
comes back as another has to knock, and nobody else does."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from chatroom.addresses import is_in, is_loopback, neighbourhood

MOST_PEOPLE = 20_000
"""Beyond that, whoever came or went the longest time ago is forgotten."""

ADDRESS_MS = 60 * 60 * 1000
"""For so long, the address of somebody who has gone is kept."""


class Whereabouts:
    """Owned by the Server thread.

    Args:
        secret: the key of what is stored of an address.
        proxies: trusted ones: everybody behind one would have its address.
    """

    def __init__(
        self,
        secret: Callable[[], bytes] = lambda: b"",
        proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._secret = secret
        self._proxies = proxies
        # By room and user id: the address and when that was, in Unix milliseconds; oldest first.
        self._seen: OrderedDict[tuple[str, str], tuple[str, int]] = OrderedDict()

    def note(self, room: str, user_id: str, address: str) -> None:
        """Somebody comes into the room, or leaves it."""
        now = time.time_ns() // 1_000_000
        self._seen[room, user_id] = address, now
        self._seen.move_to_end((room, user_id))
        if len(self._seen) > MOST_PEOPLE:
            self._seen.popitem(last=False)

    def knows(self, room: str, user_id: str) -> bool:
        """Whether somebody has been in the room since the process began."""
        return (room, user_id) in self._seen

    def forget_addresses(self) -> None:
        """Those of people who went long ago."""
        before = time.time_ns() // 1_000_000 - ADDRESS_MS
        for key, (address, at) in self._seen.items():
            if at >= before:
                break
            if address:
                self._seen[key] = "", at

    def keys_of(self, room: str, user_id: str, addresses: Iterable[str]) -> set[str]:
        """What to watch, if somebody is removed: the keys of their addresses.

        Args:
            addresses: of their sockets.
        """
        last, at = self._seen.get((room, user_id), ("", 0))
        if at < time.time_ns() // 1_000_000 - ADDRESS_MS:
            last = ""
        return {self.key(address) for address in (*addresses, last)} - {""}

    def key(self, address: str) -> str:
        """What is stored of an address, a keyed hash of it; empty for those that are never watched:
        this machine, and proxies."""
        if not self.is_somebodys(address):
            return ""
        text = f"watch {neighbourhood(address)}".encode()
        return hmac.new(self._secret(), text, hashlib.sha256).hexdigest()[:16]

    def is_somebodys(self, address: str) -> bool:
        """Whether it says anything about who has it."""
        shared = not address or address == "unix" or is_loopback(address)
        return not shared and not is_in(address, self._proxies)

    def sharing(self, user_id: str, addresses: Mapping[str, Iterable[str]]) -> int | None:
        """How many others share the person's connection; None if nobody can tell.

        Args:
            addresses: of each person who is there.
        """
        mine = {neighbourhood(it) for it in addresses.get(user_id, ()) if self.is_somebodys(it)}
        if not mine:
            return None
        others = (theirs for other, theirs in addresses.items() if other != user_id)
        return sum(not mine.isdisjoint(map(neighbourhood, theirs)) for theirs in others)
