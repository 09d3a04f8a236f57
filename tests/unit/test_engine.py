"""Engine: what starts and stops behind the web side, and in which order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatroom.configuration import Configuration, load_configuration
from chatroom.engine import Engine
from chatroom.errors import (
    ChannelClosed,
    ChatError,
    HandshakeRefused,
    HistoryRefused,
    HistoryUnavailable,
)
from tests.support.deadline import DEADLINE
from tests.support.in_memory_room import Guest
from tests.support.websocket_client import CLOSE, encode


def configuration(folder: Path, **changes: Any) -> Configuration:
    return replace(load_configuration({}), path=folder / "config.json", **changes)


def engine(folder: Path, **changes: Any) -> Engine:
    return Engine(configuration(folder, **{"history": "sqlite:chat.db", **changes}))


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Engine]:
    started = engine(tmp_path, max_users=2)
    started.start()
    yield started
    started.stop()


def test_making_one_starts_no_thread_and_opens_no_file(tmp_path: Path):
    """So that gunicorn can fork behind it."""
    before = threading.active_count()
    made = engine(tmp_path)

    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []
    for check in made.check, made.check_itself:
        with pytest.raises(ChatError, match="not started; serve with"):
            check(1)
    made.stop()


def test_once_started_it_takes_messages(started: Engine):
    started.check(DEADLINE)

    with Guest(started.server.channels) as ann:
        ann.join().say("hello")
        ann.peer.frame()
    assert started.history.head("lobby")[0] == 1


def test_where_what_operators_decided_cannot_be_read_it_does_not_start(tmp_path: Path):
    """Otherwise the room's thread would end at once, and everybody wait for it in vain."""
    first = engine(tmp_path)
    first.history.open()
    first.history.enact("", '{"hosts": "all"}', None)
    first.history.close()

    second = engine(tmp_path)
    try:
        with pytest.raises(ChatError, match="restore a backup"):
            second.start()
    finally:
        second.history.close()


def test_a_start_that_failed_can_be_tried_again(tmp_path: Path):
    first = engine(tmp_path)
    first.start()
    second = engine(tmp_path)
    with pytest.raises(HistoryRefused, match="in use"):
        second.start()
    second.waits_for = ChatError("it is in use")
    second.check_itself(DEADLINE)
    with pytest.raises(ChatError, match="it is in use"):
        second.check(DEADLINE)
    first.stop()

    second.start()

    second.check(DEADLINE)
    second.stop()


def test_what_is_to_stop_is_not_started_any_more(tmp_path: Path):
    """A stop may come while the start waits for something."""
    late = engine(tmp_path)
    late.stop()
    with pytest.raises(ChatError, match="shutting down"):
        late.start()

    another = engine(tmp_path)  # the history is free
    another.start()
    another.stop()


def test_a_process_lives_whose_history_does_not_work(
    started: Engine, monkeypatch: pytest.MonkeyPatch
):
    def fail() -> None:
        raise HistoryUnavailable("chat.db", "disk I/O error", "see to the disk")

    monkeypatch.setattr(started.history, "probe", fail)

    started.check_itself(DEADLINE)
    with pytest.raises(HistoryUnavailable):
        started.check(DEADLINE)


def test_a_process_whose_server_thread_hangs_does_not_live(started: Engine):
    hang = threading.Event()
    hanging = threading.Thread(target=started.server.ask, args=(hang.wait, DEADLINE))
    hanging.start()
    try:
        with pytest.raises(ChatError, match="did not answer"):
            started.check_itself(0.05)
    finally:
        hang.set()
        hanging.join(DEADLINE)


def test_a_process_lives_whose_history_is_written_anew(
    started: Engine, monkeypatch: pytest.MonkeyPatch
):
    """A liveness probe would kill it half way, again and again."""
    busy = threading.Event()
    monkeypatch.setattr(type(started.history), "is_cleaning_long", True)
    working = threading.Thread(target=started.server.ask, args=(busy.wait, DEADLINE))
    working.start()
    try:
        started.check_itself(0.05)
    finally:
        busy.set()
        working.join(DEADLINE)


def test_two_cannot_share_a_file(started: Engine, tmp_path: Path):
    with pytest.raises(HistoryRefused, match="in use"):
        engine(tmp_path).start()


def test_stopping_tells_everybody_and_keeps_what_they_said(tmp_path: Path):
    first = engine(tmp_path)
    first.start()
    with Guest(first.server.channels).sit_down() as ann:
        first.gate.enter(ann.user.connection)
        ann.send(userName="Ann", body="last words")
        assert ann.peer.message()["body"] == "last words"
        stopping = threading.Thread(target=first.stop)
        stopping.start()

        assert ann.peer.closed_with() == (1001, "server shutting down")
        ann.peer.send(encode(CLOSE, b"\x03\xe9"))
        ann.peer.socket.close()
        assert ann.has_left()
        first.gate.leave(ann.user.connection)
        stopping.join(DEADLINE)
        assert not stopping.is_alive()

    second = engine(tmp_path)
    second.start()
    assert second.history.head("lobby")[0] == 1
    second.stop()


def test_a_stopped_one_lets_nobody_in_and_is_not_healthy(started: Engine):
    started.stop()
    started.stop()

    with pytest.raises(ChatError):
        started.check(1)
    with Guest(started.server.channels) as late:
        with pytest.raises(HandshakeRefused, match="The server is shutting down"):
            started.gate.enter(late.user.connection)
        with pytest.raises(ChannelClosed):
            late.join()


def test_stopping_from_two_threads_at_once_stops_once(started: Engine):
    """The signal's thread and gunicorn's hook do so."""
    threads = [threading.Thread(target=started.stop) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
        assert not thread.is_alive()


def test_the_settings_reach_the_parts(tmp_path: Path):
    """A joiner gets replayLimit messages, even where they are a large part of its queue."""
    made = engine(
        tmp_path, history="memory:", replay_limit=3, max_users=7, user_queue_bytes=200_000
    )
    made.start()
    try:
        with Guest(made.server.channels) as ann, Guest(made.server.channels) as bob:
            ann.join().say(*(f"{number} {'x' * 30_000}" for number in range(10)))
            ann.start_writer()
            for number in range(10):
                assert ann.peer.message()["body"].startswith(f"{number} ")
            bob.join().start_writer()
            for number in range(7, 10):
                assert bob.peer.message()["body"].startswith(f"{number} ")
        assert made.gate.capacity == 7
    finally:
        made.stop()
