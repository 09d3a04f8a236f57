"""PgBouncer in front of the tests' own PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.deadline import DEADLINE, wait_for
from tests.support.ports import Port
from tests.support.postgresql import ROLE, PostgresServer, end_with_this_process
from tests.support.programs import program

SETTINGS = """
[databases]
* = host=127.0.0.1 port={upstream} user={role}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""


@contextmanager
def pooler(server: PostgresServer, mode: str) -> Iterator[int]:
    """It runs for the length of a block; returns its port.

    Args:
        mode: "session" or "transaction".
    """
    path = program("pgbouncer")
    port = Port()
    settings = server.folder / f"pgbouncer-{port.number}.ini"
    settings.write_text(
        SETTINGS.format(upstream=server.port, role=ROLE, port=port.number, mode=mode)
    )
    if server.who:
        os.chown(settings, server.who["user"], server.who["group"])
    said = settings.with_suffix(".txt")
    with said.open("w") as output:
        process = subprocess.Popen(
            [path, str(settings)],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=end_with_this_process,
            **server.who,
        )
    try:

        def listens() -> bool:
            assert process.poll() is None, said.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port.number)):
                return True
            return False

        wait_for(listens, "PgBouncer")
        yield port.number
    finally:
        process.terminate()
        process.wait(DEADLINE)
