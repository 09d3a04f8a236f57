"""Twenty uploads at once, by whomever and by whatever means: all are there in the end, and nothing
else is."""

from __future__ import annotations

import json
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.deadline import A_MINUTE, DEADLINE, wait_for
from tests.support.server_process import Running, serving
from tests.support.terminal import Shell
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=30)

TWENTY = 20
UPLOADS, OF_ONE_ADDRESS = 8, 6
SIZE, RATE = 300_000, "300K"
"""Bytes, and bytes a second: so each takes about a second, and all others begin within it."""
LONGEST = 2.0
"""Seconds that a message may take on a busy machine; behind an upload, it would take more."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with serving(tmp_path / "room", history="sqlite:chat.db", leaveGrace=0) as running:
        yield running


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def enter(stack: ExitStack, server: Running, name: str) -> TypedClient:
    client = TypedClient(server.port, name).connect_and_catch_up()
    stack.callback(client.close)
    return client


def content(number: int) -> bytes:
    """Of a file of its own."""
    return f"file {number} ".encode().ljust(SIZE, b"x")


class Curl:
    """One ``curl -T``, on its way.

    Args:
        whose: who uploads.
        options: besides those that all have.
    """

    def __init__(self, folder: Path, number: int, whose: TypedClient, *options: str) -> None:
        self.number = number
        path = folder / f"{number}.bin"
        path.write_bytes(content(number))
        self._headers = folder / f"{number}.headers"
        url = f"http://127.0.0.1:{whose.port}/api/rooms/lobby/files/"
        bearer = f"Authorization: Bearer {whose.token}"
        command = ["curl", "--no-progress-meter", "-T", str(path), "-H", bearer]
        command += ["-D", str(self._headers), "-w", r"\n%{http_code}", *options, url]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def end(self) -> Curled:
        out, said = self._process.communicate(timeout=A_MINUTE)
        *_, body, status = filter(None, out.splitlines())
        retries = said.count("Will retry")
        headers = self._headers.read_text().lower()
        _, found, after = headers.rpartition("retry-after: ")
        waits = int(after.split()[0]) if found else 0
        return Curled(self.number, int(status), retries, waits, json.loads(body))

    def goes_on(self) -> bool:
        return self._process.poll() is None


class Curled(NamedTuple):
    """How it ended."""

    number: int
    status: int
    retries: int
    retry_after: int
    """Of the last answer that had one; else 0."""
    told: dict[str, str]


def in_table(server: Running) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(server.folder / "chat.db")) as connection:
        return connection.execute("SELECT id, is_whole FROM files ORDER BY id").fetchall()


def on_disk(server: Running) -> list[str]:
    folder = server.folder / "chat.db.files"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def watch(server: Running, curls: list[Curl], speaker: TypedClient) -> int:
    """Until all have ended, how many were under way at once; meanwhile somebody talks."""
    most, number, longest = 0, 0, 0.0
    while any(curl.goes_on() for curl in curls):
        most = max(most, sum(not is_whole for _, is_whole in in_table(server)))
        began = time.monotonic()
        speaker.say(f"words {number}", f"c{number}")
        speaker.hear_until_acked()
        longest = max(longest, time.monotonic() - began)
        number += 1
    assert number > 10
    assert longest < LONGEST
    return most


@pytest.mark.parametrize("people", [1, TWENTY])
def test_twenty_that_try_again_are_all_there_in_the_end(
    server: Running, stack: ExitStack, tmp_path: Path, people: int
) -> None:
    """Of one person, or of as many people at as many addresses."""
    bob = enter(stack, server, "Bob")
    whose = [enter(stack, server, f"Person {number}") for number in range(people)]
    retries = "--retry", "30", "--retry-max-time", "60", "--limit-rate", RATE
    curls = []
    for number in range(TWENTY):
        if people == 1:
            address: tuple[str, ...] = ("-H", "X-Forwarded-For: 192.0.2.7")
        else:
            address = ("--interface", f"127.0.0.{number + 2}")
        curls.append(Curl(tmp_path, number, whose[number % people], *retries, *address))

    most = watch(server, curls, bob)
    ended = [curl.end() for curl in curls]

    assert [it.status for it in ended] == [201] * TWENTY, ended
    places = OF_ONE_ADDRESS if people == 1 else UPLOADS
    assert most <= places
    assert sum(it.retries > 0 for it in ended) >= TWENTY - places, "so many were told to wait"
    ids = sorted(it.told["id"] for it in ended)
    assert in_table(server) == [(id, 1) for id in ids]
    assert on_disk(server) == ids
    for it in ended:
        author = whose[it.number % people]
        author.show(it.told["id"], f"file {it.number}", f"f{it.number}")
        author.hear_until_acked()
        assert server.get(it.told["address"])[2] == content(it.number)

    if people == 1:
        more = Curl(tmp_path, TWENTY, whose[0]).end()
        assert (more.status, more.told["code"]) == (429, "too-many-files")
        assert 1 <= more.retry_after <= 30  # a twentieth of ten minutes
        assert on_disk(server) == ids


@pytest.mark.parametrize(("address", "places"), [("192.0.2.7", OF_ONE_ADDRESS), ("", UPLOADS)])
def test_whoever_does_not_try_again_is_told_when_to(
    server: Running, stack: ExitStack, tmp_path: Path, address: str, places: int
) -> None:
    """And has not cost anybody one of their twenty, nor left anything."""
    ann, bob = enter(stack, server, "Ann"), enter(stack, server, "Bob")
    slow = ("--limit-rate", "100K")
    where = ("-H", f"X-Forwarded-For: {address}") if address else ()

    curls = [Curl(tmp_path, number, ann, *slow, *where) for number in range(TWENTY)]
    assert watch(server, curls, bob) == places
    ended = [curl.end() for curl in curls]

    refused = [it for it in ended if it.status == 503]
    assert len(refused) == TWENTY - places, ended
    assert {(it.told["code"], it.retry_after) for it in refused} == {("busy", 2)}
    ids = sorted(it.told["id"] for it in ended if it.status == 201)
    assert on_disk(server) == ids
    assert in_table(server) == [(id, 1) for id in ids]
    again = [Curl(tmp_path, it.number, ann, "--retry", "9") for it in refused]
    assert [curl.end().status for curl in again] == [201] * len(refused)


@pytest.mark.parametrize("is_known", [True, False])
def test_twenty_commands_wait_for_their_turn(
    server: Running, stack: ExitStack, tmp_path: Path, is_known: bool
) -> None:
    """By one person, or each as somebody new, as they all find the same name taken. While others
    have all places, no command fails."""
    bob = enter(stack, server, "Bob")
    shell = Shell(tmp_path / "home", f"http://127.0.0.1:{server.port}")
    if is_known:
        assert shell.run("say", "lobby", "hello").code == 0
    for number in range(TWENTY):
        (shell.home / f"{number}.bin").write_bytes(content(number))
    held = [stack.enter_context(SlowUpload(bob)) for _ in range(UPLOADS)]

    commands = [
        stack.enter_context(shell.start("say", "--file", f"{number}.bin", "lobby", str(number)))
        for number in range(TWENTY)
    ]
    for command in commands:
        assert "It is tried again in" in command.note("tried again")
    for one in held:
        assert one.finish() == 201
    ends = [command.end() for command in commands]

    assert [code for code, _ in ends] == [0] * TWENTY, ends
    bob.say("the end", "end")
    bob.hear_until_acked()
    shown = {message["body"]: message for message in bob.view if "file" in message}
    assert sorted(shown) == sorted(map(str, range(TWENTY)))
    people = {message["userId"] for message in shown.values()}
    assert len(people) == 1 or not is_known
    for number in range(TWENTY):
        file = shown[str(number)]["file"]
        assert server.get(f"/api/rooms/lobby/files/{file['id']}")[2] == content(number)
    assert len(on_disk(server)) == UPLOADS + TWENTY
    assert all(is_whole for _, is_whole in in_table(server))


class SlowUpload:
    """An upload that has one of the places, and takes its time."""

    def __init__(self, whose: TypedClient) -> None:
        self._socket = socket.create_connection(("127.0.0.1", whose.port), DEADLINE)
        lines = [
            "PUT /api/rooms/lobby/files/held.bin HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {whose.token}",
            f"Content-Length: {SIZE}",
            "Expect: 100-continue",
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        assert self._socket.recv(25, socket.MSG_WAITALL) == b"HTTP/1.1 100 Continue\r\n\r\n"

    def finish(self) -> int:
        """Send it; the status of the answer."""
        self._socket.sendall(bytes(SIZE))
        return int(self._socket.recv(12, socket.MSG_WAITALL)[-3:])

    def __enter__(self) -> SlowUpload:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_a_twenty_first_command_waits_until_the_server_takes_it(
    server: Running, stack: ExitStack, tmp_path: Path
) -> None:
    """Which is half a minute at most: here, the test is not as patient."""
    shell = Shell(tmp_path / "home", f"http://127.0.0.1:{server.port}")
    (shell.home / "a.bin").write_bytes(b"x")
    for _ in range(TWENTY):
        assert shell.run("say", "--file", "a.bin", "lobby").code == 0

    with shell.start("say", "--file", "a.bin", "lobby") as command:
        assert "20 files in 10 minutes" in command.note("tried again")
        wait_for(lambda: len(on_disk(server)) == TWENTY, "nothing of it is there")
