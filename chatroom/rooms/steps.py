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
        """Do it; whatever it raises ends the decision."""


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


def at_once(steps: Steps[T], history: History) -> T:
    """Decide in one go, by a history that answers in the same call.

    Raises:
        Whatever the decision raises, or the history.
    """
    decided: list[T] = []
    for errand in _keeping(steps, decided):
        errand.run(history)
    return decided[0]


def _keeping(steps: Steps[T], decided: list[T]) -> Steps[None]:
    decided.append((yield from steps))
