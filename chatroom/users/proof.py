"""What somebody shows at a room's door, and what that proves."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from chatroom.errors import Refusal
from chatroom.wire.acts import Act


class Shown(NamedTuple):
    """What a client has sent: secrets, not examined yet."""

    entry_pass: str = ""
    """From an earlier ``welcome``."""
    key: str = ""
    """A code, or a script's key."""
    link: str = ""
    """Of a link that makes somebody a host."""
    bearer: str = ""
    """What the ``Authorization`` header has: any of these, or a token."""


NOTHING_SHOWN = Shown()


class Proof(NamedTuple):
    """What is proved by it, whether or not the room asks for it. Nothing of it opens a door
    elsewhere."""

    user_id: str = ""
    """Of whoever has a token or a pass, or of the script that has a key."""
    operator_link: str = ""
    """The nonce of an operator's link: see ``Speaker``."""
    epoch: int | None = None
    """Of the pass; None without one for this room and this person."""
    knows_password: bool = False
    """Or had it when they got the pass."""
    code: str = ""
    """The code, as the charter keeps it, that they know."""
    key: str = ""
    """What the charter calls the key."""
    reads_only: bool = False
    """The key is for reading."""
    link: str = ""
    """What the charter calls the link that was opened: of an operator's, its nonce."""
    is_wrong: bool = False
    """Something was shown that opens nothing here."""
    wait: int = 0
    """Seconds until anything is examined again: there were too many wrong ones or, if it is not
    wrong, too many at once."""


NOTHING = Proof()
"""Nothing was shown."""


class Doors(Protocol):
    """Knows what opens which room. Any thread."""

    def prove(self, room: str, address: str, shown: Shown, user_id: str = "") -> Proof:
        """What somebody proves who wants to come into a room.

        Args:
            user_id: whose pass it has to be; empty for anybody's.

        Raises:
            HistoryUnavailable: it cannot be read now.
        """

    def sealed(self, act: Act) -> Act:
        """The act, with a hash in place of a code that somebody made up. May take a while.

        Raises:
            Refusal: too many are being hashed.
        """


class Doorstep:
    """Where somebody stands before a door is opened, with a header in hand. Any thread.

    Args:
        doors: None for rooms without any.
        address: the client's.
        bearer: what the handshake's ``Authorization`` had.
    """

    def __init__(self, doors: Doors | None = None, address: str = "", bearer: str = "") -> None:
        self.bearer = bearer
        self._doors = doors
        self._address = address

    def prove(self, room: str, shown: Shown = NOTHING_SHOWN, user_id: str = "") -> Proof:
        """See ``Doors``; nothing is looked at for whoever shows nothing."""
        shown = shown._replace(bearer=self.bearer)
        if self._doors is None or not any(shown):
            return NOTHING
        return self._doors.prove(room, self._address, shown, user_id)

    def sealed(self, act: Act, cmid: str) -> Act:
        """See ``Doors``; the refusal is about the request with this cmid."""
        try:
            return self._doors.sealed(act) if self._doors else act
        except Refusal as refusal:
            raise refusal.about(cmid) from None
