"""Processes that tell each other, as far as their database knows: a crier and an ear of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.deadline import wait_for

KEY = b"k" * 32

BEAT = 0.1
"""Seconds, so that nobody waits for the next one."""


class Station:
    """One of them.

    Args:
        url: of the database, for the crier.
        process: which one it is.
        ear_url: for the ear, if it has a line of its own.
        options: of the ear.
    """

    def __init__(
        self,
        url: str,
        process: int,
        *,
        ear_url: str = "",
        on_hearing: Callable[[Any], None] = lambda hint: None,
        **options: Any,
    ) -> None:
        # They load psycopg, which not everybody has who runs the tests.
        from chatroom.shared.crier import Crier
        from chatroom.shared.ear import Ear

        self.process = process
        self.heard: list[tuple[int, Any]] = []
        self.compared = 0
        """How often it was told to compare all rooms."""
        self._on_hearing = on_hearing
        self.crier = Crier(url, beat=BEAT)
        self.ear = Ear(ear_url or url, self.crier, self._hear, self._compare, **options)

    def start(self) -> Station:
        self.crier.start(self.process, KEY)
        self.ear.start()
        return self

    def wait_for_others(self, *processes: int) -> None:
        """Until it knows just them."""
        wait_for(lambda: self.ear.others == {*processes}, f"{processes} at {self.process}")

    def wait_for_hint(self, process: int, hint: Any) -> None:
        wait_for(lambda: (process, hint) in self.heard, f"{hint} at {self.process}")

    def close(self) -> None:
        """As a process that ends."""
        self.ear.stop(5)
        self.crier.stop(5)

    def _hear(self, process: int, hint: Any) -> None:
        self.heard.append((process, hint))
        self._on_hearing(hint)

    def _compare(self) -> None:
        self.compared += 1
