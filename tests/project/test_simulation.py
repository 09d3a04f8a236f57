"""``python -m benchmarks.simulation``: it has to come out where the measurements did."""

from __future__ import annotations

from dataclasses import asdict, replace
from statistics import median

import pytest

from benchmarks import places, publish
from benchmarks.simulation import people
from benchmarks.simulation.clockwork import Activity, Clockwork, Resource
from benchmarks.simulation.costs import Costs
from benchmarks.simulation.people import needs, notifications_at_most
from benchmarks.simulation.points import Point, measured, points
from benchmarks.simulation.room import Setting, simulate

COSTS = Costs()
FARTHEST = 1.6
"""No point is off by more than this factor, either way ..."""
USUAL = 1.15
"""... and half of them by less than this one."""
HOT = Setting(processes=4, users=40, senders=8, under_way=64, cores=16, has_load=False)


# -- the clock -------------------------------------------------------------------------------


def test_whoever_asks_first_is_served_first_and_time_passes_for_all():
    clock = Clockwork()
    desk, served = Resource(clock), []

    def come(name: str, seconds: float) -> Activity:
        yield desk
        yield seconds
        served.append((name, clock.now))
        desk.release()

    for name, seconds in (("Ann", 2.0), ("Bob", 1.0), ("Eve", 0.5)):
        clock.wake(come(name, seconds))
    clock.run(until=3.2)

    assert served == [("Ann", 2.0), ("Bob", 3.0)]
    assert clock.now == 3.2


def test_as_many_are_served_at_once_as_there_are_places():
    clock = Clockwork()
    desks, served = Resource(clock, places=2), []

    def come(name: str) -> Activity:
        yield desks
        yield 1.0
        served.append((name, clock.now))
        desks.release()

    for name in ("Ann", "Bob", "Eve"):
        clock.wake(come(name))
    clock.run(until=5.0)

    assert served == [("Ann", 1.0), ("Bob", 1.0), ("Eve", 2.0)]


# -- what was measured -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared() -> list[Point]:
    return points(measured(), COSTS)


def test_it_comes_out_where_the_measurements_did(compared: list[Point]):
    assert len(compared) >= 40
    off = {f"{p.subject}, {p.scenario}, {p.case}, {p.key}": round(p.ratio, 2) for p in compared}
    assert all(1 / FARTHEST < ratio < FARTHEST for ratio in off.values()), off
    assert median(max(ratio, 1 / ratio) for ratio in off.values()) < USUAL, off


def test_costs_that_are_wrong_do_not_come_out_there():
    wrong = replace(COSTS, **{name: 2 * value for name, value in asdict(COSTS).items()})
    ratios = [point.ratio for point in points(measured(), wrong)]
    assert median(max(ratio, 1 / ratio) for ratio in ratios) > USUAL


# -- what was not ----------------------------------------------------------------------------


def test_messages_under_way_never_get_more_or_fewer():
    found = simulate(HOT, COSTS)
    # Little's law: what is under way is the rate times the time that each is
    assert found["messages_per_s"] * found["own_p50_ms"] / 1e3 == pytest.approx(64, rel=0.35)


def test_one_room_is_committed_by_one_process_after_the_other():
    """With a standby far away, the more processes speak the longer each waits."""
    waits = [
        simulate(replace(HOT, processes=k, far=0.03, seconds=4.0), COSTS)["own_p50_ms"]
        for k in (1, 2, 4)
    ]
    assert waits == sorted(waits)
    assert waits[2] >= 4 * 30


def test_a_process_alone_notifies_nobody():
    found = needs(10_000, COSTS)
    assert (found.processes, found.notifications_per_s) == (1, 0)


def test_people_need_processes_by_their_number_and_databases_by_their_notifications():
    few, many = needs(100_000, COSTS), needs(1_000_000, COSTS)

    assert few.processes >= 100_000 / people.PER_PROCESS
    assert few.databases == 1 < many.databases
    for found in (few, many):
        listeners = found.processes // found.databases
        assert found.notifications_per_s <= people.FULL * notifications_at_most(listeners)
        assert found.busy <= people.BUSY
        assert found.connections == 6 * listeners


def test_a_room_at_one_process_costs_less():
    spread, together = (needs(1_000_000, COSTS, affinity=affinity) for affinity in (False, True))
    assert together.cores < spread.cores


# -- the page --------------------------------------------------------------------------------


def test_the_page_shows_what_the_simulation_says():
    page = (places.CHECKOUT / "docs" / "scaling.md").read_text()
    assert publish.published(page) == page, "python -m benchmarks.publish puts it there"
