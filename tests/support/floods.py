"""Clients that send as much as they can of something, and a witness who talks meanwhile.

``python -m tests.support.floods`` reports what the witness feels of each flood; ``KIND`` after
it names one. Each attacker is a process of its own, so that nobody shares the witness's thread.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.server_process import Running, serving
from tests.support.typed_client import SUBPROTOCOL, TypedClient, typed_frame
from tests.support.websocket_client import (
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    RawClient,
    encode,
    line_of_chat,
)

ATTACKERS = 3
PAUSE = 0.1
"""Seconds between two messages of the witness: an ordinary pace, though a busy one."""

BURST = 64 * 1024


def _many(frame: bytes) -> bytes:
    return frame * (BURST // len(frame) or 1)


def _renames() -> bytes:
    return b"".join(typed_frame(type="rename", userName=f"Eve {n}") for n in range(1000))


def _acts() -> bytes:
    acts = (typed_frame(type="host", cmid="h", act="rules", slowSeconds=n) for n in range(5, 600))
    return b"".join(acts)


def _bars() -> bytes:
    """By which what a room has decided becomes long."""
    name = "\N{GRINNING FACE}" * 1000
    fields = {"type": "host", "cmid": "h", "act": "quiet", "userName": name, "seconds": 60}
    return b"".join(typed_frame(userId=f"u{n}", **fields) for n in range(1000))


KINDS = {
    "empty continuations": (
        encode(TEXT, b'{"a', final=False),
        _many(encode(CONTINUATION, final=False)),
    ),
    "short continuations": (
        encode(TEXT, b'{"a', final=False),
        _many(encode(CONTINUATION, b"a", final=False)),
    ),
    "pings": (b"", _many(encode(PING))),
    "pongs": (b"", _many(encode(PONG))),
    "fragmented messages": (
        b"",
        _many(encode(TEXT, b'{"type', final=False) + encode(CONTINUATION, b'":"ping"}')),
    ),
    "messages of two bytes": (b"", _many(encode(TEXT, b"{}"))),
    "broken JSON": (b"", _many(encode(TEXT, b"{"))),
    "typed pings": (b"", _many(typed_frame(type="ping"))),
    "renames": (b"", _renames()),
    "acts of a host": (b"", _acts()),
    "long acts of a host": (b"", _bars()),
    "looks of a host": (b"", _many(typed_frame(type="host", cmid="h", act="look"))),
    "messages of 500 bytes": (b"", _many(encode(TEXT, line_of_chat("Eve", "x" * 440)))),
    "long messages": (b"", encode(TEXT, line_of_chat("Eve", "x" * 65_000))),
    "deep JSON": (b"", encode(TEXT, b'{"body":"","a":[' + b"[],[]," * 10_900 + b"0]}")),
}
"""What each attacker sends once, and then again and again."""

HOSTS = {"acts of a host", "long acts of a host", "looks of a host"}
"""Each attacker makes a room of its own."""

TYPED = {"typed pings", "renames", *HOSTS}


def attack(kind: str, port: int, seconds: float) -> None:
    """Send one kind of bytes until the time is up, coming back whenever the server hangs up."""
    first, again = KINDS[kind]
    deadline = time.monotonic() + seconds
    number = 0
    while time.monotonic() < deadline:
        number += 1
        with suppress(OSError, EOFError):
            headers = {"Sec_WebSocket_Protocol": SUBPROTOCOL} if kind in TYPED else {}
            with RawClient(port, **headers) as client:
                client.socket.settimeout(0.2)
                if kind in TYPED:
                    eve = f"Eve {time.monotonic_ns()}"
                    room = f"den-{os.getpid()}-{number}" if kind in HOSTS else None
                    client.send(typed_frame(type="hello", userName=eve, room=room))
                client.send(first)
                _send_on(client, again, deadline)


def _send_on(client: RawClient, data: bytes, deadline: float) -> None:
    client.socket.setblocking(False)
    rest = memoryview(data)
    while time.monotonic() < deadline:
        with suppress(BlockingIOError):
            while client.socket.recv(1 << 20):  # it reads, so that it is not dropped as slow
                pass
            return
        try:
            rest = rest[client.socket.send(rest) :] or memoryview(data)
        except BlockingIOError:
            select.select([client.socket], [client.socket], [], 0.1)


class Felt(NamedTuple):
    """What the witness felt."""

    acks: int
    p50: float
    """Milliseconds from a message to its ack; so are the next two."""
    p99: float
    worst: float
    health: float
    """The slowest answer to a health check."""


@contextmanager
def flooding(kind: str, port: int, seconds: float, attackers: int = ATTACKERS) -> Iterator[None]:
    """Attackers for the length of the block."""
    command = [sys.executable, "-m", "tests.support.floods", kind, str(port), str(seconds)]
    started = [subprocess.Popen(command, cwd=CHECKOUT) for _ in range(attackers)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
            process.wait(DEADLINE)


def feel(server: Running, kind: str, seconds: float) -> Felt:
    """Talk at an ordinary pace while the room is attacked."""
    witness = TypedClient(server.port, "Witness").connect_and_catch_up()
    delays: list[float] = []
    health: list[float] = []
    with flooding(kind, server.port, seconds + 5), closing(witness):
        end = time.monotonic() + seconds
        while (began := time.monotonic()) < end:
            witness.say(f"{began}", f"w{began}")
            while witness.outbox:
                witness.hear()
            delays.append((time.monotonic() - began) * 1000)
            if len(delays) % 10 == 0:
                asked = time.monotonic()
                assert server.get("/healthz")[0] == 200
                health.append((time.monotonic() - asked) * 1000)
            time.sleep(PAUSE)
    delays.sort()
    return Felt(
        len(delays),
        delays[len(delays) // 2],
        delays[min(len(delays) - 1, len(delays) * 99 // 100)],
        delays[-1],
        max(health, default=0.0),
    )


def main(kinds: list[str]) -> None:
    """Report what is felt of each kind."""
    for kind in kinds:
        settings = {"messagesPerSecond": 5} if kind in HOSTS else {}
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder), **settings) as server:
            try:
                felt = feel(server, kind, 8)
            except Exception as error:
                print(f"{kind:24} {error!r}", flush=True)
                continue
            print(
                f"{kind:24} {felt.acks:4} acks; p50 {felt.p50:6.0f}, p99 {felt.p99:6.0f}, worst "
                f"{felt.worst:6.0f} ms; /healthz {felt.health:6.0f} ms; {server.effort():4.1f} s "
                "of processor",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 4:
        attack(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    else:
        main(sys.argv[1:] or list(KINDS))
