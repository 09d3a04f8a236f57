"""What the configuration says of rooms, as numbers that the Server thread works with."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from chatroom.configuration import Configuration

BATCH_BYTES = 256 * 1024
"""About how much is committed and written at once, at most: a fraction of a user's queue."""


@dataclass(frozen=True)
class Rules:
    """The same for all rooms, for the life of the process."""

    edit_minutes: int
    """For which an author may edit a message."""
    removed_keep_days: int
    """For which a removal by a host can be undone."""
    everybody_makes_rooms: bool
    """Whoever comes first into a new room is its maker."""
    replay_limit: int
    """Past messages that a joiner gets; 0 for all."""
    tail_bytes: int
    """Bytes of recent frames that each room keeps at hand for joiners."""
    batch_bytes: int
    """About how many bytes of frames are committed and written at once."""
    max_rooms: int
    """Rooms that can exist besides the lobby, which is always there."""
    leave_grace: float
    """Seconds without a connection, after which a user has left."""
    presence_limit: int
    """People, beyond which a room gets their count instead of their names."""
    max_message_bytes: int
    """Of one frame."""
    max_name_length: int
    """Characters."""
    keep_messages: int
    """How many of the newest to keep in each room; 0 for all."""
    keep_days: int
    """How many days to keep messages; 0 for all."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Addresses that are nobody's own."""
    max_file_bytes: int = 0
    """Of one file; 0 where there are none."""
    files_bytes: int = 0
    """Of all files together."""

    @classmethod
    def of(cls, configuration: Configuration) -> Rules:
        """The rules of a configuration that is checked."""
        queue_bytes = configuration.user_queue_bytes
        return cls(
            edit_minutes=configuration.edit_minutes,
            removed_keep_days=configuration.removed_keep_days,
            everybody_makes_rooms=configuration.room_makers == "everyone",
            replay_limit=configuration.replay_limit,
            tail_bytes=queue_bytes // 2,  # a joiner's replay must not fill the joiner's queue
            # Nor must one batch fill the queue of a user who has only just fallen behind.
            batch_bytes=min(BATCH_BYTES, queue_bytes // 4),
            max_rooms=configuration.max_rooms,
            leave_grace=configuration.leave_grace,
            presence_limit=configuration.presence_limit,
            max_message_bytes=configuration.max_message_bytes,
            max_name_length=configuration.max_name_length,
            keep_messages=configuration.keep_messages,
            keep_days=configuration.keep_days,
            trusted_proxies=configuration.trusted_proxies,
            max_file_bytes=configuration.max_file_bytes if configuration.has_files else 0,
            files_bytes=configuration.files_bytes,
        )

    @property
    def limits(self) -> dict[str, int]:
        """What ``welcome`` tells a client of them."""
        return {
            "maxMessageBytes": self.max_message_bytes,
            "maxFileBytes": self.max_file_bytes,
            "maxNameLength": self.max_name_length,
            "editMinutes": self.edit_minutes,
            "replayLimit": self.replay_limit,
            "presenceLimit": self.presence_limit,
        }
