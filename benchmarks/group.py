"""Servers that serve one room together, and what they share."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from benchmarks.engines import Engine
from benchmarks.server import Server
from benchmarks.subjects import Subject


class Group:
    """A context: a fresh engine, if the subject has one, and fresh servers in front of it.

    Args:
        subject: what to run.
        database: a filled history to begin with, for one that is not shared.
        processes: how many servers, if not the subject's usual number.
    """

    def __init__(
        self, subject: Subject, database: Path | None = None, processes: int | None = None
    ) -> None:
        self.subject = subject
        self.servers: list[Server] = []
        self.engine: Engine | None = None
        self._database = database
        self._processes = processes or subject.processes
        self._ends = ExitStack()

    def __enter__(self) -> Group:
        with ExitStack() as ends:
            if self.subject.engine:
                self.engine = ends.enter_context(Engine(self.subject.engine))
            url = self.engine.url if self.engine else ""
            for _ in range(self._processes):
                server = Server(self.subject, self._database, url)
                self.servers.append(ends.enter_context(server))
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    @property
    def ports(self) -> list[int]:
        """The servers', on 127.0.0.1."""
        return [server.port for server in self.servers]

    @property
    def engine_pids(self) -> list[int]:
        """The engine's processes."""
        return self.engine.pids if self.engine else []

    @property
    def pids(self) -> list[int]:
        """All processes: the servers' and the engine's."""
        return [pid for server in self.servers for pid in server.pids] + self.engine_pids
