"""Two thousand users in one process: two threads each, and nothing left when they have gone.

Fewer where the hard limit on descriptors does not allow for so many.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest

from chatroom.serving.demands import RESERVE
from tests.support.deadline import wait_for
from tests.support.many_clients import CROWD, ManyClients, at_most, many_clients
from tests.support.plain_client import PlainClient
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=13)

USERS = at_most(CROWD)

REQUESTS = RESERVE
"""Threads that have served a request, of a handshake for instance, and wait for the next one: some
more or fewer at each moment, as they end when they have waited for long. In a crowd, whoever has
shaken hands lets the next one in before its thread is free again."""


def test_two_thousand_come_and_go_twice(serve: Launch) -> None:
    """Two threads each; the second wave needs no more of anything than the first."""
    server = serve(history="memory:", maxUsers=USERS + 10)
    with server.join("Ann") as ann:
        ann.say("first")
        ann.hear()
        threads, descriptors, memory = server.threads(), server.descriptors(), server.memory()
        with many_clients(server.port) as users:
            first = fill(server, users, ann, USERS // 2)
            full = fill(server, users, ann, USERS)
        assert abs(full.threads - first.threads - 2 * USERS // 2) <= REQUESTS
        assert full.descriptors == descriptors + USERS
        assert full.memory - memory < USERS * 100_000

        wait_for(lambda: sockets(server) == 1, "that all have left")
        wait_for(lambda: server.threads() <= threads + REQUESTS, "the end of their threads")
        wait_for(lambda: server.descriptors() <= descriptors + 1, "the end of the sockets")
        ann.say("quiet again")
        assert ann.bodies() == ["quiet again"]

        with many_clients(server.port) as users:
            again = fill(server, users, ann, USERS)
        assert abs(again.threads - full.threads) <= REQUESTS
        assert again.descriptors == full.descriptors
        assert again.memory - full.memory < 8 * 2**20
    assert "ERROR" not in server.log()
    assert "Traceback" not in server.said()


class Taken(NamedTuple):
    """What the server takes of the machine."""

    threads: int
    descriptors: int
    memory: int


def fill(server: Running, users: ManyClients, ann: PlainClient, count: int) -> Taken:
    """Let users in until there are so many, and each has heard three messages."""
    users.enter(count - len(users.received))
    wait_for(lambda: f"now {count + 1}\n" in server.log()[-2000:], "all in the room")
    for number in range(3):
        ann.say(f"hello {count} {number}")
        ann.hear()
        users.hear(b'"hello %d %d"' % (count, number))
    return Taken(server.threads(), server.descriptors(), server.memory())


def sockets(server: Running) -> int:
    count: int = json.loads(server.get("/healthz")[2])["sockets"]
    return count
