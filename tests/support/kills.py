"""Processes that share a room are killed while people talk; what must hold then.

Run as a program for a longer campaign: ``python -m tests.support.kills --kills 200``.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.postgresql import PostgresServer
from tests.support.server_process import Running
from tests.support.typed_client import Closed, Fields, TypedClient

THINKING = 0.02
"""Seconds before somebody says more: processes that start need the processor, too."""

PATIENCE = 20.0
"""Seconds without a byte after which a client comes back elsewhere."""


class Somebody(threading.Thread):
    """A client that comes back to whichever process there is, as often as it has to.

    Args:
        servers: where it may come to.
        talks: it says something as soon as the last thing is acked; otherwise it listens.
    """

    def __init__(self, name: str, servers: Sequence[Running], *, talks: bool) -> None:
        super().__init__(name=name)
        self.client = TypedClient(0, name)
        self.said: list[str] = []
        self.failure: BaseException | None = None
        self.came = 0
        """How often."""
        self.is_over = threading.Event()
        """It says nothing more."""
        self.last = ""
        """The id up to which it has to hear; known once all have stopped talking."""
        self.knows_last = threading.Event()
        self._servers = servers
        self._talks = talks
        self._chance = random.Random(name)

    def run(self) -> None:
        """Until ``last`` is heard."""
        try:
            while not self._is_done():
                try:
                    self._come()
                    self._talk() if self._talks else self._listen()
                except Closed as closed:
                    assert closed.code in (1001, 1011, 1012, 4001, 4008), closed
                    self.client.close()
                except (OSError, EOFError):
                    self.client.close()
                    self.is_over.wait(0.05)
        except BaseException as failure:
            self.failure = failure
        finally:
            self.client.close()

    def _is_done(self) -> bool:
        view = self.client.view
        return bool(self.last and not self.client.outbox and view and view[-1]["id"] == self.last)

    def _come(self) -> None:
        self.client.port = self._chance.choice(self._servers).port
        self.client.connect(PATIENCE)
        self.came += 1
        assert self.client.recovered is not False, "it had to start afresh"

    def _talk(self) -> None:
        while not self._is_done():
            self.client.hear_until_acked()
            if self.is_over.wait(THINKING):
                if self.knows_last.wait(DEADLINE):
                    self.client.hear_until(self.last)
                return
            body = f"{self.client.name} {len(self.said)}"
            self.said.append(body)
            self.client.say(body, f"c{len(self.said)}")

    def _listen(self) -> None:
        while not self._is_done():
            if self.last:
                self.client.hear_until(self.last)
            else:
                self.client.hear()


def campaign(
    servers: Sequence[Running],
    history: Callable[[], list[Fields]],
    kills: int,
    *,
    pause: float = 0.2,
    strike: Callable[[random.Random], bool] = lambda chance: False,
) -> list[Fields]:
    """Kill and start again, one process after the other, while four talk and two listen; then look
    whether everything that was said is there once, in order, and was heard by all.

    Args:
        history: of the lobby.
        kills: how many.
        pause: seconds between the start of one and the end of the next, in which people talk.
        strike: hurts something else instead, if it returns True.

    Returns:
        The history.
    """
    chance = random.Random(kills)
    people = [Somebody(f"Talker{number}", servers, talks=True) for number in range(4)]
    people += [Somebody(f"Listener{number}", servers, talks=False) for number in range(2)]
    for one in people:
        one.start()
    wait_for(lambda: all(one.came for one in people) or _failed(people), "everybody")
    for _ in range(kills):
        if _failed(people):
            break
        if not strike(chance):
            victim = chance.choice(servers)
            victim.kill()
            victim.start()
        _let_talk(people, pause)
    talkers = people[:4]
    for one in people:
        one.is_over.set()
    wait_for(lambda: _failed(people) or not any(it.client.outbox for it in talkers), "all acks")
    kept = history()
    for one in people:
        one.last = kept[-1]["id"]
        one.knows_last.set()
    for one in people[4:]:  # who hears nothing more would wait for it
        if one.client.socket:
            with suppress(OSError):  # it may just be coming back
                one.client.socket.socket.settimeout(1.0)
    for one in people:
        one.join(DEADLINE)
        assert not one.is_alive(), f"{one.name} has not heard everything"
        if one.failure:
            raise one.failure
        one.client.check(kept)
    bodies = [message["body"] for message in kept]
    assert len(bodies) == len(set(bodies)), "stored twice"
    for one in talkers:
        assert [body for body in bodies if body.startswith(f"{one.name} ")] == one.said
    numbers = [int(message["id"].partition("-")[0]) for message in kept]
    assert numbers == list(range(1, len(kept) + 1)), "a hole"
    return kept


def _let_talk(people: Sequence[Somebody], seconds: float) -> None:
    """For so long, and until somebody has said something more."""
    until, talked = time.monotonic() + seconds, _words(people)

    def is_over() -> bool:
        return _failed(people) or (time.monotonic() > until and _words(people) > talked)

    wait_for(is_over, "talk that goes on")


def _words(people: Sequence[Somebody]) -> int:
    return sum(len(one.said) for one in people)


def _failed(people: Sequence[Somebody]) -> bool:
    return any(one.failure for one in people)


def lobby(database: PostgresServer, url: str) -> Callable[[], list[Fields]]:
    """Reads the whole lobby from the database, as clients name it."""

    def read() -> list[Fields]:
        rows = database.query(
            "SELECT messages.seq || '-' || messages.nonce, body FROM chatroom.messages"
            " JOIN chatroom.rooms ON room = number WHERE name = 'lobby' ORDER BY messages.seq",
            url.rpartition("/")[2],
        )
        return [{"id": id, "body": body} for id, body in rows]

    return read


def main() -> None:
    """Three processes, and a database that is hurt, too: killed, or stopped for a while."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--processes", type=int, default=3)
    parser.add_argument("--database", action="store_true", help="hurt the database, too")
    options = parser.parse_args()
    database = postgresql.shared()
    url = database.make_database()

    def strike(chance: random.Random) -> bool:
        if not options.database or chance.random() > 0.2:
            return False
        if chance.random() < 0.5:
            database.kill()
            database.start()
        else:
            with database.frozen():
                time.sleep(chance.uniform(0.5, 4))
        return True

    with tempfile.TemporaryDirectory() as folder:
        servers = [
            Running(Path(folder) / str(number), history=url, leaveGrace=0, replayLimit=0).start()
            for number in range(options.processes)
        ]
        began = time.monotonic()
        try:
            kept = campaign(servers, lobby(database, url), options.kills, strike=strike)
        finally:
            for server in servers:
                server.kill()
        took = time.monotonic() - began
        print(f"{options.kills} kills in {took:.0f} s: all {len(kept)} messages are there once")
    postgresql.end_shared()


if __name__ == "__main__":
    main()
