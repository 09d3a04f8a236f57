"""Which figures each scenario's table shows, and how a table is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One figure, as a table shows it."""

    key: str
    title: str
    ratio: bool = False
    """With its ratio to the Go hub's."""
    spread: bool = False
    """With the minimum and maximum of the rounds."""
    more_is_better: bool = False
    compared: bool = True
    """One of its values is better than another: it is held against the one before."""


RATE = Column("deliveries_per_s", "deliveries/s", ratio=True, spread=True, more_is_better=True)
CPU = Column("cpu_us_per_delivery", "CPU µs/delivery", ratio=True, spread=True)
P50 = Column("p50_ms", "p50 ms")
P99 = Column("p99_ms", "p99 ms", ratio=True)

TABLES: dict[str, tuple[str, tuple[Column, ...]]] = {
    "saturated": ("1 Saturated: closed loop", (RATE, CPU, P50, P99)),
    "paced": ("2 Paced", (CPU, P50, Column("p95_ms", "p95 ms"), P99)),
    "joining": (
        "3 Joining",
        (
            Column("users_per_s", "users/s", ratio=True, spread=True, more_is_better=True),
            Column("cpu_ms_per_user", "CPU ms/user", ratio=True, spread=True),
            Column("seconds", "complete after, s"),
        ),
    ),
    "crowd": (
        "4 Crowd",
        (
            Column("memory_kb_per_user", "kB/user", ratio=True),
            Column("threads", "threads"),
            Column("p50_ms", "p50 ms"),
            Column("p99_ms", "p99 ms", ratio=True),
            Column("max_ms", "last delivery, ms"),
        ),
    ),
    "returning": (
        "9 Everybody comes back",
        (
            Column("seconds", "all live after, s", ratio=True),
            Column("cpu_ms_per_user", "CPU ms/user", ratio=True),
            Column("p99_ms", "p99 ms meanwhile"),
            Column("max_ms", "last delivery, ms"),
            Column("memory_kb_per_user", "kB/user"),
            Column("first_seconds", "the first time, s"),
            Column("stop_seconds", "stopped after, s"),
        ),
    ),
    "posts": (
        "10 Scripts over HTTP",
        (
            Column("posts_per_s", "posts/s", spread=True, more_is_better=True),
            Column("cpu_us_per_post", "CPU µs/post", spread=True),
            Column("answer_p50_ms", "answer p50 ms"),
            Column("answer_p99_ms", "answer p99 ms"),
            Column("p99_ms", "to the room, p99 ms"),
        ),
    ),
    "events": (
        "11 Listeners by events, 20/s",
        (
            Column("cpu_us_per_delivery", "CPU µs/delivery", spread=True),
            P50,
            Column("p99_ms", "p99 ms"),
            Column("cpu_ms_per_user", "CPU ms/listener"),
            Column("memory_kb_per_user", "kB/listener"),
        ),
    ),
    "hall": (
        "12 A hall reacts to one message, in two ways",
        (
            Column("seconds", "all know after, s"),
            Column("frames", "frames to each"),
            Column("most_frames", "at most"),
            Column("frames_per_s", "frames/s"),
            Column("cpu_us_per_click", "CPU µs/click"),
        ),
    ),
    "history": (
        "5 History: /getAllMessages",
        (
            Column("seconds", "s", spread=True),
            Column("megabytes", "MB"),
            Column("peak_mb", "extra memory, MB"),
            Column("p99_ms_alone", "chat p99 ms alone"),
            Column("p99_ms", "chat p99 ms during"),
        ),
    ),
    "growth": (
        "5 Growth: N=10 at 500/s",
        (
            Column("cpu_us_per_message", "CPU µs/message", spread=True),
            Column("p99_ms", "p99 ms"),
            Column("memory_mb", "memory MB"),
        ),
    ),
    "slow": (
        "6 Slow readers, messages of 16 kB",
        (
            Column("p99_ms_alone", "p99 ms without"),
            Column("p99_ms", "p99 ms with", spread=True),
            Column("p99_ratio", "with/without"),
            Column("dropped", "dropped, of 9", compared=False),
            Column("memory_mb_grown", "extra memory, MB"),
        ),
    ),
    "upload": (
        "8 Files that come in meanwhile: N=90 at 100/s",
        (
            Column("p99_ms_alone", "p99 ms without"),
            Column("p99_ms", "p99 ms with", spread=True),
            Column("p99_ms_elsewhere", "sent elsewhere"),
            Column("p99_ratio", "with/without"),
            Column("p99_ratio_elsewhere", "with/elsewhere"),
            Column("seconds", "s a file", spread=True),
            Column("files", "files", compared=False),
            Column("peak_mb", "extra memory, MB"),
        ),
    ),
    "two-saturated": (
        "7 Two processes, closed loop",
        (
            Column("messages_per_s", "messages/s", ratio=True, spread=True, more_is_better=True),
            Column("cpu_us_per_delivery", "CPU µs/delivery", ratio=True),
            Column("engine_us_per_message", "engine, CPU µs/message"),
            Column("own_p50_ms", "own p50 ms"),
            Column("other_p50_ms", "other p50 ms"),
        ),
    ),
    "two-paced": (
        "7 Two processes",
        (
            Column("cpu_us_per_delivery", "CPU µs/delivery", ratio=True),
            Column("own_p50_ms", "own p50 ms"),
            Column("own_p99_ms", "own p99 ms"),
            Column("other_p50_ms", "other p50 ms", ratio=True),
            Column("other_p99_ms", "other p99 ms", ratio=True),
        ),
    ),
    "two-joining": (
        "7 Joining two processes",
        (
            Column("users_per_s", "users/s", spread=True, more_is_better=True),
            Column("cpu_ms_per_user", "CPU ms/user", spread=True),
            Column("engine_ms_per_user", "engine, CPU ms/user"),
            Column("seconds", "complete after, s"),
        ),
    ),
    "two-idle": (
        "7 Idle",
        (
            Column("process_percent", "% of a core, a process"),
            Column("engine_percent", "% of a core, engine"),
            Column("engine_processes", "engine's processes", compared=False),
            Column("memory_mb", "MB, a process"),
        ),
    ),
}


def aligned(rows: list[list[str]]) -> str:
    """A table: the first row is its head, the first column its names."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("-" * len(lines[0]))
    return "\n".join(lines)
