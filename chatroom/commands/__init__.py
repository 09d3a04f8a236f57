"""The commands: ``python -m chatroom``. Standard output is for data, standard error for people."""

from __future__ import annotations

import click

from chatroom import __version__
from chatroom.commands.chat import chat
from chatroom.commands.common import Commands
from chatroom.commands.doctor import doctor
from chatroom.commands.exporting import export
from chatroom.commands.importing import import_
from chatroom.commands.say import say
from chatroom.commands.serve import serve
from chatroom.commands.tail import tail


@click.group(
    cls=Commands,
    commands=[serve, say, tail, chat, export, import_, doctor],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 90},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def chatroom() -> None:
    """A chat room: serve it, and talk in it from a terminal.

    Data goes to standard output, everything else to standard error. docs/commands.md lists the
    exit codes, and says how to set up completion in your shell.
    """


__all__ = ["chatroom"]
