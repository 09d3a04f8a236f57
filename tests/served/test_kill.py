"""kill -9 at any moment: what anyone saw is there afterwards, once, and in its order."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from tests.support.server_process import Launch, Running
from tests.support.websocket_client import RawClient

pytestmark = pytest.mark.takes(seconds=10)

ROUNDS = 20
TALKERS = 3


def test_what_anyone_saw_is_there_after_kill_9(prepare: Launch) -> None:
    """Twenty times, in the middle of talk: nothing seen is lost, doubled or moved."""
    server = prepare(history="sqlite:chat.db", replayLimit=50)
    before: list[dict[str, str]] = []

    server.start()
    for round_ in range(ROUNDS):
        seen = chat_until_killed(server, f"round {round_}", random.randrange(60, 400))
        server.start()
        kept = server.history()

        assert kept[: len(before)] == before, "an older message is lost or changed"
        assert [seq(message) for message in kept] == list(range(1, len(kept) + 1))
        assert len({message["id"] for message in kept}) == len(kept)
        assert len({message["body"] for message in kept}) == len(kept), "stored twice"
        assert len(kept) > len(before)
        for run in filter(None, seen):
            start = seq(run[0]) - 1
            assert kept[start : start + len(run)] == run, "seen, but not what is kept"
        before = kept


def seq(message: dict[str, Any]) -> int:
    return int(message["id"].partition("-")[0])


def chat_until_killed(server: Running, words: str, after: int) -> list[list[dict[str, Any]]]:
    """Let some talk; ``kill -9`` when one has heard ``after`` messages. What each heard."""
    with ThreadPoolExecutor(TALKERS) as pool, RawClient(server.port) as witness:
        talks = [pool.submit(talk, server.port, f"{words} talker {n}") for n in range(TALKERS)]
        try:
            witness.join("Witness")
            heard = [witness.message() for _ in range(after)]
        finally:
            server.kill()
        hear_until_the_end(witness, heard)
        return [heard, *(talk.result(20) for talk in talks)]


def talk(port: int, words: str) -> list[dict[str, Any]]:
    """Say ten things, hear them come back, and so on until the server is gone. All that it heard.

    Raises:
        TimeoutError: what was said does not come back.
    """
    heard: list[dict[str, Any]] = []
    try:
        talker = RawClient(port)
    except (EOFError, ConnectionError):  # the server is gone already, or amid the handshake
        return heard
    with talker:
        with suppress(EOFError, ConnectionError):
            for number in count():
                bodies = [f"{words} says {number}.{i}" for i in range(10)]
                talker.say("Talker", *bodies)
                while not heard or heard[-1]["body"] != bodies[-1]:
                    heard.append(talker.message())
        hear_until_the_end(talker, heard)
    return heard


def hear_until_the_end(client: RawClient, heard: list[dict[str, Any]]) -> None:
    """Add what reached the client before the server was gone."""
    with suppress(EOFError, ConnectionError):
        while True:
            heard.append(client.message())
