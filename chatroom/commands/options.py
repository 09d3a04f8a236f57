"""The options and arguments that commands share, with validation and shell completion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from chatroom.addresses import http_url
from chatroom.commands.http import Api
from chatroom.errors import BadRoomName, ChatError
from chatroom.names import room_name

Command = TypeVar("Command", bound=Callable[..., Any])

DEFAULT_URL = "http://localhost:9999"
COMPLETION_TIMEOUT = 1.0
"""Seconds that a shell waits for the names of the rooms."""


if TYPE_CHECKING:
    _Text = click.ParamType[str]
else:  # older versions are not generic
    _Text = click.ParamType


class RoomName(_Text):
    """The name of a room."""

    name = "room"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return room_name(value)
        except BadRoomName as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The server's rooms, if it responds in time."""
        try:
            rooms = Api(ctx.params.get("url") or DEFAULT_URL, timeout=COMPLETION_TIMEOUT).rooms()
        except ChatError:
            return []
        return [CompletionItem(room) for room in rooms if room.startswith(incomplete)]


class ServerUrl(_Text):
    """The URL of a server."""

    name = "url"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            http_url(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False),
    envvar="CHATROOM_CONFIG",
    show_envvar=True,
    help="The settings; by default config.json in the current folder.",
)

room_argument = click.argument("room", type=RoomName())

url_option = click.option(
    "-u",
    "--url",
    type=ServerUrl(),
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
    help="Your name; by default your login name, or a similar one if that is taken.",
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
