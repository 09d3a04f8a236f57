"""Scenario 10: scripts say things over HTTP, and a room of ten hears them."""

from __future__ import annotations

import time
from functools import partial

from benchmarks.figures import quantiles
from benchmarks.load.generator import Generator, LoadError
from benchmarks.load.posting import Poster
from benchmarks.scenarios.case import Case, Outcome, Size
from benchmarks.scenarios.rooms import plan_phase
from benchmarks.server import Server
from benchmarks.subjects import Subject

LISTENERS = 10
SCRIPTS = (1, 16)
"""Connections, each with one request under way."""


def cases(size: Size, wanted: set[str]) -> list[Case]:
    """One case for each number of scripts."""
    if "posts" not in wanted:
        return []
    only = ("us-full", "us-normal", "us-memory")
    return [
        Case(("posts",), _name(scripts), partial(measure, size, scripts), size.rounds, only)
        for scripts in SCRIPTS
    ]


def measure(size: Size, scripts: int, subject: Subject) -> list[Outcome]:
    """Let the scripts speak, and see that everybody hears each message once."""
    with Server(subject) as server, Generator(server.port, adapter=subject.adapter) as load:
        load.connect(LISTENERS, senders=1)
        load.gather()
        plan = plan_phase(server, size.warm_up, size.paced, rate=0, samples=LISTENERS)
        poster = Poster(server.port, scripts, plan.measure_to)
        load.start(plan)
        time.sleep(
            max(0, plan.start - time.monotonic_ns()) / 1e9
        )  # else it begins before the count
        poster.start()
        poster.join(size.warm_up + size.paced + 20)
        if poster.failure or poster.is_alive():
            raise LoadError(poster.failure or "a post was not answered within 20 s")
        figures = load.finish(expected=poster.said)
    took = poster.between(plan.measure_from, plan.measure_to)
    seconds = (plan.measure_to - plan.measure_from) / 1e9
    posts = len(took) / seconds
    p50, p99 = (ns / 1e6 for ns in quantiles(took, 0.5, 0.99))
    figures |= {
        "posts_per_s": posts,
        "cpu_us_per_post": figures["server_cores"] * 1e6 / posts,
        "answer_p50_ms": p50,
        "answer_p99_ms": p99,
    }
    return [Outcome("posts", _name(scripts), subject.name, figures)]


def _name(scripts: int) -> str:
    return f"{scripts} script{'s' if scripts > 1 else ''}, {LISTENERS} listeners"
