"""Fills a history through the chat room's own code: ``python -m benchmarks.fill PATH COUNT``."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.load.messages import WORDS
from chatroom.history import make_history
from chatroom.message import Message
from chatroom.names import DEFAULT_ROOM

BATCH = 5000
BEGIN = 1_767_225_600_000  # 2026-01-01, in milliseconds


def fill(path: Path, count: int) -> None:
    """Write so many messages, as many people would have said them."""
    history = make_history(f"sqlite:{path}", path.parent)
    history.open()
    for first in range(1, count + 1, BATCH):
        last = min(first + BATCH, count + 1)
        history.append([message(seq) for seq in range(first, last)])
    history.close()


def message(seq: int) -> Message:
    """Has the marker that deliveries are counted by; see ``load/messages.py``."""
    return Message(
        DEFAULT_ROOM,
        seq,
        f"{seq * 0x9E3779B97F4A7C15 % (1 << 64):016x}",
        f"user {seq % 1000:03d}",
        f"|~^|~^|~s999 {seq % 10_000_000:07d} {0:019d} {WORDS}",
        "10:42 AM",
        BEGIN + seq * 1000,
    )


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]))
