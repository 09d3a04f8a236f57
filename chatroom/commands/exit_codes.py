"""Exit codes, and the way from an error of the package to a line and one of them."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Any

import click

from chatroom.commands.output import Notes, failure, note, prepare
from chatroom.errors import (
    ChatError,
    ConfigurationError,
    HistoryError,
    ServerRefused,
    ServerUnreachable,
)


class Code(IntEnum):
    """Exit codes: see docs/commands.md."""

    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    HISTORY = 5
    INTERRUPTED = 130


CODES = (
    (ConfigurationError, Code.USAGE),
    (ServerUnreachable, Code.UNREACHABLE),
    (ServerRefused, Code.REFUSED),
    (HistoryError, Code.HISTORY),
)


class Failed(click.ClickException):
    """An error of ours, as one line and an exit code."""

    def __init__(self, error: ChatError | str, code: int = Code.FAILED) -> None:
        super().__init__(str(error))
        found = (known for kind, known in CODES if isinstance(error, kind))
        self.exit_code = next(found, code)  # type: ignore[misc]  # a class variable by name only

    def show(self, file: Any = None) -> None:
        note(self.message)


class Commands(click.Group):
    """A group that turns the package's errors into one line and an exit code."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        prepare()
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            cause = failure(error)
            if cause is None:
                raise
            note(f"standard output cannot be written: {cause}")
            sys.exit(Code.FAILED)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with Notes():
                return super().invoke(ctx)
        except ChatError as error:
            raise Failed(error) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(Code.INTERRUPTED) from None
