"""Which files there are, whose they are, and what has them: as long as the process."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from chatroom.files.stored import DISOWNED, Claim, StoredFile, id_in
from chatroom.message import Held, Message

MessageAt = Callable[[str, int], Message | None]
"""The message of a room with a seq, if it is still kept."""

IsHeld = Callable[[str, str], bool]
"""Whether a room holds something with an id."""

Place = tuple[str, int, str]
"""A message's room, seq and nonce."""


class FilesInMemory:
    """Not thread-safe: its owner locks."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._messages: dict[str, Place] = {}  # by a file's id, like the next one
        self._held: dict[str, str] = {}

    def add(self, file: StoredFile) -> None:
        """It is coming."""
        self._files[file.id] = file

    def complete(self, file: StoredFile) -> bool:
        """It is whole; False if it was not coming any more."""
        coming = self._files.get(file.id)
        if coming is None or coming.is_whole or coming.uploaded_at == DISOWNED:
            return False
        self._files[file.id] = file._replace(is_whole=True)
        return True

    def is_free(self, message: Message) -> bool:
        """Whether this message can have its file."""
        return self._is_of(message.file, message.room, message.user_id)

    def _is_of(self, text: str, room: str, user_id: str) -> bool:
        file = self._files.get(id_in(text))
        if file is None or not file.is_whole or file.id in self._messages:
            return False
        return (file.room, file.user_id) == (room, user_id)

    def claim(self, message: Message) -> None:
        """It has its file from now on."""
        id = id_in(message.file)
        self._messages[id] = message.room, message.seq, message.nonce
        self._held.pop(id, None)

    def hold(self, held: Held) -> bool:
        """This has its file from now on; False if it cannot."""
        id = id_in(held.file)
        if id in self._held or not self._is_of(held.file, held.room, held.user_id):
            return False
        self._held[id] = held.id
        return True

    def get(self, id: str, message_at: MessageAt, is_held: IsHeld) -> StoredFile | None:
        """What is known of it, and what has it now."""
        file = self._files.get(id)
        return file and file._replace(claim=self._claim(file, message_at, is_held))

    def _claim(self, file: StoredFile, message_at: MessageAt, is_held: IsHeld) -> Claim:
        if place := self._messages.get(file.id):
            message = _found(place, message_at)
            return Claim.SAID if message and not message.removed else Claim.GONE
        if held := self._held.get(file.id):
            return Claim.HELD if is_held(file.room, held) else Claim.GONE
        return Claim.NOBODY

    def lost(
        self,
        uploaded_before: int,
        message_at: MessageAt,
        is_held: IsHeld,
        evidence: Container[tuple[str, int]],
    ) -> Iterator[str]:
        """Those that nothing has any more, or nobody has claimed since then."""
        for file in self._files.values():
            claim = self._claim(file, message_at, is_held)
            if claim is Claim.NOBODY and file.uploaded_at < uploaded_before:
                yield file.id
            elif claim is Claim.GONE:
                place = self._messages.get(file.id)
                is_kept = place and _found(place, message_at) and place[:2] in evidence
                if not is_kept:
                    yield file.id

    def of(self, user_id: str) -> list[str]:
        """The ids of those that somebody has uploaded."""
        return [file.id for file in self._files.values() if file.user_id == user_id]

    def disown(self, room: str, user_id: str) -> None:
        """What this person has uploaded there, and nothing has, is lost."""
        for file in self._files.values():
            is_free = file.id not in self._messages and file.id not in self._held
            if is_free and (file.room, file.user_id) == (room, user_id):
                self._files[file.id] = file._replace(uploaded_at=DISOWNED)

    def drop(self, ids: Sequence[str]) -> int:
        """Forget them; their bytes."""
        dropped = 0
        for id in ids:
            file = self._files.pop(id, None)
            dropped += file.size if file else 0
            self._messages.pop(id, None)
            self._held.pop(id, None)
        return dropped

    def total(self) -> int:
        """Of all files, in bytes."""
        return sum(file.size for file in self._files.values())

    def clear(self) -> None:
        """Forget all."""
        for kept in (self._files, self._messages, self._held):
            kept.clear()


def _found(place: Place, message_at: MessageAt) -> Message | None:
    room, seq, nonce = place
    message = message_at(room, seq)
    return message if message and message.nonce == nonce else None
