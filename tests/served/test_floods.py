"""Some send as much as they can; the others do not notice."""

from __future__ import annotations

import pytest

from tests.support.floods import feel
from tests.support.server_process import Launch

pytestmark = pytest.mark.takes(seconds=15)


def test_who_makes_a_room_and_acts_there_all_the_time_delays_nobody_else(serve: Launch) -> None:
    """It was 10 s when the Server wrote down at once whatever hosts decided."""
    felt = feel(serve(messagesPerSecond=5), "acts of a host", seconds=4)

    assert felt.worst < 4000, felt
    assert felt.health < 5000, felt


@pytest.mark.parametrize("kind", ["empty continuations", "fragmented messages", "long messages"])
def test_a_flood_delays_nobody_else(serve: Launch, kind: str) -> None:
    """The median, with a wide margin: the machine may be busy with other tests. It was 2.6 s when
    whoever sent fragments held the interpreter, and 1 s behind long messages."""
    felt = feel(serve(), kind, seconds=4)

    assert felt.p50 < 700, felt
    assert felt.health < 5000, felt
