"""What a message answers: the id of another one of its room, and never a copy of it.

Nobody looks whether there is such a message when it is answered: it may go at any moment, and
then the answer is one to something removed. So whoever shows it looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from chatroom.message import BEGINNING, MessageId
from chatroom.wire.ids import message_id

FIELD = "replyTo"

WANTED = "the id of the message that it answers, such as 42-664c976f9a047975, or no such field"

MOST_SHOWN = 40
"""Characters of a value that an error repeats."""


def reply_to(
    fields: Mapping[str, Any],
    refuse: Callable[[str], Exception],
    read: Callable[[str], MessageId] = message_id,
) -> str:
    """The id as this program writes it; empty if there is no such field, or nothing in it.

    Args:
        fields: of one JSON object.
        refuse: creates the error that is raised if it is no message's id, from a sentence
            without its full stop.
        read: raises ValueError if a text is no id; by default, if it is none that a message of
            this program can have, which is the rule for what clients say.
    """
    given = fields.get(FIELD, "")
    if given == "":
        return ""
    if type(given) is str:
        try:
            id = read(given)
        except ValueError:
            id = BEGINNING
        if id.seq != BEGINNING.seq:
            return str(id)
    raise refuse(f"{FIELD} is {json.dumps(given)[:MOST_SHOWN]}; wanted: {WANTED}")
