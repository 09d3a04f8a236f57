"""Tally: what is counted, and what that costs."""

from __future__ import annotations

import threading
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.rooms.server import BROADCAST_SLOTS
from chatroom.tally import MESSAGES, SECONDS, Counts, Tally

MICROSECOND = 1e-6


# -- histograms --------------------------------------------------------------------------------


def commits(*seconds: float) -> tuple[list[int], float]:
    tally = Tally()
    for each in seconds:
        tally.committed(1, each)
    return tally.commits.read()


def test_a_value_is_in_its_bucket_and_in_all_above():
    counts, sum_of_all = commits(0.03)

    first = SECONDS.index(0.05)
    assert counts == [0] * first + [1] * (len(SECONDS) + 1 - first)
    assert sum_of_all == 0.03


def test_a_bound_belongs_to_its_bucket():
    """Prometheus' "le" is "less or equal"."""
    assert commits(0.05)[0] == commits(0.03)[0]
    assert commits(0.0501)[0] == commits(0.1)[0]


def test_what_is_above_all_bounds_counts_too():
    assert commits(60.0) == ([0] * len(SECONDS) + [1], 60.0)


@given(st.lists(st.floats(0, 10)))
def test_each_bucket_has_what_is_up_to_its_bound(values: list[float]):
    counts, sum_of_all = commits(*values)

    assert counts == [*(sum(value <= bound for value in values) for bound in SECONDS), len(values)]
    assert sum_of_all == pytest.approx(sum(values))


@given(st.lists(st.integers(1, BROADCAST_SLOTS + 1)))
def test_batches_are_counted_by_their_size(sizes: list[int]):
    tally = Tally()
    for size in sizes:
        tally.committed(size, 0.001)

    counts, sum_of_all = tally.batches.read()
    assert counts == [*(sum(size <= bound for size in sizes) for bound in MESSAGES), len(sizes)]
    assert sum_of_all == tally.stored == sum(sizes)


def test_bounds_ascend_and_reach_as_far_as_a_batch_can():
    assert list(SECONDS) == sorted(set(SECONDS))
    assert list(MESSAGES) == sorted(set(MESSAGES))
    assert MESSAGES[-1] == BROADCAST_SLOTS


# -- the Server thread's -----------------------------------------------------------------------


def test_a_commit_and_its_fan_out_are_counted():
    tally = Tally()
    tally.committed(3, 0.002)
    tally.fanned_out(6, 0.02)

    assert (tally.stored, tally.deliveries) == (3, 6)
    assert tally.batches.read()[1] == 3
    assert tally.commits.read()[1] == 0.002
    assert tally.fan_outs.read() == ([*(bound >= 0.02 for bound in SECONDS), 1], 0.02)


def test_counting_a_batch_costs_less_than_three_microseconds():
    """One, on an idle machine: this is for whoever makes it ten."""
    tally = Tally()

    def count() -> None:
        tally.committed(17, 0.0013)
        tally.fanned_out(1700, 0.02)

    assert min(timeit.repeat(count, number=1000, repeat=20)) / 1000 < 3 * MICROSECOND


# -- any thread's ------------------------------------------------------------------------------


def test_each_thing_is_counted_by_itself():
    counts = Counts()
    for what in ("slow", "muted", "slow"):
        counts.put(what)

    assert counts.read() == {"slow": 2, "muted": 1}


def test_what_is_known_beforehand_is_said_to_be_0():
    """Otherwise an alarm would not see the first one."""
    assert Counts("stored", "held").read() == {"stored": 0, "held": 0}


def test_none_is_lost_where_many_threads_count():
    counts = Counts()
    threads = [
        threading.Thread(target=lambda: [counts.put("slow") for _ in range(1000)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counts.read() == {"slow": 8000}


def test_what_was_read_does_not_change():
    counts = Counts("slow")
    before = counts.read()
    counts.put("slow")

    assert before == {"slow": 0}
