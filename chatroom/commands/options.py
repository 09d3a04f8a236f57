"""The options and arguments that commands share, with validation and shell completion."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from chatroom.addresses import http_url, room_in
from chatroom.commands.http import Api
from chatroom.commands.own_server import default_url
from chatroom.errors import BadRoomName, ChatError
from chatroom.message import MessageId
from chatroom.names import room_name
from chatroom.wire.acts import MOST_SECONDS

Command = TypeVar("Command", bound=Callable[..., Any])

COMPLETION_TIMEOUT = 1.0
"""Seconds that a shell waits for the names of the rooms."""

UNITS = {"s": 1, "m": 60, "h": 60 * 60, "d": 24 * 60 * 60}
"""Of a span, in seconds."""

MAX_SECONDS = 10**6
"""Much longer than anybody waits, and less than what overflows."""


if TYPE_CHECKING:
    _Text = click.ParamType[str]
    _Float = click.ParamType[float]
    _Int = click.ParamType[int]
else:  # older versions are not generic
    _Text = _Float = _Int = click.ParamType


def as_typed(word: str) -> str:
    """A word of the command line, in whichever encoding; if the locale's does not have its letters,
    it is UTF-8, and what is no text is U+FFFD."""
    try:
        word.encode()
    except UnicodeEncodeError:  # surrogates, in place of bytes
        return os.fsencode(word).decode("utf-8", "replace")
    return word


class Words(_Text):
    """Text, in any alphabet."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        return as_typed(str(value))


class RoomName(_Text):
    """The name of a room."""

    name = "room"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return room_name(as_typed(value))
        except BadRoomName as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The server's rooms, if it responds in time."""
        try:
            url = ctx.params.get("url") or default_url()
            rooms = Api(url, timeout=COMPLETION_TIMEOUT).rooms()
        except ChatError:
            return []
        return [CompletionItem(room) for room in rooms if room.startswith(incomplete)]


class ServerUrl(_Text):
    """The URL of a server."""

    name = "url"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            if (room := room_in(value)) is not None:
                room_name(room)
        except (ValueError, BadRoomName) as error:
            self.fail(str(error), param, ctx)
        return str(value)


class Id(_Text):
    """The id of a message."""

    name = "id"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return str(MessageId.parse(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Seconds(_Float):
    """A number of seconds that a thread can wait."""

    name = "seconds"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        seconds = click.FLOAT.convert(value, param, ctx)
        if not 0 <= seconds <= MAX_SECONDS:  # as for nan
            self.fail(f"{value} is not a number of seconds from 0 to {MAX_SECONDS}", param, ctx)
        return float(seconds)


def in_units(seconds: int) -> str:
    """The span in the largest unit of which it is a multiple."""
    unit = next(unit for unit in reversed(UNITS) if seconds % UNITS[unit] == 0)
    return f"{seconds // UNITS[unit]}{unit}"


class Span(_Int):
    """How long something lasts, in seconds: ``30s``, ``10m``, ``2h`` or ``1d``."""

    name = "span"

    def __init__(self, least: int = 1, most: int = MOST_SECONDS) -> None:
        self._least = least
        self._most = most

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        found = re.fullmatch("([0-9]{1,9})([smhd])", str(value))
        seconds = int(found[1]) * UNITS[found[2]] if found else 0
        if not self._least <= seconds <= self._most:
            bounds = f"{in_units(self._least)} to {in_units(self._most)}"
            wanted = f"wanted: such as 30s, 10m, 2h or 1d, and {bounds}"
            self.fail(f"{value!r} is not a span of time; {wanted}", param, ctx)
        return seconds


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False),
    envvar="CHATROOM_CONFIG",
    show_envvar=True,
    help="The settings; by default config.json in the current folder.",
)

room_argument = click.argument("room", type=RoomName(), required=False)

url_option = click.option(
    "-u",
    "--url",
    type=ServerUrl(),
    envvar="CHATROOM_URL",
    show_default="the server that config.json or PORT here is for, else http://localhost:9999",
    show_envvar=True,
    help="The server, or the address of a room's page, instead of ROOM.",
)

key_option = click.option(
    "--key",
    type=Words(),
    envvar="CHATROOM_KEY",
    show_envvar=True,
    help="Proves who you are: a token of somebody who is a host there, or a link that "
    "`chatroom host` printed.",
)

name_option = click.option(
    "--name",
    type=Words(),
    envvar="CHATROOM_NAME",
    show_envvar=True,
    help="Your name; by default your login name, or a similar one if that is taken.",
)

CODE_WANTED = "a room's code is given with --key, or in CHATROOM_KEY"

code_option = click.option(
    "--key",
    type=Words(),
    envvar="CHATROOM_KEY",
    show_envvar=True,
    metavar="CODE",
    help="The room's code, or a script's key, if its door asks for one. Better in the environment.",
)

patience_option = click.option(
    "--patience",
    type=Seconds(),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the server before giving up.",
)


def talking(command: Command) -> Command:
    """The room, and the options of a command that joins it."""
    command = located(command)
    for decorate in (patience_option, code_option, name_option, url_option, room_argument):
        command = decorate(command)
    return command


def located(command: Command) -> Command:
    """Give the command its server and room, from ROOM and ``--url`` or from the settings here."""

    @wraps(command)
    def run(room: str | None, url: str | None, **options: Any) -> Any:
        url = url or default_url()
        return command(room=chosen_room(room, url), url=url, **options)

    return run  # type: ignore[return-value]


def chosen_room(room: str | None, url: str | None) -> str:
    """The room that ROOM or the URL names.

    Raises:
        click.UsageError: none does, or they name two.
    """
    named = room_in(url) if url else None
    named = room_name(named) if named else None
    if room and named and room != named:
        raise click.UsageError(
            f"ROOM is {room}, but the URL names the room {named}: "
            f"leave one out, as in --url {http_url(url or '')}"
        )
    if chosen := room or named:
        return chosen
    raise click.UsageError("Missing argument 'ROOM'.")
