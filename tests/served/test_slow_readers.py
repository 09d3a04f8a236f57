"""Clients that do not read: they lose their own socket, and nobody else waits for them."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from chatroom.web.all_messages import READERS
from tests.support.deadline import wait_for
from tests.support.server_process import Launch, Running, serving
from tests.support.websocket_client import CLOSE, PING, PONG, TEXT, RawClient, encode

pytestmark = pytest.mark.takes(seconds=5)

LARGE = "x" * 60_000
QUEUE = 2**20
"""Bytes that may wait for one user, by default."""
LEAST_RATE_PATIENCE = 60.0
"""Seconds in which one that reads too slowly is to lose its response; it has 20."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("slow"), history="memory:", replayLimit=1) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def stalled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose one sleeper has much room in its queue, and does not read any more.

    Ten seconds have to pass; meanwhile the other tests run.
    """
    folder = tmp_path_factory.mktemp("stalled")
    with (
        serving(folder, history="memory:", userQueueBytes=1 << 30) as server,
        sleeper(server, "stall", "Sleeper"),
        server.join("Ann", "stall") as ann,
    ):
        for number in range(150):
            server.say_from_anywhere("stall", f"{number} {LARGE}")
            ann.hear()
        assert sockets(server) == 2
        yield server


@pytest.fixture(scope="module", autouse=True)
def crawlers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server, whose places for long responses are all taken by clients that read a byte in a
    while. Behind a Unix socket, where TCP has no say.

    Twenty seconds have to pass; meanwhile the other tests run.
    """
    running = Running(tmp_path_factory.mktemp("crawlers"), history="memory:")
    path = str(running.folder / "socket")
    stop = threading.Event()
    try:
        running.start("--bind", f"127.0.0.1:{running.port}", "--bind", f"unix:{path}")
        for number in range(50):
            running.say_from_anywhere("lobby", f"{number} {LARGE}")
        with ExitStack() as stack:
            clients = [stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(READERS)]
            for client in clients:
                client.connect(path)
                client.sendall(b"GET /getAllMessages HTTP/1.1\r\nHost: localhost\r\n\r\n")
            reader = threading.Thread(target=crawl, args=(clients, stop))
            reader.start()
            yield running
            stop.set()
            reader.join()
    finally:
        stop.set()
        running.kill()


def crawl(clients: list[socket.socket], stop: threading.Event) -> None:
    while not stop.wait(0.5):
        for client in clients:
            client.recv(1)


def sleeper(server: Running, room: str, name: str) -> RawClient:
    """A client who joins, and then reads nothing."""
    client = RawClient(server.port, room, receive_buffer=4096)
    client.join(name)
    wait_for(lambda: f'"{name}" (127.0.0.1) room "{room}"' in server.log(), f"{name} in the room")
    return client


def test_who_stops_reading_is_told_and_the_others_hear_meanwhile(server: Running) -> None:
    """Close 4008, behind whole frames in their order; the frames left out are at the end."""
    with (
        sleeper(server, "told", "Sleeper") as asleep,
        server.join("Ann", "told") as ann,
        server.join("Bob", "told") as bob,
    ):
        numbers = count()

        def has_left_while_they_talk() -> bool:
            body = f"{next(numbers)} {LARGE}"
            server.say_from_anywhere("told", body)
            assert ann.bodies() == bob.bodies() == [body]
            return "left: user" in lines_about(server, "Sleeper", "told")

        wait_for(has_left_while_they_talk, "the end of the sleeper")
        said = next(numbers)

        frames = [asleep.frame()]
        while frames[-1].opcode != CLOSE:
            frames.append(asleep.frame())

        (code,) = struct.unpack("!H", frames[-1].payload[:2])
        assert (code, frames[-1].payload[2:]) == (4008, b"slow")
        heard = [json.loads(frame.payload)["body"] for frame in frames[:-1]]
        assert heard == [f"{number} {LARGE}" for number in range(len(heard))]
        assert heard
        # The others heard these meanwhile: none of them waited for the sleeper to read or to go.
        # One that counts as waiting may be under way, and is sent whole.
        assert said - len(heard) >= QUEUE // len(LARGE) - 1
        ann.say("the end")
        assert bob.bodies() == ["the end"]


def lines_about(server: Running, name: str, room: str) -> str:
    lines = server.log().splitlines()
    return "\n".join(line for line in lines if f'"{name}"' in line and f'"{room}"' in line)


def test_sleepers_cost_no_memory_without_bound_and_are_cut_off(server: Running) -> None:
    """Twenty who never read again: soon gone, at no more than their queues' price."""
    with ExitStack() as stack:
        ann = stack.enter_context(server.join("Ann", "bound"))
        wait_for(lambda: sockets(server) == 1, "the end of the test before")
        before, threads = server.memory(), server.threads()
        for number in range(20):
            stack.enter_context(sleeper(server, "bound", f"Sleeper {number}"))
        for number in range(400):  # 24 MB for each of them
            server.say_from_anywhere("bound", f"{number} {LARGE}")
            assert ann.bodies() == [f"{number} {LARGE}"]
        assert server.memory() - before < 32 * 2**20
        wait_for(lambda: sockets(server) == 1, "the sleepers' end")
        # gunicorn keeps the readers' threads for the next ones
        wait_for(lambda: server.threads() <= threads + 20, "the end of their writers")
        ann.say("the end")
        assert ann.bodies() == ["the end"]


def sockets(server: Running) -> int:
    found: int = json.loads(server.get("/healthz")[2])["sockets"]
    return found


def test_pings_do_not_tear_large_frames(serve: Launch) -> None:
    """A client reads in small bites and floods pings: each frame arrives whole, in order."""
    server = serve(history="memory:", userQueueBytes=64 << 20)
    with RawClient(server.port, "pings", receive_buffer=4096) as client:
        client.join("Pinger")
        with server.join("Ann", "pings") as ann:
            ann.say("first")
            ann.hear()
            assert client.message()["body"] == "first"
            bodies = [f"{number} {os.urandom(15_000).hex()}" for number in range(150)]
            for number, body in enumerate(bodies):
                server.say_from_anywhere("pings", body)
                client.send(*(encode(PING, b"%d.%d" % (number, i)) for i in range(5)))
            ann.hear(len(bodies))

        heard, pongs = [], []
        while len(heard) < len(bodies) or len(pongs) < 5 * len(bodies):
            opcode, payload = client.frame(read_size=1500)
            assert opcode in (TEXT, PONG)
            if opcode == TEXT:
                heard.append(json.loads(payload)["body"])
            else:
                pongs.append(payload)

    assert heard == bodies
    assert pongs == [b"%d.%d" % (number, i) for number in range(150) for i in range(5)]


def test_who_takes_nothing_for_long_is_cut_off_though_its_queue_has_room(
    stalled: Running,
) -> None:
    """A dead peer is not kept for the sake of a large queue."""
    wait_for(lambda: sockets(stalled) == 1, "the end of the sleeper")
    assert "took nothing for 10 s" in stalled.log() or "timed out" in stalled.log()


def test_who_reads_a_byte_in_a_while_does_not_keep_the_places_of_others(crawlers: Running) -> None:
    told = "took less than 10000 bytes in 20 s: cut off"
    wait_for(lambda: told in crawlers.said(), "a line in the log", LEAST_RATE_PATIENCE)
    wait_for(lambda: crawlers.get("/getAllMessages")[0] == 200, "a place for others")
