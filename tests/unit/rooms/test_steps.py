"""A decision in steps: at once, or later by somebody else's hands."""

from __future__ import annotations

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History
from chatroom.history.memory.history import MemoryHistory
from chatroom.message import MessageId
from chatroom.rooms.steps import Steps, ask, at_once
from tests.support.histories import said


@pytest.fixture
def history() -> History:
    history = MemoryHistory()
    history.open()
    history.append(said("lobby", 1))
    return history


def saying_one_more() -> Steps[MessageId]:
    """Looks, writes, and looks again."""
    head = yield from ask(lambda history: history.head("lobby"))
    yield from ask(lambda history: history.append(said("lobby", head.seq + 1)))
    return (yield from ask(lambda history: history.head("lobby")))


def test_it_is_decided_in_one_go_by_a_history_that_answers_at_once(history: History) -> None:
    assert at_once(saying_one_more(), history).seq == 2


def test_between_two_steps_nothing_happens_until_somebody_runs_the_errand(
    history: History,
) -> None:
    steps = saying_one_more()
    next(steps).run(history)
    write = next(steps)

    assert history.head("lobby").seq == 1
    write.run(history)
    assert history.head("lobby").seq == 2


def test_what_goes_wrong_on_the_way_ends_it(history: History) -> None:
    history.close()

    with pytest.raises(HistoryUnavailable):
        at_once(saying_one_more(), history)


def test_a_decision_that_needs_nothing_asks_nothing(history: History) -> None:
    def deciding() -> Steps[str]:
        yield from ()
        return "as it is"

    assert at_once(deciding(), history) == "as it is"
