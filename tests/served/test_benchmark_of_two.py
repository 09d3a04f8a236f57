"""The benchmark's group of servers: a database of its own, and two servers in front of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from websockets.sync.client import connect

from benchmarks import places
from benchmarks.group import Group
from benchmarks.starting import StartError
from benchmarks.subjects import BY_NAME, Subject
from tests.support.plain_client import PlainClient
from tests.support.postgresql import psycopg
from tests.support.programs import program


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """The chat room, with this venv and the PostgreSQL that the tests have."""
    psycopg()
    link = tmp_path / "postgresql"
    link.symlink_to(Path(program("postgres", "/usr/lib/postgresql/*/bin/postgres")).parent)
    monkeypatch.setattr(places, "RUNS", tmp_path / "runs")
    monkeypatch.setattr(places, "POSTGRESQL", link)
    return replace(BY_NAME["us-two"], command=(sys.executable, "-m", "gunicorn", "app:app"))


def join(port: int) -> PlainClient:
    """Somebody who hears what is said, and has said nothing yet."""
    socket = connect(f"ws://127.0.0.1:{port}/chat", proxy=None)
    client = PlainClient("Ann", socket)
    client.send({"userName": "Ann"})
    return client


def test_users_of_two_servers_are_in_one_room(subject: Subject):
    with Group(subject) as group:
        ann, bob = map(join, group.ports)
        ann.say("hello")
        assert ann.bodies() == bob.bodies() == ["hello"]
        assert len(group.servers) == 2
        assert set(group.engine_pids) < set(group.pids)
        for client in (ann, bob):
            client.socket.close()
        folder = group.engine.folder if group.engine else Path()
        assert folder.exists()

    assert not folder.exists()
    for port in group.ports:
        with pytest.raises(ConnectionRefusedError):
            join(port)


def test_an_engine_that_does_not_start_says_why(
    subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "redis-server"
    script.write_text("#!/bin/sh\necho it has no room >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setattr(places, "REDIS", script)
    wanted = "redis does not start: it has no room"
    with pytest.raises(StartError, match=wanted), Group(replace(subject, engine="redis")):
        pass
