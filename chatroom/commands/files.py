"""A history file that no server is using."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chatroom.errors import HistoryRefused
from chatroom.history import History, make_history
from chatroom.history.sqlite.read_only import is_writable, opened_read_only

history_type = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def opened(path: Path, *, make: bool) -> Iterator[History]:
    """Open the history in the file; its lock keeps servers out meanwhile.

    Without ``make``, a file that this user cannot write is opened for reading only.

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
    if not make and not is_writable(path):
        with opened_read_only(history.name, path) as read_only:
            yield read_only
        return
    try:
        history.open()
        yield history
    finally:
        history.close()
