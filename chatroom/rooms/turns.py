"""So many at once, and whoever waits gets a turn soon, however many others come from elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from chatroom.addresses import neighbourhood, region


class FairTurns:
    """What takes long, for anybody who asks. Any thread.

    The regions take turns, in each of them its addresses, and of each the one who came first: so
    whoever comes from a thousand addresses of a region delays the other regions by one turn each.

    Args:
        places: how many can have one at once.
    """

    # Rule: _lock guards what is below it.

    def __init__(self, places: int) -> None:
        self._lock = threading.Lock()
        self._free = places
        # By region and address, in the order in which they come next; nothing in it is empty.
        self._waiting: dict[str, dict[str, list[threading.Event]]] = {}

    @contextmanager
    def turn(self, address: str, patience: float) -> Iterator[bool]:
        """Within it, the turn is the caller's; or not, if it has not come in time.

        Args:
            patience: seconds to wait at most.
        """
        has_it = self._take(address, patience)
        try:
            yield has_it
        finally:
            if has_it:
                self._pass_on()

    def _take(self, address: str, patience: float) -> bool:
        whose, where, called = neighbourhood(address), region(address), threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return True
            self._waiting.setdefault(where, {}).setdefault(whose, []).append(called)
        if called.wait(patience):
            return True
        with self._lock:
            if called.is_set():  # just now
                return True
            self._drop(where, whose, called)
            return False

    def _pass_on(self) -> None:
        with self._lock:
            if not self._waiting:
                self._free += 1
                return
            where, here = next(iter(self._waiting.items()))
            whose, calls = next(iter(here.items()))
            first = calls[0]
            self._drop(where, whose, first)
            if whose in here:  # others of theirs wait, after everybody else's
                here[whose] = here.pop(whose)
            if where in self._waiting:
                self._waiting[where] = self._waiting.pop(where)
            first.set()

    def _drop(self, where: str, whose: str, called: threading.Event) -> None:
        assert self._lock.locked()
        here = self._waiting[where]
        here[whose].remove(called)
        if not here[whose]:
            del here[whose]
        if not here:
            del self._waiting[where]
