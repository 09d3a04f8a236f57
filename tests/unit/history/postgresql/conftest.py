"""A database of an older schema, opened by this program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.history import make_history
from chatroom.history.shared import SharedHistory


@pytest.fixture
def history(url: str) -> Iterator[SharedHistory]:
    """What the test file's own ``url`` leads to, by now: brought up to date."""
    with closing(make_history(url, Path())) as history:
        history.open()
        assert isinstance(history, SharedHistory)
        yield history
