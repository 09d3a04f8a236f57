"""A history file that no server is using."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatroom.errors import HistoryRefused
from chatroom.history import History, make_history

history_type = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def opened(path: Path, *, make: bool) -> Iterator[History]:
    """Open the history in the file; its lock keeps servers out meanwhile.

    Args:
        path: as the setting ``history`` names it, with or without ``sqlite:``.
        make: whether to create the file if it is missing.

    Raises:
        HistoryRefused: the file is missing, not a history, or in use by a server.
    """
    path = Path(str(path).removeprefix("sqlite:"))
    history = make_history(f"sqlite:{path.name}", path.parent)
    if not make and not path.exists():
        raise HistoryRefused(history.name, f"{path} does not exist", "name an existing file")
    try:
        history.open()
        yield history
    finally:
        history.close()
