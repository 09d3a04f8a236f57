"""What is on the screen of ``tail`` and ``chat``, and what becomes of it."""

from __future__ import annotations

from chatroom.client.events import Changed, Event, Removed
from chatroom.commands.answers import Answered
from chatroom.commands.archived import Archived
from chatroom.commands.formats import body_lines, text_line, text_start
from chatroom.commands.output import note, write
from chatroom.log import printable
from chatroom.message import Message

REMOVED = " (removed)"
"""Behind the time and the name of a message that is answered after it was removed."""


class Screen:
    """The messages that were shown last: when they were said, and by whom; never their texts.

    Used on one thread.
    """

    def __init__(self) -> None:
        self._shown = Answered()

    def __contains__(self, id: str) -> bool:
        return id in self._shown

    def start_of(self, id: str) -> str:
        """When a message was said, and by whom; the id of one that is not on the screen."""
        return self._shown.start(id)

    def add(self, message: Message) -> None:
        """The message is shown elsewhere."""
        self._shown.add(message.id, text_start(message, local=True))

    def show(self, message: Message) -> None:
        """Print the message as a line of text, below one that says what it answers, if anything."""
        write(self._shown.line_above(message) + text_line(message, local=True))
        self.add(message)

    def show_past(self, item: Archived) -> None:
        """Likewise, of before the screen was there."""
        self.show(item.message)

    def tell(self, event: Event) -> None:
        """Report gaps, lost connections and changes of what is shown on standard error."""
        if event.type == "gap":
            note("there is a gap here: some messages are no longer available")
        elif event.type == "offline":
            note(f"connection lost ({event.fields.get('reason')}); reconnecting")
        elif isinstance(event, Changed) and event.message.id in self:
            body = " ".join(map(printable, body_lines(event.message)))
            note(f"now reads: {text_start(event.message, local=True)}: {body}")
            self.add(event.message)  # it may have been removed before
        elif isinstance(event, Removed) and event.id in self:
            by = " by a host" if event.by == "host" else ""
            start = self._shown.start(event.id).removesuffix(REMOVED)
            note(f"removed{by}: {start}")
            self._shown.add(event.id, start + REMOVED)
