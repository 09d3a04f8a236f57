"""Signals: the room says goodbye, loses nothing, and where it should come back it does."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatroom.engine import STOP_TIMEOUT
from tests.support.deadline import DEADLINE, wait_for
from tests.support.histories import remember
from tests.support.plain_client import PlainClient
from tests.support.server_process import Launch, Running
from tests.support.websocket_client import CLOSE, RawClient, Refused, encode

pytestmark = pytest.mark.takes(seconds=26)

USERS = 50
SQLITE = {"history": "sqlite:chat.db"}


def terminate(server: Running) -> None:
    assert server.process
    server.process.send_signal(signal.SIGTERM)


def interrupt(server: Running) -> None:
    """What Ctrl-C in a terminal does: SIGINT to master and worker at once."""
    assert server.process
    os.killpg(server.process.pid, signal.SIGINT)


def interrupt_twice(server: Running) -> None:
    """An impatient user's Ctrl-C."""
    interrupt(server)
    interrupt(server)


@pytest.mark.parametrize("tell", [terminate, interrupt, interrupt_twice])
def test_all_are_told_and_nothing_is_lost(serve: Launch, tell: Callable[[Running], None]) -> None:
    """Fifty users in mid-talk get Close 1001; whatever one of them heard is kept."""
    server = serve(**SQLITE)
    with ExitStack() as stack:
        users = [stack.enter_context(RawClient(server.port)) for _ in range(USERS)]
        for number, user in enumerate(users):
            user.say(f"User {number}", *(f"{number}.{i}" for i in range(5)))
        heard = [users[0].message() for _ in range(USERS * 5)]
        users[0].say("User 0", *(f"late {i}" for i in range(200)))

        tell(server)
        with ThreadPoolExecutor(USERS) as pool:
            goodbyes = list(pool.map(RawClient.answer_close, users[1:]))
        assert goodbyes == [(1001, "server shutting down")] * (USERS - 1)
        while (frame := users[0].frame()).opcode == 1:
            heard.append(json.loads(frame.payload))
        assert frame.opcode == CLOSE
        users[0].send(encode(CLOSE))
        users[0].socket.close()
        ends_by_itself(server)

    assert server.start().history()[: len(heard)] == heard
    assert "Traceback" not in server.said() + server.log()


def ends_by_itself(server: Running) -> None:
    """Wait until it has ended as it should, and not because gunicorn's master lost patience."""
    assert server.process
    assert server.process.wait(DEADLINE) == 0
    assert "every message stored" in server.log()


def test_neither_a_stuck_download_nor_a_sleeper_holds_the_end_up(
    prepare: Launch, tmp_path: Path
) -> None:
    """The room ends by itself, by SIGTERM as by Ctrl-C; ``test_gunicorn`` says how soon."""
    remember(tmp_path, lobby=100_000)
    servers = [prepare(**SQLITE), prepare(**SQLITE)]
    for server in servers:
        shutil.copy(tmp_path / "chat.db", server.folder)
    with ThreadPoolExecutor(2) as pool:  # at once, as most of it is waiting
        stops = [
            pool.submit(stop_in_spite_of_sleepers, server, tell)
            for server, tell in zip(servers, (terminate, interrupt), strict=True)
        ]
        for stopped in stops:
            stopped.result()


def stop_in_spite_of_sleepers(server: Running, tell: Callable[[Running], None]) -> None:
    server.start("--graceful-timeout", "60")
    with (
        RawClient(server.port, "sleep", receive_buffer=4096) as sleeper,
        stuck_download(server),
        server.join("Ann", "sleep") as ann,
    ):
        sleeper.join("Sleeper")
        wait_for(lambda: '"Sleeper"' in server.log(), "the sleeper in the room")
        for number in range(90):
            server.say_from_anywhere("sleep", f"{number} " + "x" * 60_000)
            ann.hear()
        told_at = time.monotonic()
        tell(server)
        assert ann.closed_with() == (1001, "server shutting down")
        told_after = time.monotonic() - told_at
        assert told_after < STOP_TIMEOUT, "she waits for the sleeper, as the process has to"
        ends_by_itself(server)

    with server.start().join("Bob", "sleep") as bob:
        assert [body.partition(" ")[0] for body in bob.bodies(90)] == list(map(str, range(90)))
    assert "Traceback" not in server.said() + server.log()


def stuck_download(server: Running) -> socket.socket:
    """A client who asks for the history and reads a first bit of it."""
    download = socket.socket()
    download.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    download.settimeout(20)
    download.connect(("127.0.0.1", server.port))
    download.sendall(b"GET /getAllMessages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert download.recv(12) == b"HTTP/1.1 200"
    return download


def test_who_comes_while_it_stops_finds_no_half_open_door(serve: Launch) -> None:
    """A new socket is refused or closed with 1001; no connection hangs."""
    server = serve(**SQLITE)
    with RawClient(server.port, receive_buffer=4096) as lasting:
        lasting.join("Lasting")
        wait_for(lambda: '"Lasting"' in server.log(), "the first user")
        terminate(server)
        assert server.process
        refusals = 0
        while server.process.poll() is None:
            try:
                with RawClient(server.port) as late:
                    late.join("Late")
                    assert late.closed_with() == (1001, "server shutting down")
            except Refused as refused:
                assert b" 503 " in refused.args[0]
            except (EOFError, ConnectionError):
                refusals += 1
        assert refusals
        assert server.process.returncode == 0


def test_after_sighup_the_room_comes_back_by_itself(serve: Launch) -> None:
    """All get Close 1001 and may come back; a new worker serves what the old one kept."""
    server = serve(**SQLITE)
    with server.join("Ann") as ann, server.join("Bob") as bob:
        ann.say("before")
        said = ann.hear() + bob.hear()
        old = server.worker
        os.kill(server.process.pid, signal.SIGHUP)  # type: ignore[union-attr]
        assert ann.closed_with() == bob.closed_with() == (1001, "server shutting down")

    come_back(server, old)
    with server.join("Ann") as ann:
        assert ann.hear() == said[:1]
        ann.say("after")
        assert ann.bodies() == ["after"]
    assert server.stop() == 0
    assert "Traceback" not in server.said() + server.log()


def test_after_the_workers_death_the_room_comes_back_by_itself(serve: Launch) -> None:
    server = serve(**SQLITE)
    with server.join("Ann") as ann:
        ann.say("before")
        said = ann.hear()
        old = server.worker
        os.kill(old, signal.SIGKILL)
        assert ann.closed_with() == (None, "")

    come_back(server, old)
    with server.join("Ann") as ann:
        ann.say("after")
        assert ann.hear()[0] == said[0]
        assert ann.bodies() == ["after"]
    assert server.stop() == 0


def come_back(server: Running, old: int) -> None:
    """Wait for a worker that isn't the old one, and serves."""

    def is_new() -> bool:
        try:
            return server.worker != old and server.is_healthy()
        except IndexError:  # between two workers
            return False

    wait_for(is_new, "a new worker")
    wait_for(lambda: not Path(f"/proc/{old}").exists(), "the old worker's end")


def test_a_worker_without_its_master_ends_and_lets_the_next_start(serve: Launch) -> None:
    """kill -9 of the master alone: the worker tells its users and lets go of the history."""
    server = serve(**SQLITE)
    with server.join("Ann") as ann:
        ann.say("before")
        said = ann.hear()
        worker = server.worker
        os.kill(server.process.pid, signal.SIGKILL)  # type: ignore[union-attr]
        assert ann.closed_with() == (1001, "server shutting down")
        server.process.wait(20)  # type: ignore[union-attr]
        wait_for(lambda: not is_running(worker), "the worker's end")
    assert server.start().history() == said


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_second_worker_does_no_harm(serve: Launch) -> None:
    """SIGTTIN asks gunicorn for one more: the room stays one, and nobody loses a socket."""
    server = serve(**SQLITE)
    with server.join("Ann") as ann, server.join("Bob") as bob:
        os.kill(server.process.pid, signal.SIGTTIN)  # type: ignore[union-attr]
        wait_for(lambda: "a second worker" in server.log(), "the refusal in the log")
        for number in range(20):
            with server.join("Guest") as guest:
                guest.say(f"hello {number}")
                assert guest.bodies(number + 1)[-1] == f"hello {number}"
                assert ann.bodies() == bob.bodies() == [f"hello {number}"]
        workers = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")  # type: ignore[union-attr]
        assert len(workers.read_text().split()) == 1
    assert server.stop() == 0


def test_a_silent_socket_is_told_too(serve: Launch) -> None:
    """Who has connected and not joined yet gets its Close as well."""
    server = serve(**SQLITE)
    with server.connect() as socket_:
        terminate(server)
        assert PlainClient("Silent", socket_).closed_with() == (1001, "server shutting down")
    ends_by_itself(server)
