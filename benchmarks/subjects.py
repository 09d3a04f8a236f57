"""Who is measured: the chat room in its variants, its peers, and the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks import places
from benchmarks.load.adapters import CHAT, PLAIN, SOCKETIO, TYPED, Adapter

Command = list[str]

KINDS = {"postgresql": places.POSTGRESQL, "redis": places.REDIS}
"""Of engines: what two processes may share, and where its program is."""

BEFORE = "-before"
"""What the name of a variant ends with when an older checkout's code runs it."""


@dataclass(frozen=True)
class Subject:
    """One program.

    ``{port}``, ``{folder}`` and ``{engine}`` in the command stand for what a run gives it.
    """

    name: str
    title: str
    command: tuple[str, ...]
    adapter: Adapter = PLAIN
    config: dict[str, Any] | None = None
    """The chat room's config.json, besides port and host; a variant is one of these."""
    environ: dict[str, str] = field(default_factory=dict)
    needs: Path = places.VENV_PYTHON
    """What install.py has to have made."""
    cannot: dict[str, str] = field(default_factory=dict)
    """Scenario: why it has no part in it."""
    threads_per_user: float = 0.0
    driven: bool = False
    """It sends by itself, as it is told on its standard input; it hears nobody."""
    checkout: Path = places.CHECKOUT
    """Whose code it is, if it is the chat room."""
    engine: str = ""
    """What its processes share: one of ``KINDS``; it is also in ``$ENGINE``."""
    processes: int = 1
    """Servers that serve one room together."""

    @property
    def is_ours(self) -> bool:
        """It is the chat room."""
        return self.config is not None

    @property
    def variant(self) -> str:
        """Its name; before and after, the same."""
        return self.name.removesuffix(BEFORE)

    @property
    def history(self) -> Path | None:
        """The name of its database, if it has one."""
        kind, _, path = (self.config or {}).get("history", "").partition(":")
        return Path(path) if kind == "sqlite" else None

    @property
    def things(self) -> tuple[Path, ...]:
        """All that install.py has to have made."""
        return (self.needs, KINDS[self.engine]) if self.engine else (self.needs,)

    def argv(self, port: int, folder: Path, engine: str = "") -> Command:
        """The command with its places filled in."""
        return [word.format(port=port, folder=folder, engine=engine) for word in self.command]


NO_HISTORY = {"history": "has no history", "growth": "has no history"}
"""These scenarios are about it."""

AS_FULL = dict.fromkeys(("joining", "crowd", "history", "growth", "slow"), "as SQLite FULL")
"""Of a variant that differs only in what is said."""

ONLY_ORIGINAL = {"standstill": "its queues drop a slow user, or have no end"}


def ours(name: str, title: str, *, engine: str = "", processes: int = 1, **config: Any) -> Subject:
    """A variant of the chat room, as shipped but for ``config``."""
    return Subject(
        name,
        title,
        (str(places.VENV_PYTHON), "-m", "gunicorn", "app:app"),
        CHAT,
        config=config,
        threads_per_user=2,
        cannot={} if config["history"] != "memory:" else dict(NO_HISTORY),
        engine=engine,
        processes=processes,
    )


def _peer(name: str, title: str, *command: str, **more: Any) -> Subject:
    cannot = NO_HISTORY | ONLY_ORIGINAL | more.pop("cannot", {})
    return Subject(name, title, command, cannot=cannot, **more)


SUBJECTS = (
    ours("us-full", "chat room, SQLite FULL", history="sqlite:chat.db"),
    ours("us-normal", "chat room, SQLite NORMAL", history="sqlite:chat.db", historySync="normal"),
    replace(
        # The default, 5, would keep eight people at 40 messages a second. With this, nobody waits,
        # and each message is counted the same way.
        ours(
            "us-pace",
            "chat room, FULL, with a pace",
            history="sqlite:chat.db",
            messagesPerSecond=100_000,
        ),
        cannot=AS_FULL,
    ),
    replace(
        ours("us-typed", "chat room, FULL, typed", history="sqlite:chat.db"),
        adapter=TYPED,
        cannot={"history": "as SQLite FULL"},
    ),
    ours("us-memory", "chat room, memory", history="memory:"),
    _peer(
        "bare-join",
        "bare join in Python: two threads",
        *(str(places.VENV_PYTHON), str(places.PEERS / "bare_join.py"), "{port}"),
        threads_per_user=2,
        cannot=dict.fromkeys(("saturated", "paced", "crowd", "slow"), "it only lets in"),
    ),
    _peer("go-hub", "Go hub (gorilla)", str(places.GO_HUB), "{port}", needs=places.GO_HUB),
    _peer(
        "go-hub-pooled",
        "Go hub, 32 KiB write buffers",
        *(str(places.GO_HUB), "{port}", "pooled"),
        needs=places.GO_HUB,
        cannot=dict.fromkeys(("joining", "crowd", "slow"), "as the Go hub"),
    ),
    Subject(
        "go-original",
        "Go original's shape",
        (str(places.GO_ORIGINAL), "{port}"),
        needs=places.GO_ORIGINAL,
        cannot={
            "history": "serves none over HTTP",
            "growth": "keeps it in memory",
            "joining": "stands still at a join after 100 messages (see standstill)",
        },
    ),
    _peer(
        "flask-socketio",
        "Flask-SocketIO (threading)",
        *(str(places.VENV_PYTHON), "-m", "gunicorn", "--worker-class", "gthread"),
        *("--threads", "11000", "--worker-connections", "11000", "--log-level", "warning"),
        *("--backlog", "4096", "--bind", "127.0.0.1:{port}"),
        *("--chdir", str(places.PEERS), "flask_socketio_chat:app"),
        adapter=SOCKETIO,
        threads_per_user=4,
    ),
    _peer(
        "websockets",
        "python-websockets (asyncio)",
        *(str(places.VENV_PYTHON), str(places.PEERS / "websockets_chat.py"), "{port}"),
    ),
    _peer(
        "tornado",
        "Tornado",
        *(str(places.VENV_PYTHON), str(places.PEERS / "tornado_chat.py"), "{port}"),
    ),
    _peer(
        "node-ws",
        "Node ws",
        *("node", str(places.NODE_WS / "chat.js"), "{port}"),
        needs=places.NODE_WS / "chat.js",
    ),
    _peer(
        "floor",
        "floor: C, bare send()",
        *(str(places.FLOOR), "{port}"),
        needs=places.FLOOR,
        driven=True,
        cannot=dict.fromkeys(("joining", "crowd", "slow"), "it only sends"),
    ),
)

TWO = (
    ours(
        "us-two",
        "chat room, PostgreSQL",
        engine="postgresql",
        processes=2,
        history="{engine}",
    ),
    ours("us-one", "chat room, PostgreSQL, one process", engine="postgresql", history="{engine}"),
    *(
        Subject(
            f"socketio-{engine}",
            f"socket.io, {title} adapter",
            ("node", str(places.NODE_SOCKETIO / "chat.js"), "{port}", engine, "{engine}"),
            adapter=SOCKETIO,
            needs=places.NODE_SOCKETIO / "chat.js",
            engine=engine,
            processes=2,
        )
        for engine, title in (("redis", "Redis"), ("postgresql", "PostgreSQL"))
    ),
    Subject(
        "flask-socketio-redis",
        "Flask-SocketIO (threading), Redis queue",
        (
            *(str(places.VENV_PYTHON), "-m", "gunicorn", "--worker-class", "gthread"),
            *("--threads", "500", "--log-level", "warning", "--bind", "127.0.0.1:{port}"),
            *("--chdir", str(places.PEERS), "flask_socketio_redis:app"),
        ),
        adapter=SOCKETIO,
        engine="redis",
        processes=2,
    ),
    Subject(
        "channels-redis",
        "Django Channels, Redis pub/sub",
        (
            *(str(places.VENV_PYTHON), "-m", "daphne", "--verbosity", "0"),
            *("--bind", "127.0.0.1", "--port", "{port}", "channels_chat:application"),
        ),
        environ={"PYTHONPATH": str(places.PEERS)},
        engine="redis",
        processes=2,
    ),
)
"""Whose rooms two processes serve, each with half of the users; and one process, to compare."""

BY_NAME = {subject.name: subject for subject in (*SUBJECTS, *TWO)}
REFERENCE = "go-hub"
"""What ratios are to."""

REFERENCE_OF_TWO = "socketio-redis"
"""And those of two processes."""


def is_of_two(scenario: str) -> bool:
    """Whether it is about two processes."""
    return scenario.startswith("two-")


def reference_of(scenario: str) -> str:
    """The name of the subject that a scenario's ratios are to."""
    return REFERENCE_OF_TWO if is_of_two(scenario) else REFERENCE


def title_of(name: str) -> str:
    """As the tables show it; an unknown one is shown as it is."""
    subject = BY_NAME.get(name.removesuffix(BEFORE))
    if not subject:
        return name
    return f"{subject.title}, before" if name.endswith(BEFORE) else subject.title


def with_before(subjects: Sequence[Subject], checkout: Path) -> list[Subject]:
    """These, and behind each variant of the chat room the same from another checkout's code."""
    found = []
    for subject in subjects:
        found.append(subject)
        if subject.is_ours:
            found.append(replace(subject, name=subject.name + BEFORE, checkout=checkout))
    return found
