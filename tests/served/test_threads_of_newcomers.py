"""The threads that somebody who comes needs, one after the other: where the machine has none left,
or the server stops before they have all begun."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from chatroom.serving.pool import IDLE_SECONDS
from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running
from tests.support.websocket_client import CLOSE, RawClient, encode

pytestmark = pytest.mark.takes(seconds=12)

NEWCOMERS, SPARE = 8, 3
"""One after the other; and the threads that have served them, and wait for another request."""

SITECUSTOMIZE = """\
import threading
from pathlib import Path

start = threading.Thread.start


def start_if_there_is_one(thread):
    said = Path(__file__).parent / thread.name.partition("-")[0]
    if said.exists() and (error := said.read_text()):  # of a pipe: until the test closes it
        raise {"MemoryError": MemoryError, "RuntimeError": RuntimeError}[error]("no thread")
    start(thread)


threading.Thread.start = start_if_there_is_one
"""
"""Python imports it at its start. Before a thread of some kind starts, it looks into the file of
that name for what is to be raised instead."""


@pytest.fixture
def threads(tmp_path: Path) -> Path:
    """The folder of these files."""
    folder = tmp_path / "threads"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
    return folder


@pytest.fixture
def server(prepare: Launch, threads: Path) -> Running:
    running = prepare(history="memory:")
    running.environ["PYTHONPATH"] = str(threads)
    return running.start()


def sockets(server: Running) -> int:
    count: int = json.loads(server.get("/healthz")[2])["sockets"]
    return count


@pytest.mark.parametrize("error", ["RuntimeError", "MemoryError"])
@pytest.mark.parametrize("kind", ["writer", "reader"])
def test_without_one_more_thread_nothing_stays_of_whoever_came(
    server: Running, threads: Path, kind: str, error: str
) -> None:
    """Without a writer they hear why not; without a reader, they are in nevertheless."""
    with server.join("Ann") as ann:
        ann.say("hello")
        ann.hear()
        before = server.threads(), server.descriptors()
        (threads / kind).write_text(error)
        for number in range(NEWCOMERS):
            with RawClient(server.port) as newcomer:
                if kind == "writer":
                    assert newcomer.closed_with() == (1011, "out of threads")
                else:
                    newcomer.say("Newcomer", f"{number}")
                    assert ann.bodies() == [f"{number}"]

        wait_for(lambda: sockets(server) == 1, "their places")
        within = IDLE_SECONDS + DEADLINE  # on a busy machine, more of them have been there at once
        wait_for(lambda: server.threads() <= before[0] + SPARE, "the end of their threads", within)
        wait_for(lambda: server.descriptors() <= before[1], "their descriptors")
        (threads / kind).unlink()
        with server.join("Bob") as bob:
            bob.say("now I am in")
            assert bob.hear_until("now I am in")
            assert ann.bodies() == ["now I am in"]
    assert "Traceback" not in server.said() + server.log()


@pytest.mark.parametrize("kind", ["writer", "reader"])
@pytest.mark.parametrize("begins", [True, False])
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_stops_before_somebodys_threads_have_begun_tells_them_and_ends(
    server: Running, threads: Path, kind: str, begins: bool, signum: int
) -> None:
    """Whether they begin meanwhile or not."""
    held = threads / kind
    os.mkfifo(held)
    release = os.open(held, os.O_RDWR)
    try:
        with RawClient(server.port) as newcomer:
            newcomer.say("Newcomer", "hello")
            assert server.process
            server.process.send_signal(signum)

            assert newcomer.closed_with() == (1001, "server shutting down")
            newcomer.send(encode(CLOSE))
            if begins:
                os.close(release)
                release = -1
            assert server.process.wait(DEADLINE) == 0
    finally:
        if release >= 0:
            os.close(release)
    assert "every message stored" in server.log()
    assert "Traceback" not in server.said() + server.log()
