"""The other people in the room, who talk at a steady pace."""

from __future__ import annotations

import threading
import time
from itertools import cycle, islice

from chatroom.client import ChatClient

PACE = 50
"""Messages a second, of all together."""

LATE = 0.1
"""Seconds by which a message may be late."""

PEOPLE = ("Bob", "Cleo", "Dora", "Emil", "Fay")
BODIES = (
    "Good morning! Did anyone get the second exercise to run?",
    "Yes: you need `python3 -m venv .venv` first, see https://docs.python.org/3/",
    "Ah.",
    "And how do I see who else is on the network? I have tried for an hour now, on two machines, "
    "and each shows only itself; the one in the corner does not even show that.",
    "@Ann wrote something for that",
    "```\nfor name in sorted(people):\n    print(name, people[name])\n```",
    "It works!",
    "See you at eight, then.",
)


class Talkers:
    """A context: they are inside, and silent until they are asked to talk."""

    def __init__(self, port: int) -> None:
        url = f"http://127.0.0.1:{port}"
        self._clients = [ChatClient(url, name, listen=False) for name in PEOPLE]
        self._thread: threading.Thread | None = None
        self._late = 0.0

    def __enter__(self) -> Talkers:
        for client in self._clients:
            client.open()
        return self

    def __exit__(self, *_: object) -> None:
        for client in self._clients:
            client.close()

    def start(self, seconds: float) -> int:
        """Talk for so long; returns how many messages that makes."""
        count = round(seconds * PACE)
        self._thread = threading.Thread(target=self._talk, args=(count,), name="talkers")
        self._thread.start()
        return count

    def finish(self) -> list[str]:
        """Wait until they have done; a note where they did not keep the pace."""
        assert self._thread
        self._thread.join()
        late = f"the talkers were up to {self._late:.1f} s late: the machine was busy otherwise"
        return [late] if self._late > LATE else []

    def _talk(self, count: int) -> None:
        began = time.monotonic()
        self._late = 0.0
        said = islice(zip(cycle(self._clients), cycle(BODIES), strict=False), count)
        for number, (client, body) in enumerate(said):
            due = began + number / PACE
            time.sleep(max(0.0, due - time.monotonic()))
            self._late = max(self._late, time.monotonic() - due)
            client.say(body)
