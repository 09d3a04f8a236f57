"""Prepared statements, run through libpq: a real PostgreSQL and a real connection."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support import postgresql
from tests.support.deadline import DEADLINE

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=2)]


def linked(url: str) -> Any:
    from chatroom.history.postgresql.failures import Failures
    from chatroom.history.postgresql.links import READING, DatabaseLink

    return closing(DatabaseLink(url, Failures(url), READING, soon()))


def soon() -> float:
    return time.monotonic() + DEADLINE


@pytest.fixture
def link() -> Iterator[Any]:
    with postgresql.shared().database() as url, linked(url) as link:
        yield link


def test_values_come_in_order_or_by_name(link: Any) -> None:
    query = "SELECT %s::text, %s::bigint, %s::text[]"
    assert link.call(query, ["Zoë", 7, ["a", 'b"']], soon()) == [("Zoë", 7, ["a", 'b"'])]

    query = "SELECT %(b)s::bigint - %(a)s::bigint, %(a)s::bigint"
    assert link.call(query, {"a": 1, "b": 3, "not asked for": "x"}, soon()) == [(2, 1)]


def test_a_value_may_be_of_another_type_the_next_time(link: Any) -> None:
    for value in (None, "7", 7, 1 << 40):
        assert link.call("SELECT %s::bigint", [value], soon()) == [(value and int(value),)]


def test_a_statement_without_rows_answers_with_none(link: Any) -> None:
    assert link.call("SET application_name = 'chat'", (), soon()) == []
    assert link.call("SELECT 1 WHERE false", (), soon()) == []


def test_whatever_is_refused_is_an_error_and_the_next_statement_works(link: Any) -> None:
    from psycopg import errors

    for query, error in (
        ("SELECT 1 / %s::int", errors.DivisionByZero),
        ("SELECT nothing, %s::int", errors.UndefinedColumn),
    ):
        with pytest.raises(error):
            link.call(query, [0], soon())
        with pytest.raises(error):
            link.call(query, [0], soon())
    assert link.call("SELECT 1", (), soon()) == [(1,)]


def test_more_than_the_socket_takes_at_once_arrives_and_comes_back(link: Any) -> None:
    text = "ü" * 8_000_000

    assert link.call("SELECT %s::text", [text], soon()) == [(text,)]


def test_an_answer_that_is_late_is_not_taken_for_that_of_the_next_statement(link: Any) -> None:
    from chatroom.history.postgresql.links import LinkLost
    from chatroom.history.postgresql.statements import Late

    with pytest.raises(LinkLost) as caught:
        link.call("SELECT pg_sleep(%s)", [60], time.monotonic() + 0.05)

    assert isinstance(caught.value.cause, Late)
    with pytest.raises(LinkLost):
        link.call("SELECT 1", (), soon())


def test_a_thread_that_waits_is_freed_by_another_one(link: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from chatroom.history.postgresql.links import LinkLost

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(link.call, "SELECT pg_sleep(60)", (), soon())
        link.cut()
        with pytest.raises(LinkLost):
            waiting.result(DEADLINE)


def test_what_is_notified_is_heard_whoever_reads_it_from_the_socket(link: Any) -> None:
    link.call("LISTEN news", (), soon(), prepare=False)
    link.call("SELECT pg_notify('news', %s)", ["one"], soon())
    assert link.notified(DEADLINE) == ["one"]

    link.call("SELECT pg_notify('news', 'two')", (), soon(), prepare=False)  # psycopg reads it
    assert link.notified(DEADLINE) == ["two"]

    assert link.notified(0.01) == []


def test_an_answer_counts_that_came_while_this_process_stood_still(
    link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.history.postgresql import statements

    deadline = soon()

    class LaterClock:
        @staticmethod
        def monotonic() -> float:
            assert select.select([link._connection], [], [], DEADLINE)[0], "the answer"
            return deadline + 1

    monkeypatch.setattr(statements, "time", LaterClock)

    assert link.call("SELECT 1", (), deadline) == [(1,)]
