"""The commands: ``python -m chatroom``. Standard output is for data, standard error for people.

A module for each command:

- ``serve.py``, ``say.py``, ``tail.py``, ``chat.py``
- ``exporting.py``, ``importing.py``, ``moving.py``, ``backup.py``, ``room.py``, ``person.py``,
  ``host.py``, ``key.py``, ``doctor.py``

What they are made of:

- ``exit_codes.py``: an error becomes one line and an exit code
- ``output.py``: data to one output, words for people to the other
- ``options.py``: options and arguments that several commands take
- ``acts.py``: the acts of ``host``; ``console.py``, how they are done over HTTP;
  ``host_tables.py``, what they show
- ``joining.py``: joining a room as the same person each time
- ``http.py``: the part of the HTTP API that they use
- ``answers.py``: what a line of text says of the message that it answers
- ``formats.py``: messages as text; ``json_lines.py``, as lines of JSON
- ``showing.py``: the messages on a screen, and what becomes of them
- ``lately_said.py``: what somebody at a terminal can answer
- ``keeping_up.py``: what ``tail`` has missed of people's reactions
- ``archived.py``: a message as an archive has it, with how many people have reacted to it
- ``files.py``: a history file that no server uses; a file that is written whole or not at all
- ``carried.py``: pictures and files next to an export
- ``checks.py``: what ``doctor`` looks at; ``proxy_checks.py``, through a proxy
- ``health.py``: whether a server is a chat room, and well
- ``own_server.py``: the server that the settings here are those of
"""

from __future__ import annotations

import click

from chatroom import __version__
from chatroom.commands.backup import backup
from chatroom.commands.chat import chat
from chatroom.commands.doctor import doctor
from chatroom.commands.exit_codes import Commands
from chatroom.commands.exporting import export
from chatroom.commands.host import host
from chatroom.commands.importing import import_
from chatroom.commands.key import key
from chatroom.commands.moving import move
from chatroom.commands.person import person
from chatroom.commands.room import room
from chatroom.commands.say import say
from chatroom.commands.serve import serve
from chatroom.commands.tail import tail


@click.group(
    cls=Commands,
    commands=[
        serve,
        say,
        tail,
        chat,
        export,
        import_,
        move,
        backup,
        room,
        person,
        host,
        key,
        doctor,
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 90},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def chatroom() -> None:
    """A chat room: serve it, and talk in it from a terminal.

    Data goes to standard output, everything else to standard error. docs/commands.md lists the
    exit codes, and says how to set up completion in your shell.
    """


__all__ = ["chatroom"]
