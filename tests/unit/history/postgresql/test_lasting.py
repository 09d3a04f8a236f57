"""A connection that lasts: whoever uses it need not know that it breaks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable
from tests.support import postgresql
from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import idle_port
from tests.support.postgresql import PostgresServer

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=3)]

END = "SELECT pg_terminate_backend(pg_backend_pid())"


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def lasting(server: PostgresServer) -> Iterator[Callable[..., Any]]:
    """Make one, and close it with the test."""
    from chatroom.history.postgresql.lasting import LastingLink
    from chatroom.history.postgresql.links import READING

    made: list[Any] = []

    def make(url: str = server.url("postgres"), **options: Any) -> Any:
        made.append(LastingLink(url, READING, **options))
        return made[-1]

    yield make
    for link in made:
        link.drop()


def soon(seconds: float = DEADLINE) -> float:
    return time.monotonic() + seconds


def backend(link: Any, deadline: float) -> Any:
    ((pid,),) = link.call("SELECT pg_backend_pid()", (), deadline)
    return pid


def end(link: Any, deadline: float) -> Any:
    return link.call(END, (), deadline)


def test_a_connection_is_used_again_and_again(lasting: Callable[..., Any]) -> None:
    link = lasting()
    assert not link.is_up

    pids = {link.run(backend, soon()) for _ in range(3)}

    assert len(pids) == 1
    assert link.is_up
    assert not link.is_failing


def test_one_that_breaks_is_made_anew_and_begins_as_the_first(lasting: Callable[..., Any]) -> None:
    begun: list[int] = []
    link = lasting(begin=lambda link, deadline: begun.append(backend(link, deadline)))
    first = link.run(backend, soon())

    def break_the_first(link: Any, deadline: float) -> Any:
        pid = backend(link, deadline)
        return end(link, deadline) if pid == first else pid

    assert link.run(break_the_first, soon()) == begun[1]
    assert begun[0] == first
    assert len(begun) == 2


def test_what_always_breaks_it_is_given_up(lasting: Callable[..., Any]) -> None:
    link = lasting()
    began = time.monotonic()

    with pytest.raises(HistoryUnavailable, match="terminating connection"):
        link.run(end, soon())

    assert time.monotonic() - began < DEADLINE / 2
    assert link.run(backend, soon())


def test_a_statement_that_fails_is_not_tried_again(lasting: Callable[..., Any]) -> None:
    link = lasting()
    pid = link.run(backend, soon())
    attempts: list[int] = []

    def fail(link: Any, deadline: float) -> None:
        attempts.append(1)
        link.call("SELECT 1/0", (), deadline)

    with pytest.raises(HistoryUnavailable, match="division by zero"):
        link.run(fail, soon())

    assert len(attempts) == 1
    assert link.run(backend, soon()) == pid


def test_what_comes_too_late_is_not_begun_and_leaves_the_connection_alone(
    lasting: Callable[..., Any],
) -> None:
    link = lasting()
    pid = link.run(backend, soon())

    with pytest.raises(HistoryUnavailable):
        link.run(end, soon(0))

    assert link.run(backend, soon()) == pid


def test_nobody_who_cannot_be_reached_is_tried_for_longer_than_wanted(
    server: PostgresServer, lasting: Callable[..., Any]
) -> None:
    link = lasting(server.url("postgres", idle_port().number))
    began = time.monotonic()

    for seconds in (0.5, 0.01, 0.01):
        with pytest.raises(HistoryUnavailable, match="start PostgreSQL"):
            link.run(backend, soon(seconds))

    assert time.monotonic() - began < 2
    assert link.is_failing
    assert not link.is_up


def test_cutting_frees_who_waits_and_ends_it(lasting: Callable[..., Any]) -> None:
    link = lasting()
    failed: list[HistoryUnavailable] = []
    is_asking = threading.Event()

    def ask(link: Any, deadline: float) -> None:
        is_asking.set()
        link.call("SELECT pg_sleep(1000)", (), deadline)

    def work() -> None:
        try:
            link.run(ask, soon())
        except HistoryUnavailable as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert is_asking.wait(DEADLINE)
    link.cut()
    wait_for(lambda: failed, "an end")
    thread.join(DEADLINE)

    with pytest.raises(HistoryUnavailable, match="closed"):
        link.run(backend, soon())
