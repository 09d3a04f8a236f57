"""Connection: whole frames in order, from any thread, however little the socket takes."""

from __future__ import annotations

import gc
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from wsproto import WSConnection
from wsproto.frame_protocol import FrameProtocol

from chatroom.errors import HandshakeRefused, HistoryUnavailable
from chatroom.sockets import kernel, sending
from chatroom.sockets.connection import Connection
from chatroom.wire.websocket import CloseCode, text_frame
from tests.support.connection_pair import FAMILIES, ConnectionPair, bodies, pair
from tests.support.deadline import DEADLINE, wait_for
from tests.support.websocket_client import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, encode

pytestmark = pytest.mark.takes(seconds=4)

NORMAL = struct.pack("!H", 1000)
PONG_FRAME = b"\x8a\x04pong"


def line_of(body: str, size: int = 0) -> bytes:
    """The frame of a message; ``size`` is about how many bytes."""
    return text_frame(json.dumps({"body": body, "filler": "x" * size}))


def is_whole(frames: list[str]) -> bool:
    """Whether they are 0, 1, 2 and so on, with nothing left out."""
    return frames == [str(number) for number in range(len(frames))]


def closed_with(line: ConnectionPair) -> tuple[int, str, list[str]]:
    """Code and reason of the Close, and what the messages before it said."""
    frames = [line.peer.frame()]
    while frames[-1].opcode != CLOSE:
        frames.append(line.peer.frame())
    (code,) = struct.unpack("!H", frames[-1].payload[:2])
    return code, frames[-1].payload[2:].decode(), bodies(frames)


def is_asleep(thread: threading.Thread) -> bool:
    """Whether it waits for something."""
    stat = Path(f"/proc/self/task/{thread.native_id}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] == "S"


def fill(line: ConnectionPair, size: int = 10_000, *, start: int = 0) -> int:
    """Write messages until one more would make the client slow; return that one's number."""
    number, connection = start, line.connection
    while True:
        frame = line_of(str(number), size)
        if connection._backlog() + len(frame) > connection._queue_bytes:
            return number
        assert connection.write(frame)
        number += 1


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# -- writing -----------------------------------------------------------------------------------


def test_a_frame_is_written_in_place(family: str):
    """Nobody else has to wake up for it: there is no writer thread yet."""
    with ConnectionPair(family) as line:
        assert line.connection.write(text_frame("hello"))

        assert line.peer.frame() == (TEXT, b"hello")


def test_what_the_socket_does_not_take_arrives_in_order_and_whole(family: str):
    with ConnectionPair(family, buffers=4096) as line:
        for number in range(20):
            assert line.connection.write(line_of(str(number), 40_000))
        line.start_writer()

        assert bodies(line.peer.frame() for _ in range(20)) == [str(n) for n in range(20)]


def test_a_client_that_catches_up_is_never_slow():
    """What was sent is no longer counted: many times the queue goes through in bursts."""
    with ConnectionPair(buffers=4096, queue_bytes=150_000) as line:
        line.start_writer()
        for burst in range(100):
            for number in range(4):
                assert line.connection.write(line_of(str(number), 20_000)), burst
            assert bodies(line.peer.frame() for _ in range(4)) == ["0", "1", "2", "3"]


def test_what_waits_is_known_and_is_nothing_once_it_is_sent():
    """For whoever watches the server: a moment old, and at most an item's cost too high."""
    with ConnectionPair(buffers=4096) as line:
        assert line.connection.waiting_bytes == 0
        number = fill(line)
        assert 900_000 < line.connection.waiting_bytes <= line.connection._queue_bytes

        line.start_writer()
        assert is_whole(bodies(line.peer.frame() for _ in range(number)))
        wait_for(lambda: line.connection.waiting_bytes == 0, "that nothing waits")


def test_frames_that_are_sent_are_not_kept():
    """A writer that waits for the next one would hold a megabyte for each silent user."""
    frames = line_of("0", 200_000)
    pages = (line_of(number, 100_000) for number in "12")
    with ConnectionPair(buffers=4096) as line:
        mentioned = sys.getrefcount(frames), sys.getrefcount(pages)
        line.connection.write(frames)
        line.connection.replay(pages)
        line.start_writer()
        assert bodies(line.peer.frame() for _ in range(3)) == ["0", "1", "2"]

        wait_for(
            lambda: (sys.getrefcount(frames), sys.getrefcount(pages)) == mentioned, "its release"
        )


def test_a_frame_larger_than_the_whole_queue_is_sent_to_a_client_that_reads():
    with ConnectionPair(buffers=4096, queue_bytes=1000) as line:
        assert line.connection.write(line_of("large", 100_000))
        line.start_writer()

        assert bodies([line.peer.frame()]) == ["large"]


def test_a_pong_does_not_land_inside_a_frame(family: str):
    with ConnectionPair(family, buffers=4096) as line:
        line.connection.write(line_of("large", 500_000))
        line.connection.send(PONG_FRAME)
        line.connection.write(line_of("after"))
        line.start_writer()

        frames = [line.peer.frame() for _ in range(3)]

        assert [frame.opcode for frame in frames] == [TEXT, PONG, TEXT]
        assert bodies(frames) == ["large", "after"]


def test_frames_from_many_threads_stay_whole_and_each_threads_order_holds(family: str):
    """The threads write as fast as they can, and the socket takes a part of a frame at a time."""
    threads, each = 4, 100
    with ConnectionPair(family, buffers=4096, queue_bytes=1 << 30) as line:

        def write(name: str) -> None:
            for number in range(each):
                assert line.connection.write(line_of(f"{name} {number}", 3000 * (number % 5)))
                line.connection.send(PONG_FRAME)

        line.start_writer()
        writers = [threading.Thread(target=write, args=(str(name),)) for name in range(threads)]
        for thread in writers:
            thread.start()
        frames = [line.peer.frame() for _ in range(2 * threads * each)]
        for thread in writers:
            thread.join()

    said = bodies(frames)
    for name in range(threads):
        own = [body for body in said if body.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(each)]
    assert sum(frame == (PONG, b"pong") for frame in frames) == threads * each


def test_a_connection_that_is_lost_is_no_slow_one_and_its_reader_ends():
    """Writes to it are done with; only the reader, who finds out, tells the room."""
    with ConnectionPair("tcp") as line:
        reader = line.start_reader()
        line.peer.reset()

        for _ in range(100):
            assert line.connection.write(line_of("x", 10_000))
        reader.join(20)
        assert not reader.is_alive()


# -- a slow client -----------------------------------------------------------------------------


def test_a_client_over_its_queue_is_slow_and_the_frame_is_dropped(family: str):
    with ConnectionPair(family, buffers=4096, queue_bytes=100_000) as line:
        dropped = fill(line)
        assert 5 < dropped < 30

        assert not line.connection.write(line_of(str(dropped), 10_000))
        line.start_writer()

        code, reason, heard = closed_with(line)
        assert (code, reason) == (4008, "slow")
        assert is_whole(heard)
        assert len(heard) < dropped


def test_dropping_finishes_the_frame_that_was_begun_and_then_says_why(family: str):
    """What the client has got is the beginning of the conversation, without a gap."""
    with ConnectionPair(family, buffers=4096, queue_bytes=1_000_000) as line:
        dropped = fill(line, 100_000)
        line.connection.end(CloseCode.SLOW, "slow", drop=True)
        line.start_writer()

        code, reason, heard = closed_with(line)

        assert (code, reason) == (4008, "slow")
        assert is_whole(heard)
        assert 1 <= len(heard) < dropped


def test_dropping_while_the_writer_is_at_work_leaves_no_gap(family: str):
    with ConnectionPair(family, buffers=4096, queue_bytes=1_000_000) as line:
        line.start_writer()
        dropped = fill(line, 50_000)
        heard = bodies([line.peer.frame()])
        line.connection.end(CloseCode.SLOW, "slow", drop=True)

        code, _, rest = closed_with(line)

        assert code == 4008
        assert is_whole(heard + rest)
        assert len(heard + rest) < dropped


def test_a_client_that_floods_pings_and_does_not_read_is_slow():
    with ConnectionPair(buffers=4096, queue_bytes=10_000) as line:
        for _ in range(10_000):
            line.connection.send(PONG_FRAME)
        line.start_writer()

        frames = [line.peer.frame()]
        while frames[-1].opcode != CLOSE:
            frames.append(line.peer.frame())

        assert frames[-1].payload == struct.pack("!H", 4008) + b"slow"
        assert len(frames) < 10_000


# -- the past ----------------------------------------------------------------------------------


def test_the_past_comes_page_by_page_and_what_is_said_meanwhile_behind_it(family: str):
    pages = (line_of(str(2 * n), 20_000) + line_of(str(2 * n + 1)) for n in range(10))
    with ConnectionPair(family, buffers=4096) as line:
        line.connection.replay(pages)
        assert line.connection.write(line_of("20"))
        line.start_writer()
        assert bodies([line.peer.frame()]) == ["0"]
        assert line.connection.write(line_of("21"))

        rest = bodies(line.peer.frame() for _ in range(21))

    assert is_whole(["0", *rest])


def test_pages_are_made_as_the_client_takes_them():
    """A past of any length needs the memory of a page."""
    made = []

    def pages() -> Iterator[bytes]:
        for number in range(1000):
            made.append(number)
            yield line_of(str(number), 50_000)

    with ConnectionPair(buffers=4096) as line:
        line.connection.replay(pages())
        line.start_writer()
        for number in range(5):
            assert bodies([line.peer.frame()]) == [str(number)]
            assert len(made) <= number + 3


def test_a_slow_clients_past_stops_between_two_frames_without_a_gap():
    """Of what was said while the past was sent, nothing comes: it would hide the rest of it."""
    pages = (line_of(str(number), 50_000) for number in range(1000))
    with ConnectionPair(buffers=4096, queue_bytes=100_000) as line:
        line.connection.replay(pages)
        line.start_writer()
        assert bodies([line.peer.frame()]) == ["0"]
        fill(line, start=1000)
        line.connection.end(CloseCode.SLOW, "slow", drop=True)

        code, _, heard = closed_with(line)

        assert code == 4008
        assert is_whole(["0", *heard])
        assert len(heard) < 10


def test_a_past_that_cannot_be_read_ends_the_writer():
    def pages() -> Iterator[bytes]:
        yield line_of("0")
        raise HistoryUnavailable("sqlite:chat.db", "disk I/O error", "see to the disk")

    with ConnectionPair() as line:
        line.connection.replay(pages())
        line.start_writer().join(20)

        assert bodies([line.peer.frame()]) == ["0"]
        assert isinstance(line.failure, HistoryUnavailable)


def test_who_has_been_told_to_go_gets_no_past():
    with ConnectionPair() as line:
        line.connection.end(CloseCode.GOING_AWAY, "server shutting down")
        line.connection.replay(iter([line_of("0")]))
        line.start_writer()

        assert closed_with(line) == (1001, "server shutting down", [])


# -- ending ------------------------------------------------------------------------------------


def test_close_comes_behind_all_that_is_queued(family: str):
    with ConnectionPair(family, buffers=4096) as line:
        for number in range(10):
            line.connection.write(line_of(str(number), 40_000))
        line.connection.end(CloseCode.GOING_AWAY, "server shutting down")
        line.start_writer()

        code, reason, heard = closed_with(line)

        assert (code, reason) == (1001, "server shutting down")
        assert is_whole(heard)
        assert len(heard) == 10


def test_only_the_first_end_counts_and_nothing_comes_after_it():
    with ConnectionPair() as line:
        line.connection.end(CloseCode.BAD_DATA, "first")
        line.connection.end(CloseCode.SLOW, "second", drop=True)
        assert line.connection.write(line_of("late"))
        line.connection.send(PONG_FRAME)

        assert [frame.opcode for frame in line.peer.arrived()] == [CLOSE]


def test_who_does_not_answer_the_close_is_cut_off_by_the_readers_timer():
    with ConnectionPair("tcp", ping_interval=0.1) as line:
        reader = line.start_reader()
        line.connection.end(CloseCode.GOING_AWAY, "server shutting down")

        assert closed_with(line) == (1001, "server shutting down", [])
        assert line.peer.is_cut_off()
        reader.join(20)
        assert not reader.is_alive()
        assert line.cause == "close 1001: server shutting down"


def test_who_does_not_answer_a_close_that_was_queued_is_cut_off_too(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(sending, "CLOSE_TIMEOUT", 1.0)
    with ConnectionPair("tcp", buffers=4096) as line:
        reader = line.start_reader()
        line.connection.write(line_of("0", 50_000))
        line.connection.end(CloseCode.GOING_AWAY, "server shutting down")

        assert closed_with(line) == (1001, "server shutting down", ["0"])
        assert line.peer.is_cut_off()
        reader.join(20)
        assert not reader.is_alive()


def test_who_ignores_the_close_and_goes_on_talking_is_cut_off(monkeypatch: pytest.MonkeyPatch):
    """A client without manners would hold its place for ever."""
    monkeypatch.setattr(sending, "CLOSE_TIMEOUT", 0.2)
    with ConnectionPair("tcp") as line:
        reader = line.start_reader()
        line.connection.end(CloseCode.SERVER_ERROR, "not stored")
        assert closed_with(line) == (1011, "not stored", [])

        with pytest.raises(OSError, match=r"pipe|reset"):
            for _ in range(400):
                line.peer.send(encode(TEXT, b"and another thing"))
                wait_for_seconds(0.02)
        reader.join(20)
        assert not reader.is_alive()
        assert line.cause == "close 1011: not stored"


@pytest.mark.parametrize("begins", ["to listen", "to listen at the door", "the next read"])
def test_a_reader_that_is_held_before_it_begins_goes_on_once_it_is_released(
    family: str, begins: str
):
    """However little comes: such as the answer to the Close of a server that stops."""
    released = threading.Event()

    def hold(_data: object) -> None:
        line.connection.hold()
        line.peer.send(encode(CLOSE))
        released.set()

    with ConnectionPair(family) as line:
        ws = line.accept()
        if begins != "the next read":
            hold(None)
        door = (lambda: None) if begins == "to listen at the door" else None
        reader = line.start_reader(hold, ws, door)
        if begins == "the next read":
            line.peer.send(encode(TEXT, b"meanwhile"))
        assert released.wait(DEADLINE)
        wait_for(lambda: is_asleep(reader), "a reader that waits")
        line.connection.release()

        assert line.peer.frame().opcode == CLOSE
        line.peer.socket.close()
        reader.join(DEADLINE)
        assert not reader.is_alive()


def test_what_a_client_said_before_it_was_lost_is_heard():
    heard: list[str | bytes] = []
    with ConnectionPair("unix") as line:
        ws = line.accept()
        line.start_writer()
        line.peer.send(encode(TEXT, b"last words"))
        line.peer.socket.close()
        assert line.connection.write(line_of("x"))
        line.connection.listen(ws, heard.append)

    assert heard == ["last words"]


def test_who_does_not_take_what_is_queued_before_the_close_is_cut_off(
    monkeypatch: pytest.MonkeyPatch, family: str
):
    monkeypatch.setattr(sending, "CLOSE_TIMEOUT", 0.1)
    monkeypatch.setattr(kernel, "SEND_PATIENCE", 0.05)
    with ConnectionPair(family, buffers=4096) as line:
        fill(line)
        writer = line.start_writer()
        line.connection.end(CloseCode.GOING_AWAY, "server shutting down")
        writer.join(20)

        assert isinstance(line.failure, TimeoutError)


def test_who_has_said_goodbye_does_not_get_an_endless_past(monkeypatch: pytest.MonkeyPatch):
    """However fast the client reads: its thread is wanted back."""
    monkeypatch.setattr(sending, "CLOSE_TIMEOUT", 0.2)

    def pages() -> Iterator[bytes]:
        while True:
            yield line_of("again", 10_000)

    with ConnectionPair() as line:
        reader = line.start_reader()
        line.connection.replay(pages())
        line.peer.send(encode(CLOSE, NORMAL))
        with pytest.raises((EOFError, OSError)):
            while True:
                line.peer.frame()
        reader.join(20)

        assert not reader.is_alive()


def test_a_client_that_takes_nothing_frees_its_writer(monkeypatch: pytest.MonkeyPatch, family: str):
    monkeypatch.setattr(sending, "STALL_TIMEOUT", 0.2)
    monkeypatch.setattr(kernel, "SEND_PATIENCE", 0.05)
    with ConnectionPair(family, buffers=4096) as line:
        fill(line)
        line.start_writer().join(20)

        assert isinstance(line.failure, OSError)


def test_a_client_that_takes_little_by_little_is_not_cut_off(monkeypatch: pytest.MonkeyPatch):
    """Each bite comes after a pause, and all of them take longer than a stall may."""
    monkeypatch.setattr(sending, "STALL_TIMEOUT", 1.0)
    monkeypatch.setattr(kernel, "SEND_PATIENCE", 0.02)
    with ConnectionPair(buffers=4096) as line:
        line.connection.write(line_of("0", 200_000))
        line.start_writer()
        begin = time.monotonic()
        received = 0
        while time.monotonic() - begin < 1.5:
            assert line.failure is None
            received += len(line.peer.socket.recv(2000))
            wait_for_seconds(0.05)
        assert received > 10_000


def wait_for_seconds(seconds: float) -> None:
    """A pause that is the client's own behaviour."""
    threading.Event().wait(seconds)


def test_cut_frees_a_writer_that_waits_for_the_socket(family: str):
    with ConnectionPair(family, buffers=4096) as line:
        fill(line)
        writer = line.start_writer()
        line.connection.cut()
        writer.join(20)

        assert isinstance(line.failure, OSError)


def test_cut_frees_a_reader_that_waits_for_its_client(family: str):
    with ConnectionPair(family) as line:
        reader = line.start_reader()
        line.connection.cut()
        reader.join(20)

        assert not reader.is_alive()
        assert line.cause == "gone without a Close"


# -- the end of the threads ----------------------------------------------------------------------


def test_both_threads_end_when_the_client_goes_without_a_word(family: str):
    """At once, however much is queued for it."""
    with ConnectionPair(family, buffers=4096) as line:
        reader = line.start_reader()
        fill(line)
        line.peer.socket.close()
        reader.join(20)

        assert not reader.is_alive()


def test_the_client_closes_and_hears_its_own_code(family: str):
    with ConnectionPair(family) as line:
        reader = line.start_reader()
        line.peer.send(encode(CLOSE, NORMAL + b"bye"))

        assert closed_with(line) == (1000, "bye", [])
        assert line.peer.is_cut_off()
        line.peer.socket.close()
        reader.join(20)
        assert line.cause == "close 1000: bye"


def test_who_closes_still_gets_what_was_queued_before(family: str):
    with ConnectionPair(family, buffers=4096) as line:
        reader = line.start_reader()
        for number in range(10):
            line.connection.write(line_of(str(number), 20_000))
        line.peer.send(encode(CLOSE, NORMAL))

        code, _, heard = closed_with(line)

        assert code == 1000
        assert is_whole(heard)
        assert len(heard) == 10
        line.peer.socket.close()
        reader.join(20)
        assert not reader.is_alive()


def test_who_closes_and_lingers_is_waited_for_seconds_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sending, "CLOSE_TIMEOUT", 0.2)
    with ConnectionPair("tcp") as line:
        reader = line.start_reader()
        line.peer.send(encode(CLOSE, NORMAL))
        reader.join(20)  # though the client keeps its side open

        assert not reader.is_alive()


def test_a_close_reaches_a_client_that_is_still_sending(family: str):
    """To close with bytes unread would send a reset, and that would overtake the Close."""
    with ConnectionPair(family) as line:
        reader = line.start_reader(max_message_bytes=1000)
        line.peer.send(encode(TEXT, b"x" * 500_000))

        assert closed_with(line) == (1009, "Message is too big", [])
        line.peer.socket.close()
        reader.join(20)
        assert line.cause == "close 1009: Message is too big"


def test_nobody_touches_the_socket_after_finish():
    """gunicorn closes it then, and the next client may get the same descriptor."""
    with ConnectionPair() as line:
        reader = line.start_reader()
        line.peer.send(encode(CLOSE, NORMAL))
        closed_with(line)
        line.peer.socket.close()
        reader.join(20)
        ours, theirs = pair()
        with ours, theirs:
            os.dup2(ours.fileno(), line.socket.fileno())
            assert line.connection.write(line_of("late"))
            line.connection.end(CloseCode.GOING_AWAY, "late")
            theirs.setblocking(False)
            with pytest.raises(BlockingIOError):
                theirs.recv(1)


def test_who_has_left_holds_no_memory_until_python_looks_at_all_objects():
    """Flask-Sock makes a class for each socket, which keeps the library's object for a while."""
    gc.collect()
    gc.disable()
    others = alive()  # of tests before this one
    try:
        with ConnectionPair() as line:
            kept_by_flask_sock = line.accept()
            reader = line.start_reader(ws=kept_by_flask_sock)
            kinds = {type(found) for found in alive(besides=others)}
            assert kinds == {Connection, WSConnection, FrameProtocol}
            line.peer.send(encode(CLOSE, NORMAL))
            line.peer.socket.close()
            reader.join()
        del line
        wait_for(lambda: alive(besides=others) == [], "the end of all that it had")
    finally:
        gc.enable()


def alive(besides: Sequence[object] = ()) -> list[object]:
    """The objects of these types that there are."""
    kinds = Connection, WSConnection, FrameProtocol
    known = set(map(id, besides))
    return [found for found in gc.get_objects() if type(found) in kinds and id(found) not in known]


def test_hundred_connections_leave_no_thread(family: str):
    """The client goes at a moment that is never quite the same."""
    before = threading.active_count()
    for number in range(100):
        with ConnectionPair(family, buffers=4096) as line:
            line.start_reader()
            for _ in range(number % 5):
                line.connection.write(line_of("x", 10_000))
            if number % 3:
                line.peer.send(encode(CLOSE, NORMAL))
            if number % 4 == 0:
                line.connection.end(
                    CloseCode.GOING_AWAY, "server shutting down", drop=number % 8 == 0
                )
    wait_for(lambda: threading.active_count() <= before, "the end of the threads")


# -- pings -------------------------------------------------------------------------------------


def test_a_silent_client_is_pinged_and_stays_while_it_answers(family: str):
    with ConnectionPair(family, ping_interval=0.1) as line:
        line.start_reader()
        for _ in range(5):
            assert line.peer.frame() == (PING, b"")
            line.peer.send(encode(PONG))
        assert line.connection.write(text_frame("still here"))

        assert line.peer.frame() == (TEXT, b"still here")


def test_a_client_that_answers_no_ping_is_told_and_gone(family: str):
    with ConnectionPair(family, ping_interval=0.1) as line:
        reader = line.start_reader()

        assert line.peer.frame() == (PING, b"")
        assert closed_with(line) == (1011, "no answer to a ping", [])
        reader.join(20)
        assert line.cause == "close 1011: no answer to a ping"


def test_a_client_that_sends_is_not_pinged():
    with ConnectionPair(ping_interval=1) as line:
        line.start_reader()
        begin = time.monotonic()
        while time.monotonic() - begin < 1.5:
            line.peer.send(encode(PING, b"?"))
            assert line.peer.frame() == (PONG, b"?")
            wait_for_seconds(0.05)


def test_a_pong_never_reaches_the_library_and_what_follows_it_is_read():
    """It would take the interpreter five times as long as a message does."""
    heard: list[str | bytes] = []
    parsed: list[bytes] = []
    with ConnectionPair() as line:
        ws = line.accept()
        receive = ws.ws.receive_data
        ws.ws.receive_data = lambda data: parsed.append(data) or receive(data)
        line.start_reader(heard.append, ws)
        line.peer.send(encode(TEXT, b"one") + encode(PONG, b"late") + encode(TEXT, b"two"))
        line.peer.send(encode(PONG))
        wait_for(lambda: len(heard) == 2, "both")
        assert parsed == []
        line.peer.send(encode(PING, b"?"))
        assert line.peer.frame() == (PONG, b"?")

    assert heard == ["one", "two"]


# -- at the door -------------------------------------------------------------------------------

TOO_LATE = "no hello in time"


@pytest.mark.parametrize("size", [10, 20_000])
def test_what_has_come_before_it_is_too_late_counts_however_late_it_is_read(size: int):
    """A busy server may come to read it long after; and it may take several reads."""
    heard: list[str | bytes] = []
    with ConnectionPair() as line:
        ws = line.accept()
        line.peer.send(encode(TEXT, b"h" * size))
        reader = line.start_reader(heard.append, ws, lambda: None if heard else TOO_LATE)
        wait_for(lambda: heard, "the hello")
        line.peer.send(encode(CLOSE, NORMAL + b"bye"))

        assert closed_with(line) == (1000, "bye", [])
        line.peer.socket.close()
        reader.join(20)
    assert heard == ["h" * size]


@pytest.mark.parametrize(
    "sent",
    [b"", encode(TEXT, b"no hello"), encode(TEXT, b"half of it")[:-5]],
    ids=["nothing", "something else", "half of it"],
)
def test_who_has_not_come_in_has_to_go_once_it_is_too_late(sent: bytes):
    with ConnectionPair() as line:
        ws = line.accept()
        line.peer.send(sent)
        reader = line.start_reader(ws=ws, door=lambda: TOO_LATE)

        assert closed_with(line) == (1008, TOO_LATE, [])
        line.peer.socket.close()
        reader.join(20)
        assert line.cause == f"close 1008: {TOO_LATE}"


def test_who_sends_all_the_time_has_to_go_too():
    """What comes then is no hello, either; and it has an end."""
    with ConnectionPair() as line:
        ws = line.accept()
        line.peer.send(encode(PING) * 5000)
        line.start_reader(ws=ws, door=lambda: TOO_LATE)

        code, reason, _ = closed_with(line)
        assert (code, reason[:14]) == (1008, "too many pings")


# -- reading -----------------------------------------------------------------------------------


def test_messages_are_handed_over_as_they_came_in_order():
    heard: list[str | bytes] = []
    with ConnectionPair() as line:
        reader = line.start_reader(heard.append)
        line.peer.send(
            encode(TEXT, b"one"),
            encode(TEXT, "tw\u00f6".encode()[:3], final=False),
            encode(CONTINUATION, "tw\u00f6".encode()[3:]),
            encode(BINARY, b"\x00\xff"),
            encode(TEXT, b"x" * 60_000),
            encode(CLOSE, NORMAL),
        )
        closed_with(line)
        line.peer.socket.close()
        reader.join(20)

    assert heard == ["one", "tw\u00f6", b"\x00\xff", "x" * 60_000]


def test_the_loop_ends_with_what_its_handler_raises():
    def refuse(data: str | bytes) -> None:
        raise RuntimeError(data)

    with ConnectionPair() as line:
        reader = line.start_reader(refuse)
        line.peer.send(encode(TEXT, b"no"))
        line.peer.socket.close()
        reader.join(20)

    assert line.cause == "RuntimeError('no')"


@pytest.mark.parametrize(
    "broken",
    {
        "reserved opcode": encode(0x3, b"x"),
        "unmasked": encode(TEXT, b"x", masked=False),
        "compressed, which was not agreed on": encode(TEXT, b"x", reserved=4),
        "no UTF-8": encode(TEXT, b"\xff\xfe"),
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_no_websocket_frame_ends_the_connection_with_a_code(broken: tuple[str, bytes]):
    with ConnectionPair() as line:
        line.start_reader()
        line.peer.send(broken[1])

        code, _, _ = closed_with(line)

        assert code in (1002, 1007)


def test_a_request_that_is_refused_leaves_the_socket_as_it_was():
    """gunicorn may keep it for the client's next request."""
    with ConnectionPair("tcp") as line:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            assert not any(line.socket.getsockopt(socket.SOL_SOCKET, option, 16))


# -- the socket --------------------------------------------------------------------------------


def test_tls_is_refused_with_the_way_out():
    ours, theirs = pair("tcp")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with theirs, context.wrap_socket(ours, server_side=True, do_handshake_on_connect=False) as tls:
        with pytest.raises(HandshakeRefused, match="proxy in front") as caught:
            Connection(tls, queue_bytes=1, ping_interval=25, max_message_bytes=1)

        assert caught.value.status == 501


def test_small_frames_are_not_held_back_and_dead_peers_are_noticed():
    with ConnectionPair("tcp") as line:
        line.start_reader()

        assert line.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = line.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            assert milliseconds == sending.STALL_TIMEOUT * 1000
