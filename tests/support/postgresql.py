"""A PostgreSQL of the tests' own: one for each process of pytest, once a test asks for it."""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from chatroom.errors import HistoryUnavailable
from chatroom.history import History, make_history
from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import Port
from tests.support.programs import program

ROLE = "chat"
PASSWORD = "s3same-ope/n"
"""Which it does not ask for; so no text may ever show it."""

IN_URL = "s3same-ope%2Fn"

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "checkpoint_timeout": "1h",
}

EMPTIED = "".join(
    f"DELETE FROM chatroom.{table};"
    for table in (
        *("rooms", "messages", "evidence", "charters", "host_log"),
        *("held", "found", "searched", "files"),
        *("processes", "crowds", "people", "taken", "sockets", "knocks", "knockers"),
    )
)
EMPTIED += "DELETE FROM chatroom.secrets WHERE name <> 'tokens';"


def psycopg() -> ModuleType:
    """The library; without it the test is skipped, and fails on CI."""
    try:
        import psycopg
    except ImportError:
        if os.environ.get("CI"):
            raise
        pytest.skip("psycopg is not installed: see tests/requirements.txt")
    return psycopg


class PostgresServer:
    """In a temporary folder, on a port of this machine; it ends with this process, in any case.

    It refuses to run as root, so as root it runs as somebody else, whose the folder is.
    """

    def __init__(self, **options: str) -> None:
        self._psycopg = psycopg()
        self._postgres = Path(program("postgres", "/usr/lib/postgresql/*/bin/postgres")).resolve()
        self._port = Port()
        self._options = OPTIONS | options
        self._numbers = itertools.count()
        self._idle: list[str] = []
        self._empty: list[str] = []
        self._opened: list[tuple[str, History]] = []
        self._cleaners: dict[str, Any] = {}
        root = os.environ.get("PYTEST_DEBUG_TEMPROOT") or None
        self.folder = Path(tempfile.mkdtemp(prefix="chatroom-postgresql-", dir=root))
        self.who: dict[str, Any] = {}
        if os.geteuid() == 0:
            account = some_account("postgres", "nobody")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.data = self.folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self._make()
            self.start()
        except BaseException:
            self.close()
            raise

    # -- the server ------------------------------------------------------------------------------

    def _make(self) -> None:
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={ROLE}")
        self.run("initdb", "--no-sync", *options)

    def run(self, program: str, *options: str) -> None:
        """One of those that come with it, on its data."""
        command = [str(self._postgres.with_name(program)), f"--pgdata={self.data}", *options]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", **self.who)
        assert done.returncode == 0, done.stderr

    def launch(self) -> None:
        """Start it, and do not wait."""
        options = {**self._options, "port": str(self._port.number)}
        options |= {"unix_socket_directories": str(self.folder)}
        command = [str(self._postgres), "-D", str(self.data)]
        command += [f"--{name}={value}" for name, value in options.items()]
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=end_with_this_process,
                **self.who,
            )

    def start(self) -> None:
        """Start it, and wait until it lets people in."""
        self.launch()

        def is_up() -> bool:
            assert self.process
            if self.process.poll() is not None:
                # Right after kill -9, its children may still be there for a moment.
                assert "shared memory" in self.said(), self.said()
                self.launch()
                return False
            with contextlib.suppress(self._psycopg.Error):
                self._psycopg.connect(self.url("postgres"), connect_timeout=2).close()
                return True
            return False

        wait_for(is_up, "PostgreSQL")

    def said(self) -> str:
        """Its log."""
        return (self.folder / "log.txt").read_text(errors="replace")

    def stop(self) -> None:
        """As an administrator does who is in a hurry."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def _end(self, signum: int) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(signum)
            self.process.wait(DEADLINE)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """All its processes are stopped for the length of a block."""
        assert self.process
        pids = [self.process.pid, *self.children()]
        for pid in pids:
            _signal(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                _signal(pid, signal.SIGCONT)

    def children(self) -> list[int]:
        """Its processes."""
        assert self.process
        pid = self.process.pid
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def close(self) -> None:
        """End it, and leave nothing."""
        for one in (*self._cleaners.values(), *(history for _, history in self._opened)):
            one.close()
        if self.process and self.process.poll() is None:
            for pid in self.children():
                _signal(pid, signal.SIGCONT)
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def port(self) -> int:
        """Of 127.0.0.1."""
        return self._port.number

    # -- databases -------------------------------------------------------------------------------

    def url(self, database: str, port: int = 0) -> str:
        """Where it is, with a password; through another port, if something stands in between."""
        return f"postgresql://{ROLE}:{IN_URL}@127.0.0.1:{port or self.port}/{database}"

    def query(self, statement: str, database: str = "postgres") -> list[Any]:
        """The rows of a statement, in autocommit."""
        with closing(self._psycopg.connect(self.url(database), autocommit=True)) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make_database(self, options: str = "") -> str:
        """The URL of a new one, in which there is nothing."""
        name = f"chat{next(self._numbers)}"
        self.query(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        return self.url(name)

    @contextmanager
    def empty_database(self) -> Iterator[str]:
        """The URL of one in which there is nothing; afterwards it is emptied, and used again."""
        url = self._empty.pop() if self._empty else self.make_database()
        yield url
        name = url.rpartition("/")[2]
        self.query(f"ALTER DATABASE {name} RESET ALL")
        self.query("DROP SCHEMA IF EXISTS chatroom CASCADE", name)
        self._empty.append(url)

    @contextmanager
    def opened(self) -> Iterator[History]:
        """An open history with nothing in it; if it still is, it is emptied, and used again."""
        if self._opened:
            url, history = self._opened.pop()
        else:
            url = self._idle.pop() if self._idle else self._prepared()
            history = make_history(url, self.folder)
            history.open()
        yield history
        self._clean(url)
        try:
            history.secret()
        except HistoryUnavailable:
            self._idle.append(url)
        else:
            self._opened.append((url, history))

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of one whose history has nothing in it; afterwards it is emptied, and used again.

        A test that changes more than what is in the tables makes one of its own.
        """
        url = self._idle.pop() if self._idle else self._prepared()
        yield url
        self._clean(url)
        self._idle.append(url)

    def _clean(self, url: str) -> None:
        try:
            self._cleaners[url].execute(EMPTIED)
        except (KeyError, self._psycopg.Error):  # the first time; and if the server was restarted
            self._cleaners[url] = self._psycopg.connect(url, autocommit=True)
            self._cleaners[url].execute(EMPTIED)

    def _prepared(self) -> str:
        url = self.make_database()
        with closing(make_history(url, self.folder)) as history:
            history.open()
        return url


_shared: list[PostgresServer] = []

refuses = ""
"""Why a test cannot have the shared one; set for each."""


@contextmanager
def older_schema(url: str, version: int) -> Iterator[History]:
    """An open history in a database in which there is nothing yet, as programs make it that know no
    later schema."""
    from chatroom.history.postgresql import schema

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "UPGRADES", schema.UPGRADES[:version])
        patch.setattr(schema, "SCHEMA_VERSION", version)
        with closing(make_history(url, Path())) as history:
            history.open()
            yield history


def columns_and_rows(url: str, text: str, *values: object) -> tuple[list[str], list[Any]]:
    """What a statement finds in the tables of a history; both empty for one that finds nothing."""
    options = "-c search_path=chatroom"
    with psycopg().connect(url, autocommit=True, options=options) as connection:
        cursor = connection.execute(text, values)
        columns = [column.name for column in cursor.description or ()]
        return columns, cursor.fetchall() if columns else []


def rows(url: str, text: str, *values: object) -> list[Any]:
    """As ``columns_and_rows``, without the columns."""
    return columns_and_rows(url, text, *values)[1]


def shared() -> PostgresServer:
    """The one for all tests of this process, which leave it running."""
    assert not refuses, refuses
    if not _shared:
        _shared.append(PostgresServer())
    (one,) = _shared
    if one.process and one.process.poll() is not None:  # a test has failed while it was stopped
        one.start()
    return one


def end_shared() -> None:
    """With the last test."""
    while _shared:
        _shared.pop().close()


def some_account(*names: str) -> pwd.struct_passwd:
    """The first that there is."""
    for name in names:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError(f"nobody is called {names}")


def _signal(pid: int, signum: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signum)


@cache
def _prctl() -> Any:
    return ctypes.CDLL(None, use_errno=True).prctl


def end_with_this_process() -> None:
    """In the child: SIGQUIT, once pytest's process is gone; also when that is killed."""
    _prctl()(1, signal.SIGQUIT, 0, 0, 0)  # PR_SET_PDEATHSIG
