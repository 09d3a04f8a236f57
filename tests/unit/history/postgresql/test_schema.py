"""The schema: made once by whoever comes first, and left alone where it is not ours."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import HistoryRefused
from chatroom.history import make_history, read_secret
from tests.support import postgresql
from tests.support.deadline import DEADLINE
from tests.support.histories import everything, said
from tests.support.postgresql import PostgresServer

pytestmark = [pytest.mark.database, pytest.mark.takes(seconds=4)]


@pytest.fixture
def server() -> PostgresServer:
    return postgresql.shared()


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    """Of a database in which there is nothing."""
    with server.empty_database() as url:
        yield url


def at(url: str, sync: str = "full") -> Any:
    return closing(make_history(url, Path(), sync))


def tables(server: PostgresServer, url: str) -> list[Any]:
    return server.query(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|^information'",
        name_of(url),
    )


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def refusal(url: str, sync: str = "full") -> str:
    """What both ``check`` and ``open`` say."""
    said = []
    for act in ("check", "open"):
        with at(url, sync) as history, pytest.raises(HistoryRefused) as caught:
            getattr(history, act)()
        said.append(str(caught.value))
    assert said[0] == said[1]
    return said[0]


# -- making it -------------------------------------------------------------------------------------


def test_a_history_knows_whether_it_was_made_just_now(url: str) -> None:
    for is_new in (True, False):
        with at(url) as history:
            history.check()
            history.open()
            assert history.is_new == is_new


def test_what_is_checked_stays_as_it_is(server: PostgresServer, url: str) -> None:
    with at(url) as history:
        history.check()

    assert tables(server, url) == []


def test_what_was_stored_is_there_when_it_is_opened_again(url: str) -> None:
    with at(url) as history:
        history.open()
        secret = history.secret()
        history.append(said("lobby", 1, 3))

    with at(url) as history:
        history.open()
        assert everything(history, "lobby") == said("lobby", 1, 3)
        assert history.secret() == secret == read_secret(url, Path())
        assert len(secret) == 32


def test_of_two_who_make_it_at_once_one_does_and_both_can_use_it(url: str) -> None:
    from chatroom.history.postgresql.failures import Failures
    from chatroom.history.postgresql.links import WRITING, DatabaseLink
    from chatroom.history.postgresql.schema import bring_up_to_date, secret_of

    begin = threading.Barrier(2)

    def make() -> tuple[bool, bytes]:
        failures = Failures(url)
        link = DatabaseLink(url, failures, WRITING, time.monotonic() + DEADLINE)
        with closing(link):
            begin.wait(DEADLINE)
            return bring_up_to_date(link, failures), secret_of(link)

    with ThreadPoolExecutor(2) as pool:
        making = [pool.submit(make) for _ in range(2)]
        (one, its_secret), (other, their_secret) = (one.result(DEADLINE) for one in making)

    assert one != other
    assert its_secret == their_secret


def test_a_schema_that_could_not_be_made_is_not_half_made(
    server: PostgresServer, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chatroom.history.postgresql import schema

    with monkeypatch.context() as patch:
        patch.setattr(schema, "UPGRADES", (("tables.sql", "saying.sql", "tables.sql"),))
        with at(url) as history, pytest.raises(HistoryRefused, match="already exists"):
            history.open()
    assert tables(server, url) == []

    with at(url) as history:
        history.open()
        history.append(said("lobby", 1))


def test_an_administrator_may_make_the_schema_for_a_role_that_may_not(
    server: PostgresServer, url: str
) -> None:
    role = f"role_of_{name_of(url)}"
    server.query(f"CREATE ROLE {role} LOGIN")
    theirs = url.replace("//chat:", f"//{role}:")
    assert f"user '{role}' may create nothing in database" in refusal(theirs)
    assert f'CREATE SCHEMA chatroom AUTHORIZATION "{role}"' in refusal(theirs)

    server.query(f"CREATE SCHEMA chatroom AUTHORIZATION {role}", name_of(url))

    with at(theirs) as history:
        history.open()
        assert history.is_new
        history.append(said("lobby", 1))


# -- what is not ours ------------------------------------------------------------------------------


def test_a_newer_schema_is_refused_by_its_version(server: PostgresServer, url: str) -> None:
    with at(url) as history:
        history.open()
    server.query("UPDATE chatroom.version SET version = 99", name_of(url))

    assert "has schema 99, of another chatroom version; this one has 6" in refusal(url)


def test_another_programs_schema_is_refused(server: PostgresServer, url: str) -> None:
    server.query("CREATE SCHEMA chatroom CREATE TABLE diary (page text)", name_of(url))

    assert "is another program's" in refusal(url)
    assert tables(server, url) == [("chatroom", "diary")]


def test_another_roles_schema_is_refused(server: PostgresServer, url: str) -> None:
    with at(url) as history:
        history.open()
    role = f"stranger_to_{name_of(url)}"
    server.query(f"CREATE ROLE {role} LOGIN", name_of(url))
    theirs = url.replace("//chat:", f"//{role}:")
    assert "may not use the schema" in refusal(theirs)

    server.query(f"GRANT USAGE ON SCHEMA chatroom TO {role}", name_of(url))
    server.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA chatroom TO {role}", name_of(url))

    assert f"'{role}' does not own" in refusal(theirs)


def test_tables_that_are_gone_are_reported_and_not_made_anew(
    server: PostgresServer, url: str
) -> None:
    from chatroom.errors import HistoryUnavailable

    with at(url) as history:
        history.open()
        history.append(said("lobby", 1))
        server.query("DROP SCHEMA chatroom CASCADE", name_of(url))

        for call in (
            lambda: history.append(said("lobby", 2)),
            lambda: history.head("lobby"),
            history.probe,
        ):
            with pytest.raises(HistoryUnavailable, match="restore a backup"):
                call()

        assert tables(server, url) == []


def test_a_database_without_a_history_has_no_secret(url: str) -> None:
    with pytest.raises(HistoryRefused, match="start the server once"):
        read_secret(url, Path())


# -- the server ------------------------------------------------------------------------------------


def test_a_server_that_is_away_is_refused_with_what_to_do(url: str) -> None:
    from tests.support.ports import idle_port

    away = f"postgresql://chat@127.0.0.1:{idle_port().number}/chat"

    assert "refused" in refusal(away)
    assert "start PostgreSQL, or check its address" in refusal(away)


def test_a_database_that_is_not_there_is_named(url: str) -> None:
    refused = refusal(url.rpartition("/")[0] + "/nowhere")

    assert 'database "nowhere" does not exist; create the database, such as with' in refused


def test_a_user_that_is_not_there_is_told_apart_from_a_server_that_is_not(url: str) -> None:
    nobody = url.replace("//chat:", "//nobody:")
    assert nobody != url

    assert "check user and password, and what pg_hba.conf allows" in refusal(nobody)


def test_a_database_with_few_characters_is_refused(server: PostgresServer) -> None:
    url = server.make_database("ENCODING LATIN1 LOCALE 'C'")

    assert "has the encoding LATIN1" in refusal(url)
    assert "createdb --encoding=UTF8" in refusal(url)


def test_a_database_that_commits_later_is_refused_unless_that_is_wanted(
    server: PostgresServer, url: str
) -> None:
    server.query(f"ALTER DATABASE {name_of(url)} SET synchronous_commit = off")

    assert "synchronous_commit is off there" in refusal(url)
    with at(url, "normal") as history:
        history.check()
        history.open()
        history.append(said("lobby", 1))


@pytest.mark.parametrize(("sync", "found"), [("full", "on"), ("normal", "off")])
def test_commits_wait_for_the_disk_if_the_setting_says_so(url: str, sync: str, found: str) -> None:
    with at(url, sync) as history:
        history.open()
        link = history._writer._link
        assert link.call("SHOW synchronous_commit") == [(found,)]


def test_a_database_that_is_only_read_is_refused(server: PostgresServer, url: str) -> None:
    server.query(f"ALTER DATABASE {name_of(url)} SET default_transaction_read_only = on")

    assert "is read-only; name the primary" in refusal(url)


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes"])
def test_a_server_that_does_not_care_for_its_disk_is_refused(
    server: PostgresServer, url: str, setting: str
) -> None:
    def is_off() -> bool:
        return server.query(f"SHOW {setting}") == [("off",)]

    from tests.support.deadline import wait_for

    server.query(f"ALTER SYSTEM SET {setting} = off")
    server.query("SELECT pg_reload_conf()")
    try:
        wait_for(is_off, setting)
        assert f"{setting} is off there" in refusal(url)
    finally:
        server.query(f"ALTER SYSTEM RESET {setting}")
        server.query("SELECT pg_reload_conf()")
        wait_for(lambda: not is_off(), setting)


def test_what_is_not_understood_is_refused_without_being_shown(url: str) -> None:
    for wrong in (
        f"{url}?nonsense=1",
        "postgresql://chat:se/same@db/chat",
        "postgresql://chat:se@same@db/chat",
    ):
        assert "not an address that PostgreSQL's libpq understands" in refusal(wrong)
        assert "same" not in refusal(wrong)
