"""``chatroom chat``: talk in a room."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import Any

import click

from chatroom.client import ChatClient, Receipt
from chatroom.client.events import Event, ReactionCounts, Removed
from chatroom.client.inbox import Recent
from chatroom.commands.exit_codes import Code, Failed
from chatroom.commands.formats import in_words
from chatroom.commands.host_tables import rules_in_words
from chatroom.commands.joining import joined
from chatroom.commands.lately_said import LatelySaid
from chatroom.commands.options import talking
from chatroom.commands.output import note
from chatroom.commands.showing import Screen
from chatroom.errors import ClientClosed, ClientError
from chatroom.log import printable
from chatroom.reactions import KINDS

HELP = (
    "/who: who is here. /name NAME: change your name. /reply NAME TEXT: answer somebody's last "
    "message. /react KIND [NAME]: react to it. /quit or Ctrl-D: leave."
)

LAST_WAIT = 5.0
"""Seconds in which the person's last lines should come back, before the room is left."""

TICK = 0.02
"""Seconds between two looks whether everything is on the screen."""

MISSING = "chat needs prompt_toolkit: python -m pip install 'prompt_toolkit>=3,<4'"


@click.command()
@talking
@click.pass_context
def chat(
    ctx: click.Context, room: str, url: str, name: str | None, key: str | None, patience: float
) -> None:
    """Talk in ROOM: type a line to say it, and see what others say.

    \b
    /who                who is here
    /name NAME          change your name
    /reply NAME TEXT    answer the last message of somebody
    /react KIND [NAME]  react to it, or to the last one of all
    /quit               leave, as does Ctrl-D
    """
    try:
        from prompt_toolkit import PromptSession
    except ImportError:
        raise Failed(MISSING) from None
    with joined(url, room, name, patience, key=key) as client:
        talk = Talk(client, PromptSession())
        interrupted = asyncio.run(talk.run(f"you are {client.user_name} in {room}. {HELP}"))
    if interrupted:
        ctx.exit(Code.INTERRUPTED)


class Talk:
    """A person at a terminal: one thread hears what arrives, the main one shows it and reads.

    One event loop for the whole talk: what is to be shown while one prompt ends and the next has
    not begun would otherwise be lost with the loop of the first.

    Args:
        prompt: prompt_toolkit's session.
    """

    def __init__(self, client: ChatClient, prompt: Any) -> None:
        self._client = client
        self._prompt = prompt
        self._people: dict[str, str] = {}  # user id -> name; written by the thread that hears
        self._count = 0
        self._said: list[Receipt] = []  # those whose message is not on the screen yet
        self._held: dict[str, str] = {}  # what waits for a host; like _people
        self._screen = Screen()
        self._lately = LatelySaid()
        self._own = Recent()  # what the person said that is on the screen
        self._ended = asyncio.Event()
        self._interrupted = False

    async def run(self, greeting: str) -> bool:
        """Run until the person leaves; returns whether that was by Ctrl-C.

        Raises:
            ClientError: the client has ended for good.
        """
        from prompt_toolkit.patch_stdout import patch_stdout

        loop = asyncio.get_running_loop()
        with patch_stdout(raw=True):
            note(greeting)
            threading.Thread(target=self._hear_all, args=[loop], daemon=True).start()
            await self._read_all()
            await self._finish()
        await _drain()
        failure = self._client.failure
        if failure and not isinstance(failure, ClientClosed):
            raise failure
        return self._interrupted

    async def _read_all(self) -> None:
        ended = asyncio.create_task(self._ended.wait())
        line: str | None = ""
        while line is not None and line.strip() != "/quit":
            self._obey(line)
            typed = asyncio.create_task(self._read())
            await asyncio.wait({typed, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not typed.done():
                typed.cancel()
                await asyncio.wait({typed})
                break
            line = typed.result()
        ended.cancel()

    async def _read(self) -> str | None:
        """The next line; None when the person leaves."""
        try:
            return str(await self._prompt.prompt_async("> "))
        except KeyboardInterrupt:
            self._interrupted = True
        except EOFError:
            pass
        return None

    async def _finish(self) -> None:
        """Wait until what the person said is on the screen, while that can be expected."""
        deadline = time.monotonic() + LAST_WAIT
        while self._unseen() and self._client.is_online and time.monotonic() < deadline:
            await asyncio.sleep(TICK)

    def _unseen(self) -> list[Receipt]:
        waiting = (receipt for receipt in self._said if not receipt.error and not receipt.held)
        self._said = [receipt for receipt in waiting if receipt.id not in self._screen]
        return self._said

    def _obey(self, line: str) -> None:
        word, _, rest = line.strip().partition(" ")
        try:
            if word == "/who":
                names = sorted(self._people.values(), key=str.casefold)
                note(", ".join(names) if names else f"{self._count} people")
            elif word == "/name":
                self._client.rename(rest.strip())
            elif word == "/reply":
                self._reply(rest.strip())
            elif word == "/react":
                self._react(*rest.strip().partition(" ")[::2])
            elif word.startswith("/") and not word.startswith("//"):
                note(f"unknown command {word}. {HELP} To say a line that begins with /, type //.")
            elif line.strip():
                text = line.removeprefix("/") if word.startswith("//") else line
                self._say(text)
        except (ClientError, ValueError) as error:
            note(str(error))

    def _say(self, text: str, reply_to: str = "") -> None:
        self._said = [*self._unseen(), self._client.say(text, reply_to=reply_to)]

    def _reply(self, line: str) -> None:
        id, text = self._lately.addressed(line)
        if id and text:
            self._say(text, id)
        else:
            note("write /reply, a name that is on the screen, and what you answer")

    def _react(self, kind: str, name: str) -> None:
        id, rest = self._lately.addressed(name.strip()) if name.strip() else (self._lately.last, "")
        if kind in KINDS and id and not rest:
            self._client.react(id, kind)
        else:
            kinds = ", ".join(KINDS)
            note(f"write /react, one of {kinds}, and perhaps a name that is on the screen")

    # -- the thread that hears -----------------------------------------------------------------

    def _hear_all(self, loop: asyncio.AbstractEventLoop) -> None:
        with suppress(ClientError):
            for item in self._client.events():
                if isinstance(item, Event):
                    self._take(item)
                elif item.id not in self._screen:
                    self._screen.show(item)
                    self._lately.add(item)
                    if item.user_id == self._client.user_id:
                        self._own.add(item.id)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(self._ended.set)

    def _take(self, event: Event) -> None:
        fields = event.fields
        who, name = str(fields.get("userId")), printable(str(fields.get("userName")))
        match event.type:
            case "welcome" | "users":
                self._people = _people(fields.get("users"))
                count = fields.get("count")
                self._count = count if isinstance(count, int) else len(self._people)
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
                count = fields.get("users")
                self._count = count if isinstance(count, int) else 0
            case "error":
                note(f"{fields.get('detail')}")
            case _:
                self._hear_hosts(event)
                self._screen.tell(event)
                if isinstance(event, Removed):
                    self._lately.forget(event.id)
                elif isinstance(event, ReactionCounts):
                    self._hear_reactions(event)

    def _hear_reactions(self, event: ReactionCounts) -> None:
        """Those to what the person said: of others, a full room would hear all the time."""
        for id, counts in event.counts.items():
            if counts and id in self._own:
                note(f"{self._screen.start_of(id)}: {in_words(counts)}")

    def _hear_hosts(self, event: Event) -> None:
        """What they have decided, as far as the person has to know it to speak."""
        fields = event.fields
        id, is_own = str(fields.get("id")), fields.get("userId") == self._client.user_id
        match event.type:
            case "held" if is_own and id not in self._held:
                self._held[id] = str(fields.get("body"))
                note(f"waits for a host's approval: {self._held[id]}")
            case "settled" if body := self._held.pop(id, ""):
                if fields.get("outcome") == "refused":  # otherwise, it is on the screen
                    note(f"a host has not approved: {body}")
            case "muted":
                until = f" until {fields['until']}" if "until" in fields else ""
                note(f"a host has asked you to be quiet{until}; you can read on")
            case "unmuted":
                note("you may speak again")
            case "rules":
                with suppress(LookupError, TypeError):  # a later version's may be others
                    note(f"who may speak now: {rules_in_words(fields)}")


def _people(users: object) -> dict[str, str]:
    """Names by user ids; without what a later version may have in their place."""
    listed = users if isinstance(users, list) else []
    return {
        str(user.get("userId")): printable(str(user.get("userName")))
        for user in listed
        if isinstance(user, dict)
    }


async def _drain() -> None:
    """Let everything be shown that waits in the loop."""
    await asyncio.sleep(0)  # what another thread has scheduled becomes a task
    if waiting := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(waiting, timeout=LAST_WAIT)
