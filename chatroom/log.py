"""The log: one line per record, whatever clients put into their names.

Every module logs to the logger ``chatroom``.
"""

from __future__ import annotations

import logging
import logging.handlers
import unicodedata
from io import TextIOWrapper
from typing import Any

from chatroom import private_files
from chatroom.configuration import Configuration
from chatroom.errors import ConfigurationError

LOGGER = "chatroom"
FORMAT = "%(asctime)s %(levelname)s %(message)s"
FORMAT_OF_SEVERAL = "%(asctime)s %(process)d %(levelname)s %(message)s"
"""Of several processes, whose users have numbers of their own."""

HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that are invisible, break the line or reverse its direction."""


def printable(text: str) -> str:
    r"""The text with every hidden character as its ``\uXXXX``; é and emoji stay as they are.

    For client input on its way to a log: a name can neither forge a line nor reverse one on
    the reader's screen.
    """
    if text.isprintable():  # nearly always; and this check is C, unlike the loop below
        return text
    return "".join(_escape(char) if unicodedata.category(char) in HIDDEN else char for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def set_up_logging(configuration: Configuration) -> None:
    """Send what the package logs to where the settings say; a second call replaces the first.

    Raises:
        ConfigurationError: the log file cannot be opened; the logger is unchanged.
    """
    handler = _open(configuration)
    handler.set_name(LOGGER)
    handler.setFormatter(OneLine(FORMAT if configuration.workers == 1 else FORMAT_OF_SEVERAL))
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    for old in [old for old in logger.handlers if old.get_name() == LOGGER]:
        logger.removeHandler(old)
        old.close()
    logger.addHandler(handler)


def _open(configuration: Configuration) -> logging.Handler:
    path = configuration.logfile
    if path is None:
        return logging.StreamHandler()
    try:
        return LogFile(path, encoding="utf-8", errors="backslashreplace")
    except (OSError, ValueError) as error:  # ValueError: a NUL or lone surrogate in the path
        cause = error.strerror if isinstance(error, OSError) else error
        wanted = f"a writable file ({cause}: {printable(str(path))})"
        raise ConfigurationError(
            configuration.path, "logfilePath", configuration.logfile_path, wanted
        ) from None


class LogFile(logging.handlers.WatchedFileHandler):
    """A log file that logrotate may move away: the next record reopens it.

    A file that it creates is private; one that logrotate creates is as private as the old one.
    """

    def _open(self) -> TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=private_files.opener,
        )

    def emit(self, record: logging.LogRecord) -> None:
        # The library reopens outside its own try: a full descriptor table at that moment
        # would end the thread that logs, possibly the Server's.
        try:
            super().emit(record)
        except OSError:
            self.handleError(record)


class OneLine(logging.Formatter):
    """A record is one line; of a traceback, every line is indented.

    So a line that starts with a date is a record, and no client can forge one.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"    {printable(line)}" for line in lines)
