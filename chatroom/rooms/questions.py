"""What other threads ask the Server thread, and how they wait for the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # Python 3.10: not the builtin one
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from chatroom.errors import ChatError

T = TypeVar("T")


class Task(Protocol):
    """What another thread wants the Server thread to do, in its turn."""

    @property
    def run(self) -> Callable[[], None]:
        """Called by the Server thread, which logs what it raises."""


@dataclass(frozen=True)
class Question(Generic[T]):
    """Somebody waits for the answer, or for the error."""

    question: Callable[[], T]
    answer: Future[T]

    def run(self) -> None:
        """Answer it; never raises."""
        try:
            self.answer.set_result(self.question())
        except Exception as error:
            self.answer.set_exception(error)


@dataclass(frozen=True)
class Notice:
    """Nobody waits; an error is the Server's to log."""

    run: Callable[[], None]


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
