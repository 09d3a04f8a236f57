"""The load generator as a scenario sees it: users that arrive, speak and listen."""

from __future__ import annotations

import contextlib
import mmap
import multiprocessing
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.figures import quantiles
from benchmarks.load.adapters import Adapter
from benchmarks.load.messages import LENGTH
from benchmarks.load.phase import Plan
from benchmarks.load.worker import serve

WORKERS = 2
SATURATED = 0.9
"""The part of a core from which a process of the generator counts as the bottleneck."""
LATE = 0.005
"""Seconds by which one paced message in a hundred may be late; a tenth of the pace where that is
more."""
PATIENCE = 2.0
"""Seconds in which something must arrive, or the server stands still."""

Answer = dict[str, Any]


class LoadError(Exception):
    """What a server did not do, or the generator could not; in words for the report."""


class Generator:
    """A context: closes every connection and ends its processes.

    Args:
        ports: the servers', on 127.0.0.1: each process of the generator has its users at one of
            them; at most ``WORKERS``.
        adapter: how to speak to it.
        length: see ``messages.payload``.
    """

    def __init__(self, *ports: int, adapter: Adapter, length: int = LENGTH) -> None:
        context = multiprocessing.get_context("fork")
        heard = memoryview(mmap.mmap(-1, 2 * WORKERS * 8)).cast("q")  # see Worker
        self._pipes: list[Connection] = []
        self._processes = []
        for index in range(WORKERS):
            ours, theirs = context.Pipe()
            arguments = (theirs, index, heard, ports[index % len(ports)], adapter, length)
            process = context.Process(target=serve, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)
        self._probes = 0
        self.users = 0

    def __enter__(self) -> Generator:
        return self

    def __exit__(self, *_: object) -> None:
        for pipe in self._pipes:
            with contextlib.suppress(OSError):
                pipe.send(("close", {}))
            pipe.close()
        for process in self._processes:
            process.join(2)
            if process.is_alive():
                process.kill()
                process.join(2)

    # -- users ---------------------------------------------------------------------------------

    def connect(self, users: int, *, senders: int = 0, past: int = 0, seconds: float = 60) -> float:
        """Bring users in as fast as they can; return the seconds until all have all.

        Raises:
            LoadError: refused, late, or without their past messages.
        """
        begin = time.monotonic_ns()
        answers = self._ask_all(
            "connect",
            [
                {"users": n, "senders": s, "past": past, "seconds": seconds}
                for n, s in zip(_shares(users), _shares(senders), strict=True)
            ],
            seconds + 5,
        )
        self.users += users
        if missing := sum(answer["missing"] for answer in answers):
            raise LoadError(f"{missing} past messages did not arrive within {seconds:.0f} s")
        return (max(answer["all_at"] for answer in answers) - begin) / 1e9

    def connect_sleepers(self, users: int, seconds: float = 20) -> None:
        """Bring users in who never read."""
        shares = [{"users": n, "seconds": seconds} for n in _shares(users)]
        self._ask_all("connect_sleepers", shares, seconds + 5)

    def come(self, users: int, *, pace: float = 0, seconds: float = 120) -> Answer:
        """Bring people in who can come back; from the second time on, bring them back.

        Args:
            users: how many; the same each time.
            pace: messages a second that one of them says meanwhile; 0 for none.
            seconds: in which all have to be there.

        Returns:
            ``seconds`` until the last one was live, ``back``: how many were told that they missed
            nothing, ``p99_ms`` and ``max_ms``: how late they heard what was said once they were
            live, ``said``: how much that was.

        Raises:
            LoadError: refused, late, or lost.
        """
        begin = time.monotonic_ns()
        shares = [{"users": n, "pace": pace, "seconds": seconds} for n in _shares(users)]
        answers = self._ask_all("come", shares, seconds + 10)
        if absent := sum(answer["absent"] for answer in answers):
            raise LoadError(f"{absent} of {users} users were not live; {_lost(answers)}")
        delays = [delay for answer in answers for delay in answer["delays"]]
        return {
            "seconds": (max(answer["all_at"] for answer in answers) - begin) / 1e9,
            "back": sum(answer["back"] for answer in answers),
            "said": sum(answer["said"] for answer in answers),
            "p99_ms": quantiles(delays, 0.99)[0] / 1e6,
            "max_ms": max(delays, default=0) / 1e6,
        }

    def go(self) -> None:
        """Let them go: see ``come``."""
        self._ask_all("go", [{}] * WORKERS, 60)

    def gather(self, seconds: float = 20) -> None:
        """Wait until everybody hears, and nothing is under way any more."""
        deadline = time.monotonic() + seconds
        deaf = self.users
        while deaf and time.monotonic() < deadline:
            self._probes += 1
            ask = {"number": self._probes, "seconds": 0.25 + self.users / 2000}
            shares = [{**ask, "speak": index == 0} for index in range(WORKERS)]
            answers = self._ask_all("gather", shares, seconds + 15)
            deaf = sum(answer["deaf"] for answer in answers)
        if deaf:
            raise LoadError(
                f"{deaf} of {self.users} users did not hear a message; {_lost(answers)}"
            )

    def speak(self, count: int, *, window: int = 16, seconds: float = 20) -> None:
        """One user says so many messages.

        Raises:
            LoadError: they do not all come back.
        """
        ask = {"count": count, "window": window, "seconds": seconds}
        self._pipes[0].send(("speak", ask))
        (answer,) = self._collect(seconds + 5, self._pipes[:1])
        if answer["unheard"]:
            text = f"{answer['unheard']} of {count} messages did not come back"
            raise LoadError(f"{text}; {_lost([answer])}")

    def react(self, id: str, kind: str, seconds: float = 60) -> Answer:
        """Everybody reacts to this message in this way, as fast as they can.

        Returns:
            ``seconds`` until all had heard that all have, ``frames``: how many each got.

        Raises:
            LoadError: somebody has not heard it, or was let go.
        """
        begin = time.monotonic_ns()
        ask = {"id": id, "kind": kind, "people": self.users, "seconds": seconds}
        answers = self._ask_all("react", [ask] * WORKERS, seconds + 10)
        deaf = sum(answer["deaf"] for answer in answers)
        if deaf or any(answer["lost"] for answer in answers):
            text = f"{deaf} of {self.users} users did not hear that all had reacted"
            raise LoadError(f"{text}; {_lost(answers)}")
        return {
            "seconds": (max(answer["all_at"] for answer in answers) - begin) / 1e9,
            "frames": [count for answer in answers for count in answer["frames"]],
        }

    def wake_sleepers(self, seconds: float = 3) -> int:
        """How many of the sleepers the server has let go."""
        answers = self._ask_all("wake_sleepers", [{"seconds": seconds}] * WORKERS, seconds + 10)
        return sum(answer["dropped"] for answer in answers)

    # -- phases ----------------------------------------------------------------------------------

    def start(self, plan: Plan) -> None:
        """Let a phase begin; ``finish`` waits for its end."""
        self._plan = plan
        for index, pipe in enumerate(self._pipes):
            pipe.send(("run", {"plan": plan if index == 0 else replace(plan, pids=())}))

    def finish(self, *, expected: int | None = None, seconds: float = 10) -> Answer:
        """The phase's figures, once all that was said has arrived.

        Args:
            expected: messages each user is to hear, where they are not the senders'.
            seconds: that the deliveries may go on after the end.

        Raises:
            LoadError: the server stood still or lost messages.
        """
        left = (self._plan.measure_to - time.monotonic_ns()) / 1e9
        runs = self._collect(left + 20)
        sent = sum(run["sent"] for run in runs) if expected is None else expected
        ask = {"expected": sent, "patience": PATIENCE, "seconds": seconds}
        drains = self._ask_all("drain", [ask] * WORKERS, seconds + 20)
        if missing := sum(drain["missing"] for drain in drains):
            heard = self.users * sent - missing
            text = f"{missing} of {self.users * sent} deliveries did not arrive"
            if any(drain["going_on"] for drain in drains) and not any(d["lost"] for d in drains):
                raise LoadError(f"{text} within {seconds:g} s after the end: too slow")
            raise LoadError(f"{text} ({heard // max(1, self.users)} messages did); {_lost(drains)}")
        return _figures(runs, drains, self._plan, self.users)

    # -- processes ---------------------------------------------------------------------------------

    def _ask_all(self, name: str, keywords: list[dict[str, Any]], seconds: float) -> list[Answer]:
        for pipe, arguments in zip(self._pipes, keywords, strict=True):
            pipe.send((name, arguments))
        return self._collect(seconds)

    def _collect(self, seconds: float, pipes: list[Connection] | None = None) -> list[Answer]:
        deadline = time.monotonic() + seconds
        answers = []
        for pipe in pipes or self._pipes:
            if not pipe.poll(max(0, deadline - time.monotonic())):
                raise LoadError(f"the load generator did not answer within {seconds:.0f} s")
            answers.append(pipe.recv())
        for answer in answers:
            if isinstance(answer, Exception):
                raise LoadError(str(answer)) from answer
        return answers


def _figures(runs: list[Answer], drains: list[Answer], plan: Plan, users: int) -> Answer:
    looks = [run["looks"] for run in runs]
    span = {key: sum(last[key] - first[key] for first, last in looks) for key in looks[0][0]}
    seconds = span["at"] / 1e9 / len(runs)
    deliveries = span["deliveries"]
    own_delays, others = (
        [delay for drain in drains for delay in drain[key]]
        for key in ("delays", "delays_of_others")
    )
    delays = own_delays + others
    own = max(
        (last["own_cpu"] - first["own_cpu"]) / (last["at"] - first["at"]) for first, last in looks
    )
    late = quantiles([lateness for run in runs for lateness in run["late"]], 0.99)[0] / 1e9
    p50, p95, p99 = (delay / 1e6 for delay in quantiles(delays, 0.5, 0.95, 0.99))
    wanted = plan.rate * users * seconds
    notes = []
    if own > SATURATED:
        notes.append(f"the load generator used {own:.0%} of a core: it may be the bottleneck")
    if late > max(LATE, 0.1 / (plan.rate or 1)):
        notes.append(f"one send in a hundred was {late * 1e3:.0f} ms late, or later")
    if deliveries < 0.95 * wanted:
        notes.append(f"{deliveries / wanted:.0%} of the pace was kept")
    if len({order for drain in drains for order in drain["orders"]}) > 1:
        notes.append("users heard the messages in different orders")
    if doubled := sum(drain["doubled"] for drain in drains):
        notes.append(f"{doubled} deliveries too many")
    return {
        "deliveries_per_s": deliveries / seconds,
        "messages": sum(run["sent"] for run in runs),
        "cpu_us_per_delivery": span["server_cpu"] / 1e3 / deliveries if deliveries else None,
        "server_cores": span["server_cpu"] / 1e9 / seconds,
        "engine_cores": span["engine_cpu"] / 1e9 / seconds,
        "generator_cores": own,
        "p50_ms": p50,
        "p95_ms": p95,
        "p99_ms": p99,
        **_latencies("own", own_delays),
        **_latencies("other", others),
        "max_ms": max(delays, default=0) / 1e6,
        "samples": len(delays),
        "notes": notes,
    }


def _latencies(name: str, delays: list[int]) -> Answer:
    """To users of the generator's process that spoke, or to those of the other one."""
    p50, p99 = (delay / 1e6 for delay in quantiles(delays, 0.5, 0.99))
    return {f"{name}_p50_ms": p50, f"{name}_p99_ms": p99}


def _shares(total: int) -> list[int]:
    return [total // WORKERS + (index < total % WORKERS) for index in range(WORKERS)]


def _lost(answers: list[Answer]) -> str:
    lost = sorted({why for answer in answers for why in answer["lost"]})
    return f"connections ended: {', '.join(lost)}" if lost else "it stands still"
