"""Checks that the database file is ours and intact, before anything writes to it.

A refused file stays unchanged, byte for byte, and so does its ``-wal``.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from chatroom.history.sqlite.database import ELSEWHERE, DatabaseFile
from chatroom.history.sqlite.schema import APPLICATION_ID, COLUMNS, FIRST_COLUMNS, SCHEMA_VERSION

MAGIC = b"SQLite format 3\0"  # https://sqlite.org/fileformat2.html, section 1.3


def examine(file: DatabaseFile, *, thorough: bool = False, to_write: bool = True) -> int:
    """Its schema version, 0 if it is still empty; ``thorough`` reads all of it.

    Only for the holder of the lock, before it connects: this opens the file directly, and
    closing it would drop the locks of this process's SQLite (POSIX locks do).

    Raises:
        HistoryRefused: it can't be used, or mustn't be.
    """
    try:
        if to_write:
            demand_writable(file)
        if not has_header(file):
            return 0
        with closing(connect_for_a_look(file)) as connection:
            if not (version := schema_version(file, connection)):
                return 0
            demand_sound(connection, version, thorough)
            return version
    except (OSError, sqlite3.Error) as error:
        way_out = "restore a backup, or move it away to start afresh"
        raise file.refused(f"can't be read as a database: {error}", way_out) from error


def demand_writable(file: DatabaseFile) -> None:
    folder = file.path.parent
    if not folder.is_dir():
        raise file.refused("can't be created: its folder doesn't exist", f"create {folder}")
    files = [file.path, file.beside("-wal"), file.beside("-shm")]
    for path in [folder, *filter(os.path.lexists, files)]:
        if path != folder and not path.is_file():
            raise file.refused(f"can't be used: {path} is not a regular file", ELSEWHERE)
        # Even for root this is False on a read-only mount: the kernel checks that first.
        if not os.access(path, os.R_OK | os.W_OK):
            cause = f"can't be used: {path} is read-only for this user"
            raise file.refused(cause, f'make {path} writable, or set "history" to another file')


def has_header(file: DatabaseFile) -> bool:
    header = b""
    file.demand_regular()
    if file.path.exists():
        with file.path.open("rb") as stream:
            header = stream.read(len(MAGIC))
    if header and header != MAGIC:
        raise file.refused(f"is not an SQLite database: it begins with {header!r}", ELSEWHERE)
    log = file.beside("-wal")
    # SQLite would silently delete such a log, and with it the only copy of what it holds.
    if not header and is_filled(log):
        cause = f"is missing or empty, but {log} holds a part of it"
        raise file.refused(cause, f"put the file back, or move {log} away")
    return bool(header)


def connect_for_a_look(file: DatabaseFile) -> sqlite3.Connection:
    """A connection that leaves no trace; mode=ro alone creates -wal and -shm files."""
    if not is_filled(file.beside("-wal")):
        return file.connect("mode=ro&immutable=1")
    if file.beside("-shm").exists():
        return file.connect("mode=ro&readonly_shm=1")
    return file.connect("mode=ro")  # a copy without its -shm: SQLite has to create one


def schema_version(file: DatabaseFile, connection: sqlite3.Connection) -> int:
    """Which of our schemas it has; 0 if it is still empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    version: int
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == version == tables == 0:
        return 0
    if application != APPLICATION_ID:
        raise file.refused("is another program's database", ELSEWHERE)
    if not 1 <= version <= SCHEMA_VERSION:
        cause = f"has schema {version}, of another chatroom version; this one has {SCHEMA_VERSION}"
        raise file.refused(cause, f"start that version, or {ELSEWHERE}")
    return version


def demand_sound(connection: sqlite3.Connection, version: int, thorough: bool) -> None:
    connection.execute("SELECT number, name FROM rooms LIMIT 0")
    if version == SCHEMA_VERSION:
        connection.execute(f"SELECT {COLUMNS} FROM messages LIMIT 0")
        # Without this index a cmid could be stored twice; INDEXED BY raises if it's missing.
        connection.execute("SELECT key FROM messages INDEXED BY cmids WHERE cmid <> '' LIMIT 0")
        connection.execute("SELECT name, value FROM secrets LIMIT 0")
        connection.execute("SELECT last_seq, last_nonce, last_sent_at FROM rooms LIMIT 0")
    else:
        connection.execute(f"SELECT {FIRST_COLUMNS} FROM messages LIMIT 0")
    if not thorough:
        return
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(" ".join(verdict.split()))  # it has several lines


def is_filled(path: Path) -> bool:
    """Whether the file is there and has something in it."""
    return path.exists() and path.stat().st_size > 0
