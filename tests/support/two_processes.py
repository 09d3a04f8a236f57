"""Processes that serve the same rooms, in this one: each a Server with a register of its own, and
all with the same arbiter. Nothing is asked, told or read before the test says so."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from chatroom.rooms.bus import CrowdNews
from chatroom.rooms.crowd import CrowdVersion
from chatroom.rooms.mirrors import RETRY_SECONDS, AboutPeople
from chatroom.rooms.policy import Policy
from chatroom.shared.register import SharedRegister
from tests.support.arbiter import Arbiter, ArbiterTables, LateCrier, Wire
from tests.support.in_memory_room import InMemoryServer, TypedGuest


class ManualRegister(SharedRegister):
    """Nobody hears that it is there, or finds out what it has missed, before the test says so."""

    is_asked = False

    def keep(self, known: Mapping[str, CrowdVersion]) -> None:
        if self.is_asked:
            super().keep(known)


class Process:
    """One of them.

    Args:
        rules: of its Server.
    """

    def __init__(self, stack: ExitStack, arbiter: Arbiter, **rules: Any) -> None:
        self.crier, self.wire = LateCrier(), Wire()
        self.register = ManualRegister(
            Policy(1000, 15),
            64,
            rules.get("leave_grace", 5.0),
            self.crier,
            self._tell,
            tables=lambda link, deadline: ArbiterTables(arbiter),
        )
        self.club = InMemoryServer(stack, register=self.register, **rules)
        self.register.start(self.club.server.heard)
        self.others: list[Process] = []

    @property
    def is_busy(self) -> bool:
        """Something is asked and not answered, or told and not heard."""
        return self.crier.is_busy or bool(self.wire.waiting)

    def _tell(self, news: CrowdNews) -> None:
        for other in self.others:
            other.wire.tell(news)

    def hear(self, word: AboutPeople) -> None:
        """By the ear."""
        self.club.server.heard.put(word)

    def enter(self, name: str, room: str = "lobby", **hello: Any) -> TypedGuest:
        """Somebody says hello here."""
        return TypedGuest(self.club, name, room, {}, **hello)

    def join(self, name: str, room: str = "lobby", **hello: Any) -> TypedGuest:
        """Likewise; all processes hear of it."""
        guest = self.enter(name, room, **hello)
        settle(self, *self.others)
        return guest

    def work(self) -> None:
        """Ask the arbiter, and tell what it says."""
        self.crier.work()
        self.crier.tell()
        self.club.settle()

    def listen(self, index: int = 0) -> None:
        """One of the hints has come."""
        self.wire.deliver(index, self.hear)
        self.club.settle()

    def pass_time(self, seconds: float = 1e9) -> None:
        """So many seconds are over for what is due later."""
        heap = self.club.server._timers._heap
        heap[:] = sorted((at - seconds, number, call) for at, number, call in heap)
        self.club.settle()

    def names(self, room: str = "lobby") -> list[str]:
        """Who is there, as far as is known here, in the order in which they came."""
        found = self.club.server._rooms.get(room)
        return [who.user_name for who in found.crowd.known()] if found else []

    def keep(self) -> None:
        """Ask for what is asked for each second."""
        rooms = self.club.server._rooms
        self.register.is_asked, self.register._beat_at = True, 0.0
        self.register.keep({name: room.crowd.version for name, room in rooms.items()})
        self.register.is_asked = False


def two_processes(stack: ExitStack, **rules: Any) -> tuple[Process, Process, Arbiter]:
    """Who tell each other what the arbiter has decided."""
    arbiter = Arbiter()
    one, other = Process(stack, arbiter, **rules), Process(stack, arbiter, **rules)
    one.others, other.others = [other], [one]
    return one, other, arbiter


def settle(*processes: Process) -> None:
    """Until nothing is asked, told or read any more, and nothing that is missing waited for."""
    for process in processes:
        process.club.settle()
    is_done = False
    while not is_done:
        while any(process.is_busy for process in processes):
            for process in processes:
                process.work()
                process.listen()
        for process in processes:
            process.pass_time(RETRY_SECONDS)
        is_done = not any(process.is_busy for process in processes)
