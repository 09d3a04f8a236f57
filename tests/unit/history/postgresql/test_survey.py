"""What doctor says about a database: each thing that is wrong is found, with a way to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.errors import HistoryRefused
from chatroom.history import make_history, survey
from chatroom.history.postgresql import survey as surveying
from chatroom.history.postgresql.survey import (
    State,
    _connections,
    _queue,
    _standbys,
    _surroundings,
    demand_notifications,
)
from chatroom.history.remarks import Remark
from tests.support import postgresql
from tests.support.pgbouncer import pooler
from tests.support.postgresql import PASSWORD, PostgresServer

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=4)]

WELL = State(
    version="15.6 (Debian 15.6-1)",
    commit="on",
    standby_names="",
    standbys=0,
    queue_usage=0.0,
    connections=97,
    role_limit=-1,
    database_limit=-1,
    others=0,
    is_superuser=False,
    foreign_schemas=None,
    is_encrypted=True,
    server="10.0.0.5",
)


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    with server.database() as url:
        yield url


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def texts(remarks: list[Remark]) -> str:
    return "; ".join(remark.text for remark in remarks)


# -- a real one --------------------------------------------------------------------------------


def test_a_database_that_serves_the_rooms_well(server: PostgresServer, url: str) -> None:
    remarks = survey(url, workers=2)

    version = server.query("SHOW server_version")[0][0].partition(" ")[0]
    assert f"PostgreSQL {version}; fsync and full_page_writes are on" in texts(remarks)
    assert "synchronous_commit is on" in texts(remarks)
    assert "2 workers take up to 14 connections, and max_connections leaves " in texts(remarks)
    assert "notifications arrive" in texts(remarks)
    assert not [remark for remark in remarks if remark.is_wrong]


def test_a_survey_changes_nothing(server: PostgresServer, url: str) -> None:
    """Nor does it need a schema, or make one."""
    with server.empty_database() as empty:
        assert survey(empty, workers=1)
        made = "SELECT count(*) FROM pg_namespace WHERE nspname = 'chatroom'"
        assert server.query(made, name_of(empty)) == [(0,)]


def test_too_few_connections_for_the_workers_are_wrong(server: PostgresServer, url: str) -> None:
    (wrong,) = [remark for remark in survey(url, workers=6) if remark.is_wrong]

    assert wrong.text.startswith("6 workers take up to 42 connections, and max_connections leaves")
    assert "raise max_connections by " in wrong.remedy


def test_a_limit_of_the_database_counts_too(server: PostgresServer, url: str) -> None:
    """Enough for one worker, but not for its successor next to it."""
    server.query(f"ALTER DATABASE {name_of(url)} CONNECTION LIMIT 10")
    try:
        remarks = survey(url, workers=1)
        (noted,) = [remark for remark in remarks if "CONNECTION LIMIT" in remark.text]
    finally:
        server.query(f"ALTER DATABASE {name_of(url)} CONNECTION LIMIT -1")

    assert noted.text.startswith("1 worker takes up to 7 connections, and this database's CONN")
    assert "while new ones take over" in noted.text
    assert noted.remedy.startswith("raise this database's CONNECTION LIMIT by 4 for each machine")
    assert not noted.is_wrong


def test_tables_of_another_program_are_noted(server: PostgresServer, url: str) -> None:
    server.query("CREATE TABLE public.invoices (number int)", name_of(url))
    try:
        remarks = survey(url, workers=1)
    finally:
        server.query("DROP TABLE public.invoices", name_of(url))

    (noted,) = [remark for remark in remarks if "not the rooms' own" in remark.text]
    assert "(there is public)" in noted.text
    assert "database of its own" in noted.remedy


def test_a_database_that_is_not_there_is_somebody_elses_to_report(server: PostgresServer) -> None:
    assert survey(server.url("nowhere"), workers=1) == []


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_delivers_no_notifications_is_wrong(
    server: PostgresServer, url: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surveying, "HEARING_SECONDS", 0.5)
    with pooler(server, mode) as port:
        through = url.replace(f":{server.port}/", f":{port}/")
        wrong = [remark for remark in survey(through, workers=1) if remark.is_wrong]
        if mode == "session":
            demand_notifications(through)
        else:
            with pytest.raises(HistoryRefused, match="pooler in transaction mode") as caught:
                demand_notifications(through)
            assert PASSWORD not in str(caught.value)

    assert wrong == ([surveying.DEAF] if mode == "transaction" else [])


def test_a_running_room_is_not_counted_among_the_others(server: PostgresServer, url: str) -> None:
    before = survey(url, workers=1)
    with closing(make_history(url, Path())) as history:
        history.open()
        assert survey(url, workers=1) == before


# -- what the tests' own cannot be made to say ------------------------------------------------


def test_a_standby_that_commits_wait_for_and_that_is_away_is_wrong() -> None:
    (wrong,) = _standbys(WELL._replace(standby_names="two"))

    assert wrong.is_wrong
    assert wrong.text.startswith("nothing can be said: commits wait for 'two'")
    assert "start it" in wrong.remedy


def test_a_standby_that_no_commit_waits_for_is_noted() -> None:
    (noted,) = _standbys(WELL._replace(standbys=2))
    assert "2 standbys follow, which no commit waits for" in noted.text
    assert "synchronous_standby_names" in noted.remedy

    (noted,) = _standbys(WELL._replace(standbys=1, standby_names="two", commit="local"))
    assert "synchronous_commit is local" in noted.text
    assert noted.remedy
    assert not noted.is_wrong


def test_a_standby_that_commits_wait_for_is_well() -> None:
    assert list(_standbys(WELL)) == []
    assert list(_standbys(WELL._replace(standbys=1, standby_names="two"))) == [
        Remark("a standby follows; commits wait for 'two'")
    ]


def test_the_tightest_limit_is_the_one_that_is_named() -> None:
    (wrong,) = _connections(WELL._replace(role_limit=5, database_limit=50, others=90), 1)

    assert wrong.is_wrong
    assert wrong.text.endswith("this role's CONNECTION LIMIT leaves 5")


def test_connections_that_others_have_are_not_for_the_rooms() -> None:
    (wrong,) = _connections(WELL._replace(others=95), 1)

    assert wrong.text == "1 worker takes up to 7 connections, and max_connections leaves 2"
    assert wrong.remedy == "raise max_connections by 12 for each machine"
    (wrong,) = _connections(WELL._replace(others=95), 2)
    assert wrong.remedy == "raise max_connections by 26 for each machine, or lower workers"


@pytest.mark.parametrize(("usage", "is_wrong"), [(0.2, False), (0.7, True)])
def test_a_queue_that_fills_up_is_told_of(usage: float, is_wrong: bool) -> None:
    """A listener of somebody else's that sleeps in a transaction holds it up."""
    assert list(_queue(WELL)) == []
    (remark,) = _queue(WELL._replace(queue_usage=usage))

    assert remark.text == f"the queue of notifications is {usage:.0%} full".replace("%", " %")
    assert "pg_stat_activity" in remark.remedy
    assert remark.is_wrong is is_wrong


def test_a_superuser_and_a_bare_connection_are_noted() -> None:
    (power,) = _surroundings(WELL._replace(is_superuser=True))
    assert "superuser" in power.text
    (bare,) = _surroundings(WELL._replace(is_encrypted=False))
    assert "not encrypted" in bare.text
    for server in "127.0.0.1", "::1", None:
        assert list(_surroundings(WELL._replace(is_encrypted=False, server=server))) == []
