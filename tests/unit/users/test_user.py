"""User: what its reader makes of frames, and how its two threads end."""

from __future__ import annotations

import json
import logging
import queue
import struct
import threading
from collections.abc import Iterator
from typing import TypeVar

import pytest

from chatroom.channel import Channel, Ready
from chatroom.errors import HistoryUnavailable, UserError
from chatroom.message import Draft
from chatroom.sockets import kernel, sending
from chatroom.sockets.pace import Pace
from chatroom.tally import Counts
from chatroom.users.requests import Channels
from chatroom.wire.websocket import CloseCode, text_frame
from tests.support.deadline import wait_for
from tests.support.in_memory_room import Guest
from tests.support.websocket_client import BINARY, CLOSE, CONTINUATION, TEXT, encode, line_of_chat

T = TypeVar("T")

GOODBYE = encode(CLOSE, struct.pack("!H", 1000) + b"bye")


@pytest.fixture
def channels() -> Channels:
    """What a Server would select over."""
    ready: Ready = queue.SimpleQueue()
    return Channels(*(Channel(name, ready) for name in Channels._fields[:-1]), Counts())


def next_of(channel: Channel[T]) -> T:
    """Whoever selects is woken through ``ready``; who waits at one channel alone has to look."""
    wait_for(channel.qsize, f"something on {channel.name}")
    return channel.get_nowait()


def is_empty(*channels: Channel) -> bool:
    return not any(channel.qsize() for channel in channels)


# -- joining and saying ------------------------------------------------------------------------


def test_the_first_frame_joins_and_says(channels: Channels):
    with Guest(channels, room="kitchen").sit_down() as guest:
        guest.send(userName="Bob", body="hello", timestamp="10:42 AM")

        joined = next_of(channels.add).user
        said = next_of(channels.broadcast)
        assert joined is said.user is guest.user
        assert (joined.name, joined.room) == ("Bob", "kitchen")
        assert said.draft == Draft("Bob", "hello", "10:42 AM")


def test_a_first_frame_without_a_body_joins_in_silence(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        guest.send(userName="Bob", body="first word")

        next_of(channels.add)
        assert next_of(channels.broadcast).draft.body == "first word"


def test_only_the_first_frame_may_be_silent(channels: Channels):
    """The original says an empty line then, and so do we."""
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob", body="one")
        guest.send(userName="Bob")

        assert next_of(channels.broadcast).draft.body == "one"
        assert next_of(channels.broadcast).draft.body == ""
        assert channels.add.qsize() == 1


def test_what_comes_after_our_close_is_read_without_a_pause(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
):
    """With bytes unread the end would be a reset, and the client would not see our Close."""
    paced: list[int] = []
    monkeypatch.setattr(Pace, "await_bytes", lambda self, size: paced.append(size))
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob", body="one")
        next_of(channels.broadcast)
        assert len(paced) == 1

        guest.user.end(CloseCode.SERVER_ERROR, "enough")
        guest.send(userName="Bob", body="two")

        next_of(channels.broadcast)
        assert len(paced) == 1


def test_who_says_nothing_never_joins_and_never_leaves(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.peer.send(GOODBYE)
        guest.peer.frame()
        guest.peer.socket.close()

        assert guest.has_left()
    assert is_empty(channels.add, channels.delete, channels.broadcast, channels.error)


def test_leaving_says_why(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        guest.peer.send(GOODBYE)

        leaving = next_of(channels.delete)
        assert leaving.user is guest.user
        assert leaving.cause == "close 1000: bye"


def test_who_vanishes_leaves_too(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        next_of(channels.add)
        guest.peer.socket.close()

        assert next_of(channels.delete).cause == "gone without a Close"


def test_all_that_was_said_before_a_goodbye_is_said(channels: Channels):
    """In order, and before the user leaves."""
    with Guest(channels).sit_down() as guest:
        frames = [encode(TEXT, line_of_chat("Bob", str(number))) for number in range(100)]
        guest.peer.send(*frames, GOODBYE)

        next_of(channels.delete)
        said = [channels.broadcast.get_nowait().draft.body for _ in range(100)]
        assert said == [str(number) for number in range(100)]


@pytest.mark.parametrize("body", ["plain", "\u00e4\u00f6\u00fc", "\U0001f44b" * 1000])
def test_a_message_costs_what_its_frame_will_at_least(channels: Channels, body: str):
    """In bytes: else a drained batch of emoji would be four times what it may be."""
    with Guest(channels).sit_down() as guest:
        guest.peer.send(encode(TEXT, json.dumps({"body": body}, ensure_ascii=False).encode()))

        cost = next_of(channels.broadcast).cost

    least = len(body.encode())
    assert least < cost < least + 500


# -- what is refused ---------------------------------------------------------------------------

REFUSED = {
    "not JSON": (encode(TEXT, b"hello"), 1007, "not JSON"),
    "a list": (encode(TEXT, b"[]"), 1007, "not a JSON object"),
    "a wrong type": (encode(TEXT, b'{"body": 1}'), 1007, "body is not text"),
    "a long name": (encode(TEXT, line_of_chat("N" * 65, "x")), 1007, "userName has 65 characters"),
    "binary": (encode(BINARY, b"{}"), 1003, "binary frame"),
    "too many bytes": (
        encode(TEXT, b'{"body": "%b"}' % ("\u00e4".encode() * 1500)),
        1009,
        "of 3012 bytes",
    ),
    "too many characters": (encode(TEXT, b" " * 5000), 1009, "Message is too big"),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("is_first", [True, False])
def test_what_is_refused_closes_the_socket_with_the_reason(
    channels: Channels, name: str, is_first: bool
):
    """Nothing of it reaches the room."""
    frame, code, words = REFUSED[name]
    with Guest(channels, max_message_bytes=2000).sit_down() as guest:
        if not is_first:
            guest.send(userName="Bob")
        guest.peer.send(frame, encode(TEXT, line_of_chat("Bob", "behind it")))

        got, reason = guest.peer.closed_with()
        assert got == code
        assert words in reason
        guest.peer.socket.close()
        assert guest.has_left()
    assert is_empty(channels.broadcast, channels.error)
    assert channels.add.qsize() == channels.delete.qsize() == (0 if is_first else 1)
    if not is_first:
        assert f"close {code}: " in channels.delete.get_nowait().cause
    if name != "too many characters":  # that is the library's to refuse
        assert channels.refused.read() == {f"close-{code}": 1}


def test_a_frame_of_exactly_the_limit_is_taken(channels: Channels):
    limit = 5000
    payload = line_of_chat("Bob", "")
    payload = line_of_chat("Bob", "x" * (limit - len(payload)))
    with Guest(channels, max_message_bytes=limit).sit_down() as guest:
        guest.peer.send(
            encode(TEXT, payload[:700], final=False), encode(CONTINUATION, payload[700:])
        )

        next_of(channels.broadcast)


@pytest.mark.parametrize("family", ["tcp", "unix"])
def test_who_is_still_sending_gets_the_reason_and_no_reset(channels: Channels, family: str):
    """A reset would throw away the Close that explains it (RFC 9112, section 9.6)."""
    frames = encode(TEXT, b"no JSON") + encode(TEXT, line_of_chat("Bob", "x" * 60_000)) * 8
    with Guest(channels, family=family).sit_down() as guest:
        guest.peer.send(frames)

        assert guest.peer.closed_with()[0] == 1007
        guest.peer.socket.close()
        assert guest.has_left()


def test_the_log_names_who_was_refused_on_one_line(
    channels: Channels, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, "chatroom")
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob\nroot", body="hi")
        guest.peer.send(encode(TEXT, b"rubbish"))
        guest.peer.closed_with()

    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(
        f'refused: user {guest.user.id} "Bob\\u000aroot" (127.0.0.1): close 1007'
    )
    assert "\n" not in line


# -- when something fails ----------------------------------------------------------------------


@pytest.mark.parametrize("channel", ["add", "broadcast"])
def test_a_server_that_has_stopped_says_so(channels: Channels, channel: str):
    getattr(channels, channel).close()
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob", body="too late")

        assert guest.peer.closed_with() == (1001, "server shutting down")
        guest.peer.socket.close()
        assert guest.has_left()


def test_leaving_a_server_that_has_stopped_is_no_error(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        next_of(channels.add)
        for channel in channels[:-1]:
            channel.close()
        guest.peer.send(GOODBYE)

        assert guest.peer.closed_with() == (1000, "bye")
        guest.peer.socket.close()
        assert guest.has_left()


def test_a_fault_of_ours_costs_the_user_its_socket_and_is_reported(
    channels: Channels, caplog: pytest.LogCaptureFixture
):
    def explode(item: object) -> None:
        raise RuntimeError("boom")

    channels.broadcast._put = explode
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob", body="hi")

        assert guest.peer.closed_with() == (1011, "internal error")
        error = next_of(channels.error)
        assert str(error).startswith(f"User {guest.user.id} is disconnected. Cause: its reader")
        assert next_of(channels.delete).cause == "internal error"
    assert "boom" in caplog.text


def test_a_past_that_cannot_be_read_is_told_and_reported(channels: Channels):
    """With the Close, not by cutting the line; what came until then is the past's beginning."""

    def pages() -> Iterator[bytes]:
        yield text_frame('{"body": "0"}')
        raise HistoryUnavailable("sqlite:chat.db", "disk I/O error", "see to the disk")

    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        user = next_of(channels.add).user
        user.connection.replay(pages())
        user.write(text_frame('{"body": "said meanwhile"}'))

        first, last = guest.peer.frame(), guest.peer.frame()
        while last.opcode != CLOSE:
            first, last = last, guest.peer.frame()
        assert json.loads(first.payload)["body"] in ("0", "said meanwhile")
        assert last.payload == struct.pack("!H", 1011) + b"history unavailable"
        assert "disk I/O error" in str(next_of(channels.error))
        guest.peer.socket.close()
        assert guest.has_left()


def test_a_writer_whose_client_stalls_frees_the_reader_and_is_reported(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sending, "STALL_TIMEOUT", 0.2)
    monkeypatch.setattr(kernel, "SEND_PATIENCE", 0.05)
    with Guest(channels, buffers=4096).sit_down() as guest:
        guest.send(userName="Bob")
        user = next_of(channels.add).user
        user.write(text_frame("x" * 500_000))

        assert guest.has_left()
    error = channels.error.get_nowait()
    assert isinstance(error, UserError)
    assert "its writer failed: took nothing for" in str(error)
    assert channels.delete.get_nowait().cause == "gone without a Close"


def test_a_writer_that_fails_by_our_fault_frees_the_reader(
    channels: Channels, caplog: pytest.LogCaptureFixture
):
    def pages() -> Iterator[bytes]:
        raise RuntimeError("boom")
        yield b""

    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        next_of(channels.add).user.connection.replay(pages())

        assert guest.peer.is_cut_off()
        assert guest.has_left()
    assert "boom" in str(channels.error.get_nowait())
    assert "boom" in caplog.text


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
def test_a_machine_out_of_threads_costs_one_socket(
    channels: Channels, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    """The client hears it in the WebSocket's own words, not as an HTTP answer in its middle."""
    start = threading.Thread.start

    def refuse_writers(thread: threading.Thread) -> None:
        if thread.name.startswith("writer-"):
            raise error
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse_writers)
    with Guest(channels).sit_down() as guest:
        assert guest.peer.closed_with() == (1011, "out of threads")
        assert guest.has_left()
    assert repr(error) in str(channels.error.get_nowait())


# -- the rest ----------------------------------------------------------------------------------


def test_the_server_ends_a_user(channels: Channels):
    with Guest(channels).sit_down() as guest:
        guest.send(userName="Bob")
        next_of(channels.add).user.end(CloseCode.GOING_AWAY, "server shutting down")

        assert guest.peer.closed_with() == (1001, "server shutting down")
        guest.peer.send(encode(CLOSE, struct.pack("!H", 1001)))
        assert guest.peer.is_cut_off()
        guest.peer.socket.close()
        assert guest.has_left()
    assert channels.delete.get_nowait().cause == "close 1001: server shutting down"


def test_every_user_has_an_id_of_its_own(channels: Channels):
    with Guest(channels) as ann, Guest(channels) as bob:
        assert ann.user.id < bob.user.id
        assert str(bob.user) == f'user {bob.user.id} "Ann" (127.0.0.1)'


def test_no_thread_of_a_user_outlives_its_socket(channels: Channels):
    before = threading.active_count()
    for number in range(30):
        with Guest(channels).sit_down() as guest:
            guest.send(userName="Bob", body="x")
            if number % 2:
                guest.peer.send(GOODBYE)
    wait_for(lambda: threading.active_count() <= before, "the end of the threads")
