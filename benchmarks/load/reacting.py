"""Everybody reacts to one message at once, and hears of the others."""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks.load.receiving import Finder, Receiver
from benchmarks.load.wire import client_frame

SENT_BETWEEN_READS = 100


def react(receiver: Receiver, id: str, kind: str, people: int, seconds: float) -> dict[str, Any]:
    """As fast as the server takes it.

    Args:
        people: as many as react in all, those of other processes included.
        seconds: in which everybody has to have heard of that many.

    Returns:
        ``deaf``: how many have not, ``frames``: how many each got about it, ``all_at``: when the
        last one had.
    """
    sockets = list(receiver.sockets.values())
    frames = [Finder(b'{"type":"reactions"') for _ in sockets]
    whole = [Finder(b'"%s":%d' % (kind.encode(), people)) for _ in sockets]
    for finders in (frames, whole):
        receiver.watch(list(receiver.sockets), finders)
    wanted = {"type": "react", "cmid": kind, "id": id, "kind": kind}
    frame = client_frame(json.dumps(wanted).encode())
    deadline = time.monotonic() + seconds
    for number, sock in enumerate(sockets):
        sock.send(frame)
        if number % SENT_BETWEEN_READS == 0:
            receiver.pump(0)
    while not all(finder.found for finder in whole) and time.monotonic() < deadline:
        receiver.pump(0.05)
    all_at = time.monotonic_ns()
    receiver.reset()
    return {
        "all_at": all_at,
        "deaf": sum(not finder.found for finder in whole),
        "frames": [finder.found for finder in frames],
    }
