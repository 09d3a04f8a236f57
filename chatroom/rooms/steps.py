"""A decision in steps: it asks the history on its way, whoever carries the questions there.

It is a generator, which yields each question and goes on once it is answered: at once in one
process, later where the history is far away.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Generic, Protocol, TypeVar

from chatroom.history import History

T = TypeVar("T")


class Errand(Protocol):
    """What is to be read or written before the decision goes on."""

    def run(self, history: History) -> None:
        """Do it; whatever it raises is raised where it was asked."""


class Asking(Generic[T]):
    """An errand with an answer.

    Args:
        question: reads or writes.
    """

    answer: T

    def __init__(self, question: Callable[[History], T]) -> None:
        self._question = question

    def run(self, history: History) -> None:
        """Put the question."""
        self.answer = self._question(history)


Steps = Generator[Errand, None, T]
"""A decision about a T."""


def ask(question: Callable[[History], T]) -> Steps[T]:
    """Within a decision, by ``yield from``: what the history answers."""
    asking = Asking(question)
    yield asking
    return asking.answer


class Course(Generic[T]):
    """A decision on its way.

    Args:
        steps: what is to be decided, and how.
    """

    decided: T
    """What has come of it; once it is over."""

    def __init__(self, steps: Steps[T]) -> None:
        self._steps = steps

    def go_on(self, error: Exception | None = None) -> Errand | None:
        """Decide as far as that goes.

        Args:
            error: what was wrong with the last errand; None if it is done.

        Returns:
            What is to be done next; None if it is over.

        Raises:
            Whatever the decision raises.
        """
        try:
            return self._steps.throw(error) if error else next(self._steps)
        except StopIteration as over:
            self.decided = over.value
            return None


def at_once(steps: Steps[T], history: History) -> T:
    """Decide in one go, by a history that answers in the same call.

    Raises:
        Whatever the decision raises, or the history.
    """
    course = Course(steps)
    errand = course.go_on()
    while errand:
        errand = course.go_on(errand_failed(errand, history))
    return course.decided


def errand_failed(errand: Errand, history: History) -> Exception | None:
    """Do it; what went wrong."""
    try:
        errand.run(history)
    except Exception as error:
        return error
    return None
