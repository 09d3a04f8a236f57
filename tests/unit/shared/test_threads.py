"""What the Server thread asks of the writer and of the keeper, while these stand still."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from chatroom.errors import HistoryUnavailable
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
