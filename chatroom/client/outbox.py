"""What a client has said or changed and the server has not yet acknowledged, in order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatroom.errors import ClientError, Undelivered

NOTHING: Mapping[str, Any] = MappingProxyType({})


class Waiters:
    """How many threads are waiting for an ack. While there are any, reading must go on.

    Guarded by ``changed``, like everything that a client's threads share.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self.changed = changed
        self._count = 0

    def __bool__(self) -> bool:
        return self._count > 0

    def __enter__(self) -> None:
        self.changed.acquire()
        self._count += 1
        self.changed.notify_all()  # a reader blocked by a full inbox goes on now

    def __exit__(self, *_exception: object) -> None:
        self._count -= 1
        self.changed.release()


class Receipt:
    """What ``ChatClient.say``, ``edit`` and the like return: the fate of one message, change or act.

    Attributes:
        cmid: the client's id for it; the server stores each message once.
        body: the text; "" of whatever has none.
        id: the message's id in the room, once that is done; "" until then, and of an act.
        told: what else the server has answered, such as a link; empty until then.
        error: why it will never be; None unless that is known.
    """

    __slots__ = (
        "_changes",
        "_is_done",
        "_waiters",
        "body",
        "cmid",
        "error",
        "frame",
        "id",
        "told",
    )

    def __init__(
        self, cmid: str, body: str, frame: str, waiters: Waiters, changes: str = ""
    ) -> None:
        self._changes = changes  # the id of the message that is to change
        self.cmid = cmid
        self.body = body
        self.frame = frame
        self.id = ""
        self.told: Mapping[str, Any] = {}
        self.error: ClientError | None = None
        self._is_done = False
        self._waiters = waiters

    def __repr__(self) -> str:
        state = self.id or ("done" if self._is_done else self.error or "waiting")
        return f"<Receipt {self.cmid}: {state}>"

    @property
    def is_settled(self) -> bool:
        """Whether the outcome is known."""
        return self._is_done or self.error is not None

    def wait(self, timeout: float | None = None) -> str:
        """Wait until the message is stored or changed, and return its id; or until the act is done.
        Any thread.

        Args:
            timeout: seconds, or None to wait as long as the client is open.

        Raises:
            ServerRefused: the server refused it.
            Undelivered: no ack within ``timeout``, or before the client was closed.
        """
        with self._waiters:
            self._waiters.changed.wait_for(lambda: self.is_settled, timeout)
            if self.error:
                raise self.error
            if not self._is_done:
                raise Undelivered(1, f"no answer within {timeout:g} s")
            return self.id

    def settle(self, id: str, error: ClientError | None, told: Mapping[str, Any]) -> None:
        """It is done, or never will be. The caller holds the client's lock.

        Args:
            id: the message's, unless it was known before.
        """
        self.id, self.error = "" if error else id or self._changes, error
        self._is_done, self.told = error is None, told


class Outbox:
    """Receipts without an ack. Every caller holds the client's lock.

    Args:
        length: how many messages may be unacknowledged.
    """

    def __init__(self, length: int) -> None:
        self._length = length
        self._waiting: dict[str, Receipt] = {}  # cmid -> receipt, in order
        self._unsent: deque[Receipt] = deque()  # a subset, which may still contain settled ones

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_full(self) -> bool:
        return len(self._waiting) >= self._length

    def add(self, receipt: Receipt) -> None:
        self._waiting[receipt.cmid] = receipt
        self._unsent.append(receipt)

    def rewind(self) -> None:
        """Send everything unacknowledged again, over a new connection."""
        self._unsent = deque(self._waiting.values())

    def take(self) -> str | None:
        """The next frame to send; it stays in the outbox until it is settled."""
        while self._unsent:
            receipt = self._unsent.popleft()
            if not receipt.is_settled:
                return receipt.frame
        return None

    @property
    def has_unsent(self) -> bool:
        return bool(self._unsent)

    def settle(
        self,
        cmid: str,
        id: str = "",
        error: ClientError | None = None,
        told: Mapping[str, Any] = NOTHING,
    ) -> bool:
        """It is stored, or never will be; False if nothing with this cmid waits."""
        receipt = self._waiting.pop(cmid, None)
        if receipt:
            receipt.settle(id, error, told)
        return receipt is not None

    def give_up(self, cause: str) -> int:
        """Fail all that are left with Undelivered; returns how many."""
        count = len(self._waiting)
        for cmid in list(self._waiting):
            self.settle(cmid, error=Undelivered(1, cause))
        return count
