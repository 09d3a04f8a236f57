"""What the commands share: exit codes, errors in one line, and the options for a server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from chatroom.client.connection import http_url
from chatroom.errors import (
    ChatError,
    ConfigurationError,
    HandshakeRefused,
    HistoryError,
    ServerRefused,
    ServerUnreachable,
)
from chatroom.log import printable
from chatroom.web.handshake import room_name

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_URL = "http://localhost:9999"
COMPLETION_TIMEOUT = 1.0
"""Seconds that a shell waits for the names of the rooms."""


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


if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:  # older ones take no type
    _Text = click.ParamType


class Room(_Text):
    """The name of a room."""

    name = "room"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return room_name(value)
        except HandshakeRefused as refusal:
            self.fail(refusal.reason, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The rooms of the server, where it answers at once."""
        from chatroom.commands.http import Api

        try:
            rooms = Api(ctx.params.get("url") or DEFAULT_URL, timeout=COMPLETION_TIMEOUT).rooms()
        except ChatError:
            return []
        return [CompletionItem(room) for room in rooms if room.startswith(incomplete)]


class Server(_Text):
    """The URL of a server."""

    name = "url"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            http_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


room_argument = click.argument("room", type=Room())

url_option = click.option(
    "-u",
    "--url",
    type=Server(),
    default=DEFAULT_URL,
    envvar="CHATROOM_URL",
    show_default=True,
    show_envvar=True,
    help="The server.",
)

name_option = click.option(
    "--name",
    envvar="CHATROOM_NAME",
    show_envvar=True,
    help="Who you are. By default your login name, or one like it where that is taken.",
)

patience_option = click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the server before giving up.",
)


def talking(command: Command) -> Command:
    """The room, and the options of a command that joins it."""
    for decorate in (patience_option, name_option, url_option, room_argument):
        command = decorate(command)
    return command


def parse(line: bytes | str) -> dict[str, Any]:
    """The JSON object in the line.

    Raises:
        ValueError: there is none.
    """
    fields = json.loads(line)
    if type(fields) is not dict:
        raise ValueError("not a JSON object")
    return fields
