"""Gate: so many sockets and no more; and at the end everybody is told."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from chatroom.errors import HandshakeRefused
from chatroom.sockets import gate as module
from chatroom.sockets.connection import Connection
from chatroom.sockets.gate import Gate
from tests.support.connection_pair import ConnectionPair
from tests.support.deadline import DEADLINE, wait_for
from tests.support.websocket_client import CLOSE, encode

ANSWER = encode(CLOSE, struct.pack("!H", 1001))
Dial = Callable[[], ConnectionPair]


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Make connections that end with the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(ConnectionPair("tcp"))


def enter(gate: Gate, line: ConnectionPair) -> ConnectionPair:
    """Let somebody in, who leaves when its reader thread ends."""
    gate.enter(line.connection)
    reader = line.start_reader()

    def leave() -> None:
        reader.join()
        gate.leave(line.connection)

    threading.Thread(target=leave).start()
    return line


def test_when_all_places_are_taken_the_next_one_is_refused_with_a_reason(dial: Dial):
    gate = Gate(2)
    first, second, third = dial(), dial(), dial()
    gate.enter(first.connection)
    gate.enter(second.connection)

    with pytest.raises(HandshakeRefused, match="all 2 places are taken") as caught:
        gate.enter(third.connection)

    assert caught.value.status == 503
    assert caught.value.headers == {"Retry-After": "30"}
    assert len(gate) == 2


def test_one_address_gets_no_more_places_than_it_may_have(dial: Dial):
    gate = Gate(10, per_address=2)
    first = dial().connection
    gate.enter(first, "192.0.2.1")
    gate.enter(dial().connection, "::ffff:192.0.2.1")

    with pytest.raises(HandshakeRefused, match="Your address has all its 2 places") as caught:
        gate.enter(dial().connection, "192.0.2.1")

    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "30"})
    gate.enter(dial().connection, "192.0.2.2")
    gate.leave(first)
    gate.leave(first)
    gate.enter(dial().connection, "192.0.2.1")
    with pytest.raises(HandshakeRefused):
        gate.enter(dial().connection, "192.0.2.1")


def test_a_network_of_ipv6_counts_as_one_address(dial: Dial):
    gate = Gate(10, per_address=1)
    gate.enter(dial().connection, "2001:db8::1")

    with pytest.raises(HandshakeRefused):
        gate.enter(dial().connection, "2001:db8::2")
    gate.enter(dial().connection, "2001:db8:0:1::1")


def test_an_address_that_has_left_takes_no_memory(dial: Dial):
    gate = Gate(10, per_address=1)
    connection = dial().connection
    gate.enter(connection, "192.0.2.1")

    gate.leave(connection)

    assert not gate._addresses


def test_a_place_that_was_given_back_is_free(dial: Dial):
    gate = Gate(1)
    first, second = dial(), dial()
    gate.enter(first.connection)
    gate.leave(first.connection)
    gate.leave(first.connection)
    assert len(gate) == 0

    gate.enter(second.connection)
    gate.leave(first.connection)
    assert len(gate) == 1


def test_however_many_come_at_once_no_more_than_the_places_get_in(dial: Dial):
    gate = Gate(5)
    refused = []

    def try_to_enter(line: ConnectionPair) -> None:
        try:
            gate.enter(line.connection)
        except HandshakeRefused:
            refused.append(line)

    threads = [threading.Thread(target=try_to_enter, args=(dial(),)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)

    assert len(gate) == 5
    assert len(refused) == 15


def test_when_it_shuts_everybody_is_told_and_waited_for(dial: Dial):
    gate = Gate(10)
    lines = [enter(gate, dial()) for _ in range(3)]
    shutting = threading.Thread(target=gate.shut, args=(DEADLINE,))
    shutting.start()

    for line in lines:
        assert line.peer.closed_with() == (1001, "server shutting down")
        assert shutting.is_alive()
        line.peer.send(ANSWER)
        line.peer.socket.close()
    shutting.join(DEADLINE)

    assert not shutting.is_alive()
    assert len(gate) == 0


def test_nobody_gets_in_once_it_is_shut(dial: Dial):
    gate = Gate(10)
    gate.shut(0)

    with pytest.raises(HandshakeRefused, match=r"The server is shutting down\.") as caught:
        gate.enter(dial().connection)
    assert caught.value.status == 503
    assert caught.value.headers == {"Retry-After": "5"}


def test_more_than_may_leave_at_once_are_all_seen_out(dial: Dial, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "LEAVING_AT_ONCE", 3)
    gate = Gate(30)
    lines = [enter(gate, dial()) for _ in range(20)]
    shutting = threading.Thread(target=gate.shut, args=(DEADLINE,))
    shutting.start()

    for line in lines:
        assert line.peer.closed_with()[0] == 1001
        line.peer.send(ANSWER)
        line.peer.socket.shutdown(1)
    shutting.join(DEADLINE)

    assert len(gate) == 0


class Quick(Connection):
    """One who leaves as soon as it is told."""

    gate: Gate

    def end(self, code: int, reason: str, *, drop: bool = False) -> None:
        self.gate.leave(self)


class Polite(Connection):
    """One who leaves when its turn comes."""

    gate: Gate

    def release(self) -> None:
        threading.Thread(target=self.gate.leave, args=(self,)).start()


def test_who_has_left_already_holds_nobody_up(dial: Dial, monkeypatch: pytest.MonkeyPatch):
    """Nobody tells of its leaving a second time."""
    monkeypatch.setattr(module, "LEAVING_AT_ONCE", 2)
    gate = Quick.gate = Polite.gate = Gate(30)
    for kind in [Quick] * 20 + [Polite] * 5:
        gate.enter(kind(dial().socket, queue_bytes=1, ping_interval=25, max_message_bytes=1))
    begin = time.monotonic()

    gate.shut(DEADLINE)

    assert time.monotonic() - begin < DEADLINE / 4
    assert len(gate) == 0


def test_who_does_not_leave_in_time_is_cut_off(dial: Dial):
    gate = Gate(10)
    line = enter(gate, dial())

    gate.shut(0.1)

    assert line.peer.closed_with() == (1001, "server shutting down")
    assert line.peer.is_cut_off()
    wait_for(lambda: len(gate) == 0, "its leaving")
