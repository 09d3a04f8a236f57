"""import, and a server on the file that it wrote."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from chatroom.commands import chatroom
from chatroom.wire.message_json import to_json
from tests.support.histories import said
from tests.support.server_process import serving


def import_into(folder: Path) -> Result:
    """Run the command in this process, with three messages as its input."""
    text = "".join(f"{to_json(message)}\n" for message in said("lobby", 1, 3))
    arguments = ["import", "--history", str(folder / "chat.db")]
    return CliRunner().invoke(chatroom, arguments, input=text)


def test_what_was_imported_is_there_for_a_server(tmp_path: Path):
    assert import_into(tmp_path).exit_code == 0
    with serving(tmp_path, history="sqlite:chat.db") as server:
        assert len(server.history()) == 3
        done = import_into(tmp_path)
        assert done.exit_code == 5
        assert "is in use by process" in done.stderr
