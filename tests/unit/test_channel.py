"""Channel and select: Go's, of ``queue.Queue``."""

from __future__ import annotations

import queue
import threading
from typing import Any

import pytest

from chatroom.channel import Channel, Ready, select
from chatroom.errors import ChannelClosed
from tests.support.deadline import DEADLINE, wait_for


@pytest.fixture
def ready() -> Ready:
    return queue.SimpleQueue()


def one(item: object) -> int:
    return 1


def selected(ready: Ready) -> tuple[Channel[Any], Any] | None:
    """The channel that is selected, and its item."""
    channel = select(ready)
    if channel is None:
        return None
    assert isinstance(channel, Channel)
    return channel, channel.item


def test_select_serves_items_in_their_order_of_arrival_over_all_channels(ready: Ready):
    add, delete = Channel("add", ready), Channel("delete", ready)
    add.put(1)
    delete.put(2)
    delete.put(3)
    add.put(4)

    served = [selected(ready) for _ in range(4)]

    assert served == [(add, 1), (delete, 2), (delete, 3), (add, 4)]


def test_select_waits_for_whichever_channel_is_first(ready: Ready):
    channels = [Channel(str(number), ready) for number in range(10)]
    put = threading.Thread(target=channels[7].put, args=("late",))
    put.start()

    assert selected(ready) == (channels[7], "late")
    put.join()


def test_none_ends_the_wait_behind_what_came_before(ready: Ready):
    channel = Channel("add", ready)
    channel.put(1)
    ready.put(None)
    channel.put(2)

    assert selected(ready) == (channel, 1)
    assert selected(ready) is None
    assert selected(ready) == (channel, 2)


def test_drain_takes_what_waits_and_select_passes_over_it(ready: Ready):
    broadcast, add = Channel("broadcast", ready), Channel("add", ready)
    for number in range(3):
        broadcast.put(number)
    add.put("ann")

    assert broadcast.drain(100, one) == [0, 1, 2]
    assert selected(ready) == (add, "ann")
    assert broadcast.drain(100, one) == []


def test_what_comes_after_a_drain_does_not_overtake(ready: Ready):
    """Else nobody could join a room, or stop it, as long as it is full of talk."""
    broadcast, add = Channel("broadcast", ready), Channel("add", ready)
    for number in range(3):
        broadcast.put(number)
    assert broadcast.drain(100, one) == [0, 1, 2]
    add.put("ann")
    broadcast.put(3)

    assert selected(ready) == (add, "ann")
    assert selected(ready) == (broadcast, 3)


def test_what_was_drained_leaves_nothing_behind(ready: Ready):
    """A channel that is never empty does not fill the memory with old announcements."""
    channel = Channel("broadcast", ready)
    for number in range(1000):
        for _ in range(10):
            channel.put(number)
        assert selected(ready) == (channel, number)
        assert channel.drain(8, one) == [number] * 8
        assert channel.qsize() <= number + 1
        channel.drain(1, one)

    assert ready.qsize() < 20


def test_drain_stops_when_the_budget_is_used_up(ready: Ready):
    """The item that crosses it is taken still: one that costs more than all gets its turn."""
    channel = Channel("broadcast", ready)
    for size in (3, 3, 9, 1):
        channel.put(size)

    assert channel.drain(4, int) == [3, 3]
    assert channel.drain(4, int) == [9]
    assert channel.drain(0, int) == []
    assert channel.drain(4, int) == [1]


def test_drain_makes_room_for_those_who_wait(ready: Ready):
    channel = Channel("broadcast", ready, maxsize=2)
    threads = [threading.Thread(target=channel.put, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()

    taken: list[int] = []
    wait_for(lambda: taken.extend(channel.drain(100, one)) or len(taken) == 6, "all six")

    assert sorted(taken) == list(range(6))
    for thread in threads:
        thread.join(DEADLINE)


def test_a_full_channel_makes_put_wait_until_there_is_room(ready: Ready):
    channel = Channel("broadcast", ready, maxsize=1)
    channel.put("first")
    with pytest.raises(queue.Full):
        channel.put("second", timeout=0.01)
    second = threading.Thread(target=channel.put, args=("second",))
    second.start()

    assert selected(ready) == (channel, "first")
    assert selected(ready) == (channel, "second")
    second.join(DEADLINE)


def test_a_closed_channel_refuses_and_says_whose_end_it_is(ready: Ready):
    channel = Channel("broadcast", ready)
    channel.put("before")
    channel.close()
    channel.close()

    with pytest.raises(ChannelClosed, match="channel 'broadcast' is closed"):
        channel.put("after")
    assert selected(ready) == (channel, "before")
    assert ready.empty()


def test_closing_a_full_channel_frees_those_who_wait_in_put(ready: Ready):
    channel = Channel("broadcast", ready, maxsize=1)
    channel.put("inside")
    refused: queue.SimpleQueue[ChannelClosed] = queue.SimpleQueue()

    def put() -> None:
        try:
            channel.put("outside")
        except ChannelClosed as error:
            refused.put(error)

    threads = [threading.Thread(target=put) for _ in range(5)]
    for thread in threads:
        thread.start()
    channel.close()
    for thread in threads:
        thread.join(DEADLINE)

    assert refused.qsize() == 5
    assert channel.drain(100, one) == ["inside"]


def test_nothing_is_lost_between_many_who_put_and_one_who_selects(ready: Ready):
    """Each thread's items keep their order, through select and drain alike."""
    channels = [Channel(str(number), ready, maxsize=number) for number in range(4)]
    each = 500

    def put(name: int) -> None:
        for number in range(each):
            channels[number % 4].put((name, number))

    threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    got: list[tuple[int, int]] = []
    while len(got) < 4 * each:
        found = selected(ready)
        assert found
        channel, item = found
        got += [item, *channel.drain(3, one)]
    for thread in threads:
        thread.join(DEADLINE)

    assert sorted(got) == [(name, number) for name in range(4) for number in range(each)]
    for channel in range(4):
        for name in range(4):
            own = [number for by, number in got if by == name and number % 4 == channel]
            assert own == sorted(own)
