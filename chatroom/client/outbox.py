"""What a client has said or changed and the server has not yet acknowledged, in order."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from chatroom.errors import ClientError, Undelivered

NOTHING: Mapping[str, Any] = MappingProxyType({})

LOOK = 1.0
"""Seconds after which whoever waits for something looks around. Python notices a Ctrl-C that comes
just before a wait begins only once the wait is over."""


class Waiters:
    """How many threads are waiting for an ack. While there are any, reading must go on.

    Guarded by ``changed``, like everything that a client's threads share.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self.changed = changed
        self.rest_until = 0.0
        """The room lets nothing be said before: ``time.monotonic()``."""
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
    """What ``ChatClient.say``, ``edit`` and the like return: the fate of a message, change or act.

    Attributes:
        cmid: the client's id for it; the server stores each message once.
        body: the text; "" of whatever has none.
        id: the message's id in the room, once that is done; "" until then, and of an act.
        held: instead of it, the id of what waits for a host's approval; "" if nothing does.
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
        "held",
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
        self.held = ""
        self.told = NOTHING
        self.error: ClientError | None = None
        self._is_done = False
        self._waiters = waiters

    def __repr__(self) -> str:
        held = self.held and f"held as {self.held}"
        state = self.id or held or self.error or ("done" if self._is_done else "waiting")
        return f"<Receipt {self.cmid}: {state}>"

    @property
    def is_settled(self) -> bool:
        """Whether the outcome is known."""
        return self._is_done or self.error is not None

    def wait(self, timeout: float | None = None) -> str:
        """Wait until the message is stored or changed, or the act is done. Any thread.

        Args:
            timeout: seconds, or None to wait as long as the client is open. They begin when the
                room lets something be said, if it asks for some time before.

        Returns:
            Its id; "" if it waits for a host's approval now: see ``held``.

        Raises:
            ServerRefused: the server refused it.
            Undelivered: no ack within ``timeout``, or before the client was closed.
        """
        with self._waiters:
            self._wait(timeout)
            if self.error:
                raise self.error
            if not self.is_settled:
                raise Undelivered(1, f"no answer within {timeout:g} s")
            return self.id

    def _wait(self, timeout: float | None) -> None:
        began = time.monotonic()
        while not self.is_settled:
            left = LOOK
            if timeout is not None:
                left = max(began, self._waiters.rest_until) + timeout - time.monotonic()
                if left <= 0:
                    return
            self._waiters.changed.wait(min(left, LOOK))

    def settle(
        self, id: str, held: str, error: ClientError | None, told: Mapping[str, Any]
    ) -> None:
        """It is done, or never will be. The caller holds the client's lock.

        Args:
            id: the message's, unless it was known before.
            held: instead of it, of what waits for a host's approval.
        """
        self.held, self.error = held, error
        self.id = "" if held or error else id or self._changes
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
        self._is_slow = False
        self._last: Receipt | None = None  # taken last
        self._rest_until = 0.0

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
        self._last = None

    def slow_down(self, cmid: str, until: float) -> bool:
        """The room wants some time between two messages: send all again, from the first one on,
        each after the answer to the one before, so that none overtakes another.

        Args:
            cmid: of the message that came too early.
            until: when the next one may be sent: ``time.monotonic()``.

        Returns:
            False if nothing with this cmid waits.
        """
        if cmid not in self._waiting:
            return False
        self._is_slow, self._rest_until = True, until
        self.rewind()
        return True

    def hurry(self, *, is_slow: bool) -> None:
        """Whatever time the room wanted, it may be another now: try the next one.

        Args:
            is_slow: it still wants some.
        """
        self._is_slow, self._rest_until = self._is_slow and is_slow, 0.0

    def take(self) -> str | None:
        """The next frame to send; it stays in the outbox until it is settled."""
        while self.has_unsent:
            receipt = self._unsent.popleft()
            if not receipt.is_settled:
                self._last = receipt
                return receipt.frame
        return None

    @property
    def has_unsent(self) -> bool:
        """There may be something to send now."""
        if self._is_slow and (self.rest() or (self._last and not self._last.is_settled)):
            return False
        return bool(self._unsent)

    def rest(self) -> float | None:
        """Seconds until something may be sent; None if nothing waits for that."""
        left = self._rest_until - time.monotonic()
        return left if self._unsent and left > 0 else None

    def settle(
        self,
        cmid: str,
        id: str = "",
        held: str = "",
        error: ClientError | None = None,
        told: Mapping[str, Any] = NOTHING,
    ) -> bool:
        """It is stored, held, or never will be; False if nothing with this cmid waits."""
        receipt = self._waiting.pop(cmid, None)
        if receipt:
            receipt.settle(id, held, error, told)
        return receipt is not None

    def give_up(self, cause: str) -> int:
        """Fail all that are left with Undelivered; returns how many."""
        count = len(self._waiting)
        for cmid in list(self._waiting):
            self.settle(cmid, error=Undelivered(1, cause))
        return count
