"""Whoever says too much: over a socket they are slowed, over HTTP they are told when to come."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from contextlib import closing
from statistics import median

import pytest

from tests.support.deadline import DEADLINE, wait_for
from tests.support.server_process import Launch, Running
from tests.support.typed_client import TypedClient
from tests.support.websocket_client import TEXT, RawClient, encode, line_of_chat

pytestmark = pytest.mark.takes(seconds=12)

FLOOD = 10_000
EACH_SECOND = 1200
AT_ONCE = 5 * EACH_SECOND
QUIET = 20
"""Messages of somebody else before."""


def echoes(eve: RawClient) -> list[str]:
    """What she hears back of what she has said, all of it."""
    heard: list[str] = []
    while len(heard) < FLOOD:
        frame = eve.frame()
        if frame.opcode == TEXT:
            message = json.loads(frame.payload)
            if message["userName"] == "Eve":
                heard.append(message["body"])
    return heard


MARGIN = 0.25
"""Seconds: the machine may be busy with other tests. Whoever stands behind the flood waits longer
than that for nearly each message."""


def test_a_flood_over_a_socket_is_slowed_and_loses_nothing(serve: Launch) -> None:
    """Also of the others, who talk at an ordinary pace meanwhile, and as fast as before."""
    server = serve(messagesPerSecond=EACH_SECOND, replayLimit=1)
    witness = TypedClient(server.port, "Witness").connect_and_catch_up()
    times = [ask(witness, number) for number in range(QUIET)]
    before = median(times)
    began = time.monotonic()
    with RawClient(server.port) as eve, closing(witness):
        lines = b"".join(encode(TEXT, line_of_chat("Eve", f"{n}")) for n in range(FLOOD))
        threading.Thread(target=eve.send, args=(lines,), daemon=True).start()
        flood: list[str] = []
        hearing = threading.Thread(target=lambda: flood.extend(echoes(eve)), daemon=True)
        hearing.start()
        while hearing.is_alive():
            times.append(ask(witness, len(times)))
            hearing.join(0.1)
        took = time.monotonic() - began

    said = len(times)
    assert flood == [f"{n}" for n in range(FLOOD)]
    assert took >= (FLOOD - AT_ONCE) / EACH_SECOND - 0.1
    assert said > QUIET + 10
    assert median(times[QUIET:]) < before + MARGIN
    heard = [message["body"] for message in witness.view if message["userName"] == "Witness"]
    assert heard == [f"w{n}" for n in range(said)]


def ask(witness: TypedClient, number: int) -> float:
    """How many seconds it takes until it is acked."""
    began = time.monotonic()
    witness.say(f"w{number}", f"w{number}")
    witness.hear_until_acked()
    return time.monotonic() - began


def post(server: Running, body: str) -> tuple[int, float]:
    """The status, and after how many seconds to come back."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}/api/rooms/lobby/messages",
        json.dumps({"userName": "CI", "body": body}).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
            return reply.status, 0
    except urllib.error.HTTPError as error:
        with error:
            return error.code, float(error.headers["Retry-After"])


def test_a_flood_over_http_is_told_when_to_come_back_and_that_is_true(serve: Launch) -> None:
    server = serve(messagesPerSecond=2)
    accepted = 0
    status, wait = post(server, "0")
    while status == 201:
        accepted += 1
        status, wait = post(server, f"{accepted}")
    refused_at = time.monotonic()

    assert (status, wait) == (429, 1)
    wait_for(lambda: time.monotonic() >= refused_at + wait, "the time that it was told")
    assert post(server, f"{accepted}")[0] == 201

    assert accepted >= 10, "five seconds' worth at once"
    history = [message["body"] for message in server.history()]
    assert history == [f"{n}" for n in range(accepted + 1)]
