"""What other threads ask the Server thread, and how they wait for the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # Python 3.10: not the builtin one
from typing import Any, NamedTuple, TypeVar

from chatroom.errors import ChatError

T = TypeVar("T")


class Question(NamedTuple):
    """Something that the Server thread is asked, and the place for its answer."""

    question: Callable[[], Any]
    answer: Future[Any]

    def answer_it(self) -> None:
        """The Server thread's call."""
        try:
            self.answer.set_result(self.question())
        except Exception as error:
            self.answer.set_exception(error)


def await_answer(answer: Future[T], timeout: float) -> T:
    """Wait for what the Server thread answers. Any other thread.

    Raises:
        ChatError: it did not answer within ``timeout`` seconds.
        Whatever the question raised.
    """
    try:
        return answer.result(timeout)
    except FutureTimeout:
        raise ChatError(f"the Server thread did not answer within {timeout:.0f} s") from None
