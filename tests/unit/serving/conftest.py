"""What several modules of serving are tested with."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def switch_interval() -> Iterator[None]:
    """A worker sets the process's."""
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


@pytest.fixture
def listen(tmp_path: Path) -> Iterator[Any]:
    """Listening sockets, as gunicorn holds them."""
    with ExitStack() as stack:

        def open_listener(host: str) -> Any:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = stack.enter_context(socket.socket(socket.AF_UNIX if "/" in host else family))
            listener.bind(host if "/" in host else (host, 0))
            return SimpleNamespace(sock=listener, port=listener.getsockname()[1])

        yield open_listener
