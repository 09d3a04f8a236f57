"""Where commands write: data to standard output, everything for people to standard error."""

from __future__ import annotations

import codecs
import errno
import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TextIO

from chatroom.log import LOGGER, printable

ESCAPE = "chatroom.escape"
"""How an encoding's gaps are filled: with ``\\uXXXX``, which JSON can read back."""


_UNWRITABLE = {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC}


def note(text: str) -> None:
    """Write a line for the person, to standard error; it matters less than what it is about."""
    if sys.stderr is not None:  # as after 2>&-
        try:
            print(f"chatroom: {printable(text)}", file=sys.stderr, flush=True)
        except OSError:
            _discard(sys.stderr)


def write(text: str) -> None:
    """Write one line of data, and flush: the next program in a pipe should not wait."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def prepare() -> None:
    """Make standard output take every character, and fail like any other if it is closed."""
    if sys.stdout is None:  # as after >&-
        sys.stdout = open(os.open(os.devnull, os.O_RDONLY), "w")  # noqa: SIM115
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors=ESCAPE)


def failure(error: OSError) -> str | None:
    """Why standard output cannot be written, if that is what the error says."""
    if error.errno not in _UNWRITABLE:
        return None
    _discard(sys.stdout)
    return error.strerror or str(error)


def _discard(stream: TextIO) -> None:
    """Drop what the stream holds: Python would fail once more when it flushes it at the end."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


def watch_reader(act: Callable[[], None]) -> threading.Event:
    """Call ``act`` on a thread of its own once nobody reads standard output any more.

    Returns:
        What is set just before that. Never, if standard output is a file.
    """
    gone = threading.Event()

    def watch() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # errors are reported in any case
        ((_, events),) = poll.poll()
        if events & (select.POLLERR | select.POLLHUP):  # else poll cannot tell here
            gone.set()
            act()

    with suppress(OSError):
        descriptor = sys.stdout.fileno()
        threading.Thread(target=watch, name="reader watch", daemon=True).start()
    return gone


class Notes(logging.Handler):
    """Shows warnings of the package as notes."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def __enter__(self) -> None:
        logging.getLogger(LOGGER).addHandler(self)

    def __exit__(self, *_error: object) -> None:
        logging.getLogger(LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        for line in self.format(record).splitlines():
            note(line)


def escaped(text: str) -> str:
    r"""Every character as ``\uXXXX``; one beyond U+FFFF as two, as JSON wants it."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def _fill(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return escaped(error.object[error.start : error.end]), error.end


codecs.register_error(ESCAPE, _fill)
