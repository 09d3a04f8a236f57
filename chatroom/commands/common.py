"""What the commands share: exit codes, errors in one line, and the two outputs."""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Any

import click

from chatroom.errors import (
    ChatError,
    ConfigurationError,
    HistoryError,
    ServerRefused,
    ServerUnreachable,
)
from chatroom.log import printable


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
    """A group whose commands raise what the package raises."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ChatError as error:
            raise Failed(error) from error
        except KeyboardInterrupt:
            raise click.exceptions.Exit(Code.INTERRUPTED) from None


def note(text: str) -> None:
    """Tell the person something, on standard error."""
    click.echo(f"chatroom: {printable(text)}", err=True)


def write(text: str) -> None:
    """One line of data, now: a pipe behind it should not wait."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
