"""For a ``match`` over a union of our own types that has to name each of them."""

from __future__ import annotations

from typing import NoReturn


def assert_never(value: NoReturn) -> NoReturn:
    """Stand behind the last case, ``case _:``, so that mypy tells which one is missing.

    It is ``typing.assert_never``, which Python 3.10 lacks.
    """
    raise AssertionError(f"nobody handles {value!r}")
