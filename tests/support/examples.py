"""The examples of docs/protocol.md, and how to play them: each line is said, or has to be heard."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack

from websockets.sync.client import ClientConnection

from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.server_process import Running

PROTOCOL = (CHECKOUT / "docs" / "protocol.md").read_text()
EXAMPLES = re.findall(r"```chat\n(.*?)```", PROTOCOL, re.DOTALL)
_OF_HOSTS = PROTOCOL[PROTOCOL.index("\n### Hosts\n") :]


def is_of_hosts(example: str) -> bool:
    """Whether whoever makes its room is in charge of it."""
    return example in _OF_HOSTS


def play(example: str, room: str, server_of: Callable[[str], Running]) -> None:
    """Play it in a new room.

    Args:
        server_of: which server somebody of this name comes to, each time.
    """
    with ExitStack() as stack:
        people: dict[str, ClientConnection] = {}
        ids: dict[str, str] = {}  # what $1 and the like stand for
        for line in example.splitlines():
            name, does, text = (
                line.split(maxsplit=2) if " leaves" not in line else (*line.split(), "")
            )
            if name not in people:
                asked = server_of(name).connect(room, subprotocols=["chatroom.v1"])
                people[name] = stack.enter_context(asked)
            if does == "leaves":
                people.pop(name).close()
            elif does == ">":
                people[name].send(_named(text, ids))
            else:
                frame = json.loads(people[name].recv(DEADLINE))
                for field, dollar in re.findall(r'"(\w+)":"(\$\d)"', text):
                    told = {**frame, **frame.get("message", {})}
                    ids.setdefault(dollar, told.get(field, dollar))
                text = _named(text, ids)
                assert _matches(frame, json.loads(text)), f"{line}\n{json.dumps(frame)}"


def _matches(frame: object, wanted: object) -> bool:
    """Whether they are equal, where ``…`` is equal to anything."""
    if wanted == "…":
        return True
    if isinstance(wanted, dict) and isinstance(frame, dict):
        return list(wanted) == list(frame) and all(_matches(frame[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list) and isinstance(frame, list):
        return len(wanted) == len(frame) and all(map(_matches, frame, wanted))
    return frame == wanted


def _named(text: str, ids: dict[str, str]) -> str:
    """With what each ``$1`` stands for."""
    for name, id_ in ids.items():
        text = text.replace(name, id_)
    return text
