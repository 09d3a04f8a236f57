"""What a host can do: acts of the typed protocol, as methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from chatroom.client.outbox import Receipt

ANSWER = 10.0
"""Seconds to wait for an answer, by default."""


class Host:
    """A user who is in charge of the room; ``ChatClient.host`` makes it.

    Like ``say``, each method returns at once, in the order of the calls, and its receipt's
    ``wait()`` returns once that is stored and everybody concerned was told. It raises
    ServerRefused if it is ``not-host`` or ``not-allowed``. What was not answered is done again
    after a reconnect, which does no harm.
    """

    def __init__(self, post: Callable[..., Receipt]) -> None:
        self._post = post

    def set_rules(
        self,
        *,
        speak: str | None = None,
        slow_seconds: int | None = None,
        needs_host: bool | None = None,
        door: str | None = None,
        listed: bool | None = None,
        code: str | None = None,
        unchecked: str | None = None,
        files: str | None = None,
        reactions: bool | None = None,
    ) -> Receipt:
        """Say who may speak, and who may come in; what is left out stays as it is.

        Args:
            speak: ``everybody``, ``slow``, ``approval`` or ``hosts``.
            slow_seconds: between two messages of one person in a slow room, 5 to 600.
            needs_host: whether others may speak only while a host is here.
            door: ``open``, ``code`` or ``shut``.
            listed: whether the room is in lists.
            code: that opens the door; "": the server makes another one up. The receipt's ``told``
                has it.
            unchecked: what those may do whose names nobody checks: ``speak``, ``held`` or ``no``.
            files: who may send pictures and files: ``everybody``, ``hosts`` or ``nobody``.
            reactions: whether people can react to messages.
        """
        speech = {"speak": speak, "slowSeconds": slow_seconds, "needsHost": needs_host}
        speech |= {"unchecked": unchecked, "files": files, "reactions": reactions}
        return self.act("rules", **speech, door=door, listed=listed, code=code)

    def everybody_out(self) -> Receipt:
        """Show out everybody but hosts, so that nobody comes back by having been here."""
        return self.act("everybodyOut")

    def make_key(
        self, name: str, *, may_say: bool = True, timeout: float = ANSWER
    ) -> Mapping[str, Any]:
        """Make a key for a script, which opens the room's door; waits for the answer.

        Args:
            name: what its messages are signed with.
            may_say: otherwise it is for reading.
            timeout: seconds to wait at most.

        Returns:
            ``key``, which nobody is ever told again, and ``userId``.

        Raises:
            As ``make_link``.
        """
        return self._told("makeKey", timeout, name=name, say=may_say)

    def revoke_key(self, user_id: str) -> Receipt:
        """End a key, by its script's user id: see ``look``."""
        return self.act("revokeKey", userId=user_id)

    def quiet(
        self, user_id: str, *, seconds: int | None = None, user_name: str | None = None
    ) -> Receipt:
        """Let somebody read, but not speak.

        Args:
            seconds: for how long; None: until it is undone.
            user_name: only for somebody whom the room does not know any more; like below.
        """
        return self.act("quiet", userId=user_id, userName=user_name, seconds=seconds)

    def unquiet(self, user_id: str) -> Receipt:
        """Let somebody speak again."""
        return self.act("quiet", userId=user_id, seconds=0)

    def bar(
        self,
        user_id: str,
        *,
        seconds: int | None = None,
        user_name: str | None = None,
        what: str | None = None,
    ) -> Receipt:
        """Remove somebody from the room, who cannot come back: as ``quiet``.

        Args:
            what: goes with them of what they wrote here: ``nothing``, ``recent`` or ``all``.
        """
        return self.act("bar", userId=user_id, userName=user_name, seconds=seconds, what=what)

    def unbar(self, user_id: str) -> Receipt:
        """Let somebody come back."""
        return self.act("bar", userId=user_id, seconds=0)

    def approve(self, id: str) -> Receipt:
        """Let something be said that waits for approval; by the id that ``look`` has, or the event
        ``held``."""
        return self.act("approve", id=id)

    def refuse(self, id: str) -> Receipt:
        """Let it never be said."""
        return self.act("refuse", id=id)

    def admit(self, user_id: str | None = None) -> Receipt:
        """Let somebody in who knocks; None: all, and nobody has to any more."""
        return self.act("admit", userId=user_id)

    def turn_back(self, user_id: str) -> Receipt:
        """Do not let somebody in who knocks."""
        return self.act("refuse", userId=user_id)

    def clear(self, upto: str | None = None) -> Receipt:
        """Remove all messages of the room, or those up to one, by its id."""
        return self.act("clear", upto=upto)

    def erase(self, id: str | None = None) -> Receipt:
        """Erase what was removed, one message or all: nobody can restore it."""
        return self.act("erase", id=id)

    def restore_all(self, at: str) -> Receipt:
        """Bring back whatever one ``clear`` or ``bar`` has removed, as far as it is not erased.

        Args:
            at: when that was, as its receipt's ``told`` has it, and ``log`` of ``look``.
        """
        return self.act("restore", at=at)

    def make_host(self, user_id: str, *, user_name: str | None = None) -> Receipt:
        """Make somebody a host."""
        return self.act("makeHost", userId=user_id, userName=user_name)

    def unmake_host(self, user_id: str) -> Receipt:
        """End that. For the room's maker and operators; everybody may do it to themselves."""
        return self.act("unmakeHost", userId=user_id)

    def make_link(
        self,
        *,
        seconds: int = 86400,
        uses: int = 1,
        makes: Literal["host", "guest"] = "host",
        timeout: float = ANSWER,
    ) -> str:
        """Make a link that makes others hosts, or lets them in; waits for the answer.

        Args:
            seconds: for which it works.
            uses: how many people can use it.
            makes: what it makes of them.
            timeout: seconds to wait at most.

        Returns:
            Its secret: the page has it in its address, behind ``#host=`` or ``#guest=``.

        Raises:
            ServerRefused: as above.
            Undelivered: no answer in time.
        """
        return str(self._told("makeLink", timeout, seconds=seconds, uses=uses, makes=makes)["link"])

    def revoke_link(self, link: str) -> Receipt:
        """End a link, by what ``look`` calls it."""
        return self.act("revokeLink", link=link)

    def look(self, *, timeout: float = ANSWER) -> Mapping[str, Any]:
        """Who is in charge, who is quiet or removed, and so on; waits for the answer.

        Args:
            timeout: seconds to wait at most.

        Returns:
            ``rules``, ``hosts``, ``quiet``, ``barred``, ``links``, ``held``, ``keys``, the door's
            ``code`` and ``log``: see
            docs/protocol.md, "Hosts".

        Raises:
            As ``make_link``.
        """
        return self._told("look", timeout)

    def act(self, name: str, **fields: object) -> Receipt:
        """Any act, also one of a later server, by its name and fields in the protocol.

        Args:
            fields: None leaves one out.
        """
        given = {key: value for key, value in fields.items() if value is not None}
        return self._post(act=name, **given)

    def _told(self, act: str, timeout: float, **fields: object) -> Mapping[str, Any]:
        receipt = self._post(act=act, **fields)
        receipt.wait(timeout)
        return receipt.told
