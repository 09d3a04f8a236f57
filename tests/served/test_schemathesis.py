"""The description of the HTTP API is valid, and it is what the server does.

So say openapi-spec-validator and schemathesis.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatroom.client import ChatClient
from chatroom.history.sqlite.database import DatabaseFile, peek_secret
from chatroom.users.tokens import Tokens
from tests.support import CHECKOUT
from tests.support.histories import remember
from tests.support.server_process import Launch, Running

pytestmark = pytest.mark.takes(seconds=45)

PATIENCE = 300
"""Seconds for schemathesis, which takes about fifteen on an idle machine."""


def test_the_description_is_valid(serve: Launch) -> None:
    """Read as YAML, of which JSON is a part but for some escapes."""
    from openapi_spec_validator import validate_url  # takes two seconds

    server = serve(history="memory:")
    validate_url(f"http://127.0.0.1:{server.port}/api/openapi.json")


@pytest.mark.timeout(PATIENCE + 60)
@pytest.mark.skipif(sys.version_info < (3, 11), reason="schemathesis needs Python 3.11")
def test_schemathesis_finds_nothing(prepare: Launch, tmp_path: Path) -> None:
    """No 5xx, and every answer is one that the document has; good input is taken, bad refused.

    But for the streams of events, which do not end. What is asked does not depend on the history:
    where that is another, fewer examples show that it answers alike.
    """
    lasting = prepare(history="sqlite:chat.db", maxRooms=1_000_000)
    remember(lasting.folder, lobby=50)
    passing = prepare(history="memory:", maxRooms=1_000_000)
    for server in (lasting, passing):
        server.start()
    run = schemathesis(
        tmp_path,
        arguments(lasting, token_of(lasting), "examples,coverage,fuzzing,stateful", 10),
        arguments(passing, token_of(passing), "fuzzing", 5),
    )

    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("21 selected / 22 total") == 2
    for server in (lasting, passing):
        assert "Traceback" not in server.said() + server.log()
        assert "error" not in server.log()


def token_of(server: Running) -> str:
    """The operator's, who may act in every room; else of somebody who has been here."""
    if server.settings["history"] != "memory:":
        file = DatabaseFile("sqlite:chat.db", server.folder / "chat.db")
        return Tokens(peek_secret(file)).write_operator_link()
    with ChatClient(f"http://127.0.0.1:{server.port}", "Ann") as chat:
        return chat.token or ""


def arguments(server: Running, token: str, phases: str, examples: int) -> list[str]:
    """Always the same requests: it has a smaller idea of what a letter is than Unicode, and
    where they are drawn anew, one in thousands is a letter that it takes for none."""
    return [
        *("--config-file", str(CHECKOUT / "tests" / "schemathesis.toml"), "run"),
        *(f"http://127.0.0.1:{server.port}/api/openapi.json", "--no-color"),
        *("--exclude-path-regex", "/events$", "--max-examples", str(examples)),
        *("--phases", phases, "--generation-deterministic", "--continue-on-failure"),
        *("--header", f"Authorization: Bearer {token}"),
    ]


def schemathesis(folder: Path, *runs: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.support.schemathesis_runs"],
        input="\n".join(map(json.dumps, runs)),
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "SCHEMATHESIS_HOOKS": "tests.support.schemathesis_hooks",
        },
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
