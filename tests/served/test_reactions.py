"""A crowd that reacts to one message: ten thousand clicks, a few frames, and the right counts."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter

import pytest

from chatroom.reactions import KINDS
from tests.support.many_clients import ManyClients, many_clients
from tests.support.server_process import Running, serving
from tests.support.typed_client import Fields, TypedClient, typed_frame

pytestmark = pytest.mark.takes(seconds=15)

CROWD = 500
BURSTS = 4
CLICKS = 5
"""Of each, in a burst: ten thousand in all."""
A_SECOND = 4
"""Frames that anybody gets, at most."""


class Observer:
    """Hears of all, in a thread of its own; its last frame is answered by its own ``ping``."""

    def __init__(self, port: int, room: str) -> None:
        self.tab = TypedClient(port, "Observer", room).connect_and_catch_up()
        self.frames: list[tuple[float, Fields]] = []
        self._thread = threading.Thread(target=self._listen)

    def begin(self) -> None:
        self._thread.start()

    def _listen(self) -> None:
        while (frame := self.tab.hear())["type"] != "pong":
            if frame["type"] == "reactions":
                self.frames.append((time.monotonic(), frame))

    def end(self) -> None:
        self.tab._send(type="ping")
        self._thread.join()
        self.tab.close()


def click(crowd: ManyClients, id: str, burst: int, asked: dict[int, Counter[str]]) -> None:
    """Each turns some kinds on or off; what it wants in the end is noted."""
    for number, client in enumerate(crowd.received):
        data = b""
        for at in range(CLICKS):
            turn = burst * CLICKS + at
            kind = KINDS[(number + turn) % len(KINDS)]
            on = (number * 7 + turn) % 3 > 0
            asked[number][kind] = int(on)
            data += typed_frame(type="react", cmid=f"c{turn}", id=id, kind=kind, on=on)
        client.send(data)
    crowd.hear(f'"cmid":"c{burst * CLICKS + CLICKS - 1}"'.encode())


@pytest.mark.parametrize("history", ["memory:", "sqlite:chat.db"])
def test_ten_thousand_clicks_make_a_few_frames(tmp_path, history: str) -> None:  # type: ignore[no-untyped-def]
    settings = {"history": history, "messagesPerSecond": 0}
    with serving(tmp_path, **settings) as server, many_clients(server.port) as crowd:
        ann = TypedClient(server.port, "Ann", "hall").connect_and_catch_up()
        ann.say("Shall we go on?", "a")
        ann.hear_until_acked()
        id = ann.acked["a"]
        crowd.enter_typed(CROWD, "hall")
        observer = Observer(server.port, "hall")
        observer.begin()
        asked: dict[int, Counter[str]] = {number: Counter() for number in range(CROWD)}

        began = time.monotonic()
        for burst in range(BURSTS):
            click(crowd, id, burst, asked)
        seconds = time.monotonic() - began
        observer.end()
        ann.close()

        wanted = sum(asked.values(), Counter[str]())
        counts = {kind: wanted[kind] for kind in KINDS if wanted[kind]}
        frames = [frame for _, frame in observer.frames]
        assert 2 <= len(frames) <= A_SECOND * seconds + 1, (len(frames), seconds)
        assert frames[-1]["messages"][0]["counts"] == counts
        assert stored(server, id) == counts
        for heard in crowd.frames():  # none was dropped, refused or forgotten
            kinds = Counter(frame.get("type") for frame in heard)
            assert (kinds["done"], kinds["error"]) == (BURSTS * CLICKS, 0)
            assert kinds["reactions"] == len(frames)
        assert json.loads(server.get("/healthz")[2])["errors"] == 0  # nor called slow
        marks = [frame["mark"] for frame in frames]
        assert all(one < other for one, other in itertools.pairwise(marks))


def stored(server: Running, id: str) -> dict[str, int]:
    """The counts, as a script reads them."""
    status, _, body = server.get(f"/api/rooms/hall/messages/{id}")
    assert status == 200
    counts: dict[str, int] = json.loads(body)["reactions"]["counts"]
    return counts
