"""A history of a hundred thousand messages."""

from __future__ import annotations

import tracemalloc
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import make_history
from tests.support.histories import said

pytestmark = pytest.mark.takes(seconds=7)


@pytest.mark.parametrize("url", ["memory:", "sqlite:chat.db"])
def test_a_hundred_thousand_messages_are_paged_in_little_memory(url: str, tmp_path: Path) -> None:
    with closing(make_history(url, tmp_path)) as history:
        history.open()
        for first in range(1, 100_001, 20_000):
            history.append(said("lobby", first, 20_000))

        tracemalloc.start()
        count = sum(len(page) for page in history.pages("lobby", 0, 100_000))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert count == 100_000
        assert peak < 4 << 20
