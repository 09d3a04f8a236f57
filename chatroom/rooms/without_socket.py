"""Whoever has no socket: a request over HTTP says something, and waits for what comes of it."""

from __future__ import annotations

from collections.abc import Mapping

from chatroom.channel import Channel
from chatroom.message import Draft, Held, Message
from chatroom.rooms.questions import await_answer
from chatroom.users.http_speaker import HttpSpeaker, Ruled, Spoken
from chatroom.users.proof import NOTHING, Proof
from chatroom.users.requests import ADDED_BYTES, Change, Ruling, Said, Wish
from chatroom.wire.acts import Act
from chatroom.wire.typed import Alteration, Bring, Edit


class WithoutSocket:
    """Any thread.

    Args:
        broadcast: the Server's.
    """

    def __init__(self, broadcast: Channel[Said | Change | Ruling | Wish]) -> None:
        self.broadcast = broadcast

    def say(
        self,
        room: str,
        draft: Draft,
        *,
        cmid: str = "",
        by: Proof = NOTHING,
        address: str = "",
        timeout: float,
    ) -> Spoken | Held:
        """Say something without a socket, and wait until it is stored.

        Args:
            by: whoever speaks; nobody is known by a token or a pass here.

        Returns:
            The message; if the same cmid came before with the same body, the earlier one. Or what
            waits for a host's approval, in a room that wants that.

        Raises:
            Refusal: ``cmid-reused``, with another body; ``too-many-rooms``; what the room's rules
                say.
            ChatError: it is not stored, or not within ``timeout`` seconds.
        """
        user_id = by.user_id if by.key else ""
        speaker = HttpSpeaker(room, draft.user_name, address, user_id, proof=by)
        cost = len(draft.body.encode()) + ADDED_BYTES
        self.broadcast.put(Said(speaker, draft, cost, cmid))
        spoken = await_answer(speaker.outcome, timeout)
        assert isinstance(spoken, Spoken | Held)
        return spoken

    def bring(
        self, room: str, brought: Bring, *, by: Proof, address: str = "", timeout: float
    ) -> Spoken | Held:
        """Say something that carries a file, as ``say``; its author is whoever has uploaded it.

        Args:
            by: whoever asks; by a token or a pass, too.

        Raises:
            Refusal: as ``say``; ``no-such-file``, ``not-stored``.
            ChatError: it is not stored within ``timeout`` seconds.
        """
        speaker = HttpSpeaker(room, brought.draft.user_name, address, by.user_id, proof=by)
        cost = len(brought.draft.body.encode()) + len(brought.alt.encode()) + ADDED_BYTES
        self.broadcast.put(Change(speaker, brought, cost))
        spoken = await_answer(speaker.outcome, timeout)
        assert isinstance(spoken, Spoken | Held)
        return spoken

    def change(
        self, room: str, request: Alteration, *, by: Proof, address: str = "", timeout: float
    ) -> Message:
        """Change a message without a socket, and wait until that is stored.

        Args:
            by: whoever asks.

        Returns:
            The message as it now is.

        Raises:
            Refusal: ``not-yours``, ``too-late``, ``gone``, ``not-stored``.
            ChatError: it is not changed within ``timeout`` seconds.
        """
        speaker = HttpSpeaker(room, "", address, by.user_id, by.operator_link, by)
        size = len(request.body.encode()) if isinstance(request, Edit) else 0
        self.broadcast.put(Change(speaker, request, size + ADDED_BYTES))
        spoken = await_answer(speaker.outcome, timeout)
        assert isinstance(spoken, Spoken)
        return spoken.message

    def rule(
        self, room: str, act: Act, *, by: Proof, address: str = "", timeout: float
    ) -> Mapping[str, object]:
        """Act as a host without a socket, and wait until that is stored.

        Args:
            by: whoever acts.

        Returns:
            What only who acts is told, such as a new link.

        Raises:
            Refusal: ``not-host``, ``not-allowed``, ``too-many``, ``gone``, ``not-stored``.
            ChatError: it is not done within ``timeout`` seconds.
        """
        speaker = HttpSpeaker(room, "", address, by.user_id, by.operator_link, by)
        self.broadcast.put(Ruling(speaker, act))
        ruled = await_answer(speaker.outcome, timeout)
        assert isinstance(ruled, Ruled)
        return ruled.told
