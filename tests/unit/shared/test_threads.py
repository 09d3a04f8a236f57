"""What the Server thread asks of the writer and of the keeper, while these stand still."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history.shared import Version
from chatroom.shared import keeper
from tests.support.histories import said
from tests.support.shared_memory import SharedMemory, SharingProcess


def test_while_comparing_takes_long_no_more_of_that_is_asked_for() -> None:
    with ExitStack() as stack:
        process = SharingProcess(stack, SharedMemory())
        while process.keep():
            pass
        for _ in range(100):
            process.compare()
        assert (process.keep(), process.keep()) == (True, False)
        process.compare()

        assert process.keep()


def test_a_room_lags_while_it_is_behind_and_does_not_come_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ExitStack() as stack:
        history = SharedMemory()
        process = SharingProcess(stack, history)
        process.club.join("Ann")
        while process.keep():
            pass
        moments = iter(range(100))
        monkeypatch.setattr(keeper.time, "monotonic", lambda: float(next(moments)))
        history.append(said("lobby", 1))

        lags = []
        for _ in range(3):  # comparisons, without the looks that they lead to
            process.keeper._compare({"lobby": Version()})
            lags.append(process.keeper.lag)
        assert lags == [0, 1, 2]

        history.append(said("lobby", 2))
        process.keeper._compare({"lobby": Version(history.head("lobby")._replace(seq=1))})
        assert process.keeper.lag == 0, "it has come on"
        process.keeper._compare({"lobby": history.missed("lobby", Version()).version})
        assert (process.keeper.lag, process.keeper._behind) == (0, {})


def test_while_a_proof_takes_long_no_more_of_them_are_asked_for() -> None:
    """Otherwise, what people say would wait for each of them."""
    with ExitStack() as stack:
        history = SharedMemory()
        history.failing.add("probe")
        process = SharingProcess(stack, history)
        proofs = [process.order.prove() for _ in range(100)]
        assert (process.write(), process.write()) == (True, False)
        for proof in proofs:
            with pytest.raises(HistoryUnavailable):
                proof.result(0)
        history.failing.clear()
        again = process.order.prove()
        process.write()

        assert again.result(0) is None
