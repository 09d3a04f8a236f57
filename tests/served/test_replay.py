"""Rooms with a long past: joins at once, and downloads that cost the room nothing."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.deadline import DEADLINE
from tests.support.histories import remember
from tests.support.server_process import Running, serving
from tests.support.websocket_client import TEXT, RawClient

pytestmark = pytest.mark.takes(seconds=13)

LIMIT = 500
ROOMS = {"hundred": 101, "thousand": 1000, "long": 100_000, "lobby": 200_000}


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("past")
    remember(folder, **ROOMS)
    return folder / "chat.db"


@pytest.fixture(scope="module")
def server(past: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that replays 500 messages."""
    folder = tmp_path_factory.mktemp("limited")
    shutil.copy(past, folder)
    with serving(folder, history="sqlite:chat.db", replayLimit=LIMIT) as running:
        yield running


@pytest.mark.parametrize("room", ["hundred", "thousand", "long"])
def test_a_joiner_gets_the_last_messages_and_the_others_chat_on(server: Running, room: str) -> None:
    """The original stands still for good at any join after the hundredth message."""
    count = ROOMS[room]
    with server.join("Ann", room) as ann, server.join("Bob", room) as bob:
        replayed = min(LIMIT, count)
        wanted = [f"{room} {seq}" for seq in range(count - replayed + 1, count + 1)]
        assert ann.bodies(replayed) == bob.bodies(replayed) == wanted
        ann.say("before")
        assert ann.bodies() == bob.bodies() == ["before"]

        with server.join("Cid", room) as cid:
            assert cid.bodies(min(LIMIT, count + 1)) == [*wanted, "before"][-LIMIT:]
            bob.say("after")
            assert ann.bodies() == bob.bodies() == cid.bodies() == ["after"]


def test_a_join_costs_no_more_where_the_past_is_long(server: Running) -> None:
    """A server that read all 100,000 messages would need a hundred times as much for them."""
    efforts = []
    for room in ("thousand", "long"):
        before = server.effort()
        for _ in range(10):
            with server.join("Dan", room) as dan:
                dan.hear(LIMIT)
        efforts.append(server.effort() - before)
    assert efforts[1] < 2 * efforts[0] + 0.2


def test_a_joiner_who_wants_all_gets_all_while_the_others_chat_on(
    past: Path, tmp_path: Path
) -> None:
    """replayLimit 0: 100,000 messages, then without a gap what was said meanwhile."""
    shutil.copy(past, tmp_path)
    with (
        serving(tmp_path, history="sqlite:chat.db", replayLimit=0) as server,
        RawClient(server.port, "long") as ann,
        ThreadPoolExecutor(1) as pool,
    ):
        ann.join("Ann")
        for _ in range(ROOMS["long"]):
            ann.frame()

        begun, go_on = threading.Event(), threading.Event()
        replayed = pool.submit(hear_until, server, "long", "the end", begun, go_on)
        assert begun.wait(DEADLINE)
        for said in range(50):  # and the joiner has its past before it, until it may go on
            ann.say("Ann", f"meanwhile {said}")
            assert ann.message()["body"] == f"meanwhile {said}"
        go_on.set()
        ann.say("Ann", "the end")
        seqs = replayed.result(2 * DEADLINE)

    assert seqs == list(range(1, ROOMS["long"] + 50 + 2))


def hear_until(
    server: Running, room: str, last: str, begun: threading.Event, go_on: threading.Event
) -> list[int]:
    """Join, and return the seqs of all messages up to the ``last`` one.

    Behind the first it sets ``begun``, and reads nothing before ``go_on`` is set.
    """
    seqs = []
    ending = json.dumps(last).encode()
    with RawClient(server.port, room, receive_buffer=65536) as joiner:
        joiner.join("Joiner")
        payload = b""
        while ending not in payload:
            opcode, payload = joiner.frame()
            assert opcode == TEXT
            begun.set()
            assert go_on.wait(DEADLINE)
            seqs.append(int(payload.partition(b'"id":"')[2].partition(b"-")[0]))
    return seqs


def test_the_whole_history_costs_a_few_megabytes_and_no_pause(server: Running) -> None:
    """200,000 messages for two readers at a time, while the room chats."""
    with server.join("Ann") as ann:
        ann.hear(LIMIT)
        before = server.memory()
        with ThreadPoolExecutor(2) as pool:
            downloads = [pool.submit(download, server.port) for _ in range(2)]
            said, most = 0, 0
            while not all(d.done() for d in downloads):
                ann.say(f"meanwhile {said}")
                assert ann.bodies() == [f"meanwhile {said}"]
                most = max(most, server.memory())
                said += 1
        for download_ in downloads:
            assert download_.result() >= ROOMS["lobby"]

    assert said > 10
    assert most - before < 12 * 2**20, f"{(most - before) / 2**20:.1f} MiB more"
    messages = server.history()
    seqs = [int(message["id"].partition("-")[0]) for message in messages]
    assert seqs == list(range(1, ROOMS["lobby"] + said + 1))
    assert messages[0]["body"] == "lobby 1"


def download(port: int) -> int:
    """How many messages /getAllMessages holds, read as a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/getAllMessages")
        reply = connection.getresponse()
        assert reply.status == 200
        count, rest = 0, b""
        while data := reply.read(65536):
            count += (rest + data).count(b'"sentAt"') - rest.count(b'"sentAt"')
            rest = data[-20:]
        assert rest.endswith(b"]}\n")
        return count
    finally:
        connection.close()
