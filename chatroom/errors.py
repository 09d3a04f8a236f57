"""Every error that this package raises on purpose.

ChatError
├── ClientError            raised by ChatClient
│   ├── ServerUnreachable  no connection before its patience ran out
│   ├── ServerRefused      the server refused, and would refuse a retry
│   ├── Undelivered        messages were not acknowledged in time
│   └── ClientClosed       the client accepts nothing more
├── ConfigurationError     a setting is wrong: the program does not start
├── HistoryError
│   ├── HistoryRefused     the history cannot be used as it is: the program does not start
│   │   └── HistoryAway    its database is not reached: in a moment it may be
│   ├── HistoryUnavailable the disk failed this time: nothing is half stored, try again later
│   │   └── Outdated       another process has written there: look at that, and decide again
│   ├── SearchTooLong      the search found too little in its time: another one may be quicker
│   └── CmidTaken          a message with this cmid is stored already: nothing is stored again
├── ChannelError
│   └── ChannelClosed      the server behind the channel has stopped
├── FrameRefused           a client sent what the protocol does not allow: its socket is closed
├── Refusal                a request is refused; a typed client gets an error frame
│   ├── BadAct             an invalid act of a host
│   └── BadName            an invalid name for a user
├── BadRoomName            an invalid name for a room
├── HandshakeRefused       a request for /chat that gets an HTTP status instead of a socket
├── Problem                a request under /api that gets problem details instead of an answer
└── UserError              a user's thread failed, or the user was dropped: logged and counted
"""

from __future__ import annotations

from pathlib import Path


class ChatError(Exception):
    """Base of every error that this package raises on purpose."""

    @property
    def outside(self) -> str:
        """What anybody may know of it."""
        return str(self)


class ClientError(ChatError):
    """Base of what ``ChatClient`` raises."""


class ServerUnreachable(ClientError):
    """No connection; ``args`` are the server's URL and what went wrong the last time."""

    def __str__(self) -> str:
        url, cause = self.args
        return f"{url} cannot be reached: {cause}"


class ServerRefused(ClientError):
    """The server refused the request, and would refuse a retry.

    Args:
        code: the protocol's code, such as ``name-taken``; ``http-403`` or ``close-1009`` if the
            server answered with an HTTP status or a close code.
        detail: a sentence for the user.
        suggestion: with ``name-taken``, a name that is free.
    """

    def __init__(self, code: str, detail: str, suggestion: str = "") -> None:
        super().__init__(code, detail, suggestion)
        self.code = code
        self.detail = detail
        self.suggestion = suggestion

    def __str__(self) -> str:
        more = f" (free: {self.suggestion})" if self.suggestion else ""
        return f"refused, {self.code}: {self.detail}{more}"


class Undelivered(ClientError):
    """Messages that were not acknowledged in time; ``args`` are how many, and the cause.

    They may have been stored nevertheless: only the ack is missing.
    """

    def __str__(self) -> str:
        count, cause = self.args
        what = "1 message was" if count == 1 else f"{count} messages were"
        return f"{what} not acknowledged: {cause}"


class ClientClosed(ClientError):
    """The client was closed, or never opened."""

    def __str__(self) -> str:
        return "the client is closed; make a new one"


class ConfigurationError(ChatError):
    """A setting is wrong: ``args`` are the file, the key, the value and what was wanted."""

    def __init__(self, path: Path | str, key: str, value: object, wanted: str) -> None:
        super().__init__(path, key, value, wanted)

    def __str__(self) -> str:
        path, key, value, wanted = self.args
        return f"{path}: {key} is {value!r}; wanted: {wanted}"


class HistoryError(ChatError):
    """Base of what a history raises; ``args`` are its name, the cause and the way out."""

    def __init__(self, name: str, cause: str, way_out: str) -> None:
        super().__init__(name, cause, way_out)

    def __str__(self) -> str:
        name, cause, way_out = self.args
        return f"{name}: {cause}; {way_out}"

    @property
    def outside(self) -> str:
        """Of a database, neither where it is nor who talks to it: both may be in the cause."""
        name, _cause, way_out = self.args
        return f"the database cannot be used now; {way_out}" if "://" in name else str(self)


class HistoryRefused(HistoryError):
    """The history cannot be used as it is (corrupt, foreign, locked): do not start."""


class HistoryAway(HistoryRefused):
    """Its database is not reached, or not ready: what is refused now may work in a moment."""


class HistoryUnavailable(HistoryError):
    """The history could not be read or written this time; nothing is half stored."""


class Outdated(HistoryUnavailable):
    """Another process has written there meanwhile: nothing is done."""


class SearchTooLong(HistoryError):
    """The search was ended: it would keep a thread busy for too long."""


class CmidTaken(HistoryError):
    """The room has a message of the same user with the same cmid; none of the batch is stored."""

    def __init__(
        self,
        name: str,
        cause: str = "a message with the same room, user and cmid is stored already",
        way_out: str = "find() it, and append the others again",
    ) -> None:
        super().__init__(name, cause, way_out)


class ChannelError(ChatError):
    """A channel refused an operation; ``args[0]`` is the channel's name."""


class ChannelClosed(ChannelError):
    """The channel accepts nothing more."""

    def __str__(self) -> str:
        return f"channel {self.args[0]!r} is closed: its server has stopped"


class FrameRefused(ChatError):
    """A frame that the protocol does not allow.

    Args:
        code: the WebSocket close code that the client gets.
        reason: what was wrong with which field, and what was wanted; at most 123 bytes
            of it reach the client (RFC 6455, section 5.5).
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"close {self.code}: {self.reason}"


class Refusal(ChatError):
    """A request is refused: what somebody may not do, or asks for in vain.

    A client of ``chatroom.v1`` gets an error frame, and its socket stays open; a script gets a
    problem; a client of the plain protocol is not told, except that it cannot come in.

    Args:
        code: for programs, kebab-case; ``docs/protocol.md`` lists them.
        detail: a sentence that a person can act on.
        cmid: of the refused message, if there is one.
        more: additional fields of this code.
    """

    def __init__(self, code: str, detail: str, cmid: str = "", **more: str | int) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.more: dict[str, str | int] = more | ({"cmid": cmid} if cmid else {})

    def about(self, cmid: str) -> Refusal:
        """The same, of the request with this cmid; empty if it has none."""
        return Refusal(self.code, self.detail, cmid, **self.more)

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class BadName(Refusal):
    """An invalid name for a user; ``detail`` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad-name", detail)


class BadAct(Refusal):
    """A host asks for something that does not exist; ``detail`` begins with the field's name."""

    def __init__(self, detail: str, cmid: str = "") -> None:
        super().__init__("bad-act", detail, cmid)

    @property
    def field(self) -> str:
        """What is wrong with the act."""
        return self.detail.partition(" ")[0]


class BadRoomName(ChatError):
    """An invalid name for a room; ``args[0]`` is the name."""

    def __str__(self) -> str:
        return 'Invalid room name: use 1 to 64 letters, digits, "_", "-" or ".".'


class HandshakeRefused(ChatError):
    """A request for ``/chat`` that is answered with an HTTP status and no socket.

    Args:
        status: the HTTP status.
        reason: one sentence for the person who reads the answer.
        headers: what the status requires, such as ``Allow`` with 405.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


class Problem(ChatError):
    """A request under ``/api`` that is answered with problem details (RFC 9457).

    Args:
        code: one of ``problems.KINDS``, which knows the status and the title.
        detail: one sentence that a person can act on.
        headers: what the status requires, such as ``Allow`` with 405.
        members: additional members, such as ``field`` and ``value``.
    """

    def __init__(
        self, code: str, detail: str, headers: dict[str, str] | None = None, **members: str
    ) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail
        self.headers = headers or {}
        self.members = members

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


class UserError(ChatError):
    """A user's thread failed or the user was dropped; ``args`` are its id and the cause."""

    def __init__(self, user_id: int, cause: str) -> None:
        super().__init__(user_id, cause)

    def __str__(self) -> str:
        user_id, cause = self.args
        return f"User {user_id} is disconnected. Cause: {cause}"
