"""``chatroom chat``: talk in a room."""

from __future__ import annotations

import threading
from typing import Any

import click

from chatroom.client import ChatClient
from chatroom.client.events import Event
from chatroom.client.inbox import Recent
from chatroom.commands.exit_codes import Failed
from chatroom.commands.formats import text_line
from chatroom.commands.joining import joined
from chatroom.commands.options import talking
from chatroom.commands.output import note, write
from chatroom.commands.tail import tell
from chatroom.errors import ClientClosed, ClientError
from chatroom.log import printable

HELP = "/who: who is here. /name NAME: change your name. /quit or Ctrl-D: leave."

MISSING = "chat needs prompt_toolkit: python -m pip install 'prompt_toolkit>=3,<4'"


@click.command()
@talking
def chat(room: str, url: str, name: str | None, patience: float) -> None:
    """Talk in ROOM: type a line to say it, and see what others say.

    \b
    /who        who is here
    /name NAME  change your name
    /quit       leave, as does Ctrl-D
    """
    try:
        from prompt_toolkit import PromptSession
        from prompt_toolkit.patch_stdout import patch_stdout
    except ImportError:
        raise Failed(MISSING) from None
    with joined(url, room, name, patience) as client, patch_stdout(raw=True):
        talk = Talk(client, PromptSession())
        note(f"you are {client.user_name} in {room}. {HELP}")
        talk.run()


class Talk:
    """A person at a terminal: one thread shows what arrives, the main one reads what is typed.

    Args:
        prompt: prompt_toolkit's session.
    """

    def __init__(self, client: ChatClient, prompt: Any) -> None:
        self._client = client
        self._prompt = prompt
        self._people: dict[str, str] = {}  # user id -> name; written by the thread that shows
        self._count = 0
        self._recent = Recent()

    def run(self) -> None:
        """Run until the person leaves, or the client ends for good."""
        thread = threading.Thread(target=self._show_all, name="shower", daemon=True)
        thread.start()
        while True:
            try:
                line = self._prompt.prompt("> ")
            except (EOFError, KeyboardInterrupt):
                break
            if self._client.failure or line.strip() == "/quit":
                break
            self._obey(line)
        failure = self._client.failure
        if failure and not isinstance(failure, ClientClosed):
            raise failure

    def _obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "/who":
                names = sorted(self._people.values(), key=str.casefold)
                note(", ".join(names) if names else f"{self._count} people")
            elif word == "/name":
                self._client.rename(rest.strip())
            elif word.startswith("/") and not word.startswith("//"):
                note(f"unknown command {word}. {HELP} To say a line that begins with /, type //.")
            elif line.strip():
                self._client.say(line.removeprefix("/") if word.startswith("//") else line)
        except (ClientError, ValueError) as error:
            note(str(error))

    # -- the thread that shows -----------------------------------------------------------------

    def _show_all(self) -> None:
        try:
            for item in self._client.events():
                if isinstance(item, Event):
                    self._take(item)
                elif item.id not in self._recent:
                    self._recent.add(item.id)
                    write(text_line(item, local=True))
        except ClientError:
            self._interrupt()

    def _interrupt(self) -> None:
        """End the prompt, whatever has been typed."""
        app = self._prompt.app
        if app.loop:
            app.loop.call_soon_threadsafe(lambda: app.is_running and app.exit(exception=EOFError()))

    def _take(self, event: Event) -> None:
        fields = event.fields
        who, name = str(fields.get("userId")), printable(str(fields.get("userName")))
        match event.type:
            case "welcome":
                people = fields.get("users") or []
                self._people = {str(p["userId"]): printable(str(p["userName"])) for p in people}
                self._count = int(fields.get("count", len(self._people)))
            case "joined":
                self._people[who] = name
                note(f"{name} is here")
            case "left":
                self._people.pop(who, None)
                note(f"{name} has left")
            case "renamed":
                note(f"{self._people.get(who, 'Somebody')} is now called {name}")
                self._people[who] = name
            case "count":
                self._people = {}
                self._count = int(fields.get("users", 0))
            case "error":
                note(f"{fields.get('detail')}")
            case _:
                tell(event)
