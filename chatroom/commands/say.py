"""``chatroom say``: one message, or one for each line of standard input."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import click

from chatroom.client import ChatClient
from chatroom.client.outbox import Receipt
from chatroom.commands.exit_codes import Failed
from chatroom.commands.joining import joined
from chatroom.commands.options import Id, as_typed, talking
from chatroom.commands.output import note, write
from chatroom.errors import ServerRefused


@click.command(context_settings={"allow_interspersed_args": False})
@talking
@click.argument("text", nargs=-1)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="A picture or file that goes with it; then TEXT may be left out.",
)
@click.option("--alt", metavar="TEXT", help="What the picture shows, for those who do not see it.")
@click.option("--ids", is_flag=True, help="Print the id of each message once it is stored.")
@click.option("--reply-to", type=Id(), metavar="ID", help="The message to answer.")
def say(
    room: str,
    text: tuple[str, ...],
    url: str,
    name: str | None,
    key: str | None,
    patience: float,
    path: Path | None,
    alt: str | None,
    ids: bool,
    reply_to: str | None,
) -> None:
    """Say TEXT in ROOM; without TEXT, each line of standard input.

    Options come before ROOM: what follows it is text, even if it begins with a dash. Ends once
    everything is stored. Refused messages are reported, and the rest continues.

    \b
        chatroom say lobby Good morning
        tail -f app.log | chatroom say --name logs ops
        chatroom say --file photo.jpg --alt 'Our bicycle shed' lobby Look at that
    """
    if alt and not path:
        raise click.UsageError("--alt says what the picture of --file shows")
    words = _words(text)
    with joined(url, room, name, patience, key=key, listen=False) as chat:
        file = _uploaded(chat, path) if path else ""
        texts = [" ".join(words)] if words or file else _lines()
        said = partial(chat.say, reply_to=reply_to or "", file=file, alt=as_typed(alt or ""))
        refused = _say_all(chat, said, texts, patience, ids)
    if refused:
        raise Failed(f"{refused} of the messages were refused" if refused > 1 else "not said")


def _words(text: tuple[str, ...]) -> tuple[str, ...]:
    """The words of TEXT, without a leading ``--``, which scripts write to protect what follows."""
    params = click.get_current_context().command.params
    options = {name for param in params if isinstance(param, click.Option) for name in param.opts}
    if text and text[0].partition("=")[0] in options:
        note(f"{text[0]} is said as text; options come before ROOM")
    if len(text) > 1 and text[0] == "--":
        text = text[1:]
    return tuple(map(as_typed, text))


def _lines() -> Iterable[str]:
    for line in sys.stdin.buffer:  # bytes: an invalid one in a log must not end it
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.strip():
            yield text


def _uploaded(chat: ChatClient, path: Path) -> str:
    try:
        return chat.upload(path)
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}") from error


def _say_all(
    chat: ChatClient,
    say_one: Callable[[str], Receipt],
    texts: Iterable[str],
    patience: float,
    ids: bool,
) -> int:
    """Say all; returns how many were refused."""
    refused = 0
    waiting: deque[Receipt] = deque()
    for text in texts:
        try:
            waiting.append(say_one(text))
        except (ServerRefused, ValueError) as error:
            if chat.failure:
                raise
            refused += _settled(error)
        while waiting and waiting[0].is_settled:
            refused += _finish(waiting.popleft(), patience, ids)
    return refused + sum(_finish(receipt, patience, ids) for receipt in waiting)


def _finish(receipt: Receipt, patience: float, ids: bool) -> int:
    try:
        id = receipt.wait(patience)
    except ServerRefused as refusal:
        return _settled(refusal)
    if receipt.held:
        note("waits for a host's approval")
    elif ids:
        write(id)
    return 0


def _settled(error: Exception) -> int:
    note(str(error))
    return 1
