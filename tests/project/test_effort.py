"""Linear is told from quadratic."""

from __future__ import annotations

from tests.support.effort import is_linear


def test_linear_work_is_linear():
    assert is_linear(lambda size: sum(range(size)), 20_000)


def test_quadratic_work_is_not():
    assert not is_linear(lambda size: [sum(range(size)) for _ in range(size)], 200)
