"""What other threads ask the Server thread, and how they wait for the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # Python 3.10: not the builtin one
from typing import Any, NamedTuple, TypeVar

from chatroom.errors import ChatError

T = TypeVar("T")


class Question(NamedTuple):
    """A question to the Server thread, and the future for its answer."""

    question: Callable[[], Any]
    answer: Future[Any]

    def answer_it(self) -> None:
        """Called by the Server thread."""
        try:
            self.answer.set_result(self.question())
        except Exception as error:
            self.answer.set_exception(error)


def await_answer(answer: Future[T], timeout: float) -> T:
    """Wait for the Server thread's answer. Any other thread.

    Raises:
        ChatError: it did not answer within ``timeout`` seconds.
        Whatever the question raised.
    """
    try:
        return answer.result(timeout)
    except FutureTimeout:
        raise ChatError(f"the Server thread did not answer within {timeout:.0f} s") from None
