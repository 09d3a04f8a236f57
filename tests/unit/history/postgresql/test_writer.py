"""The connection that writes, where the server is slow: what it begins, and what it asks first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable

WRITES = "SELECT write(%s)"


class SlowServer:
    """Its processes, one for each connection: calls that write hang; and it may not even say so."""

    def __init__(self) -> None:
        self.hanging: list[int] = []
        self.is_silent = False
        self.processes = 0

    def connected(self, *_: object) -> SlowLink:
        self.processes += 1
        return SlowLink(self, self.processes)


class SlowLink:
    """A connection to it."""

    def __init__(self, server: SlowServer, pid: int) -> None:
        self.pid = pid
        self._server = server

    def call(self, query: str, values: Any = (), deadline: float = 0.0) -> list[tuple[Any, ...]]:
        from chatroom.history.postgresql import writer

        if query == WRITES:
            self._server.hanging.append(self.pid)
        if query == WRITES or (query == writer.HANGS and self._server.is_silent):
            raise writer.LinkLost(writer.Late(deadline))
        if query == writer.HANGS:
            return [(self._server.hanging.count(values[0]),)]
        return [(True,)]

    def compare_clocks(self, deadline: float) -> None:
        pass

    def server_time(self, moment: float) -> float:
        return moment

    def close(self) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowServer]:
    server = SlowServer()
    monkeypatch.setattr("chatroom.history.postgresql.writer.connected", server.connected)
    yield server


def test_a_call_that_hangs_is_remembered_though_the_server_does_not_say_whether_it_still_does(
    server: SlowServer,
) -> None:
    """Each one that hangs keeps a connection: so nothing more is begun."""
    from chatroom.history.postgresql.failures import Failures
    from chatroom.history.postgresql.writer import Writer

    writer = Writer("postgresql://db/chat", Failures("postgresql://db/chat"), {})
    writer.patience, writer._is_open = 0.0, True

    for is_silent, cause in (False, "answer"), (True, "answer"), (False, "synchronous standby"):
        server.is_silent = is_silent
        with pytest.raises(HistoryUnavailable, match=cause):
            writer.rows(WRITES, ())

    assert server.hanging == [1]

    server.hanging.clear()
    with pytest.raises(HistoryUnavailable):
        writer.rows(WRITES, ())
    assert len(server.hanging) == 1, "once it hangs no longer, the next one is begun"
