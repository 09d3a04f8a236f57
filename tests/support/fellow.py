"""Somebody else in the room where a page is: a program."""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.support.deadline import wait_for
from tests.support.typed_client import Fields, TypedClient


class Fellow(TypedClient):
    """Who speaks, changes what was said, and acts as a host, and waits until that is done."""

    numbers = map(str, count(1))

    def come_in(self) -> None:
        """Come, and hear the past to its end; try until that works, as clients do."""

        def is_in() -> bool:
            try:
                self.connect_and_catch_up()
            except (OSError, EOFError):
                self.close()
                return False
            return True

        wait_for(is_in, f"{self.name} in the room")

    def tell(self, body: str) -> str:
        """Say it; returns the message's id."""
        cmid = next(self.numbers)
        self.say(body, cmid)
        self.hear_until_acked()
        return self.acked[cmid]

    def tell_in_reply(self, id: str, body: str) -> str:
        """As ``tell``, as an answer to a message."""
        cmid = next(self.numbers)
        self.answer(id, body, cmid)
        self.hear_until_acked()
        return self.acked[cmid]

    def react(self, id: str, kind: str, *, on: bool = True) -> None:
        """React to a message, or take that back."""
        self._send(type="react", cmid=next(self.numbers), id=id, kind=kind, on=on)
        self.hear_notice("done")

    def wants(self, act: str, **fields: object) -> dict[str, Any]:
        """Act as a host; returns the answer."""
        answer = self.act(act, **fields)
        assert answer["type"] == "done", answer
        return answer

    def change(self, kind: str, id: str, **more: str) -> None:
        """Have a message edited, removed or restored."""
        self._send(type=kind, cmid=next(self.numbers), id=id, **more)
        self.hear_notice("done")

    def hear_of_change(self) -> Fields:
        """The next change of a message."""
        while (frame := self.hear())["type"] not in ("changed", "removed"):
            pass
        return frame
