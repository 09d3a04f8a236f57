"""person: who is in a history, what there is of them, and that it goes."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom
from tests.support.histories import at, typed


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    with closing(at(path)) as history:
        history.open()
        history.append([typed("lobby", 1, "ann", "a1", "Xylophon"), typed("lobby", 2, "bob", "b1")])
    return path


def run(*arguments: str | Path, input: str = "") -> Result:
    return CliRunner().invoke(chatroom, ["person", *map(str, arguments)], input=input)


def test_everybody_is_printed_with_name_messages_and_rooms(file: Path) -> None:
    done = run("list", "--history", file)

    assert done.stdout.splitlines() == ["ann  Ann  1 message  lobby", "bob  Ann  1 message  lobby"]


def test_what_there_is_of_somebody_is_printed_as_json(file: Path) -> None:
    done = run("export", "ann", "--history", file)

    assert [one["body"] for one in json.loads(done.stdout)["messages"]] == ["Xylophon"]


def test_somebody_is_erased_once_that_is_confirmed(file: Path) -> None:
    done = run("erase", "ann", "--history", file, input="n\n")
    assert (done.exit_code, "Ann  1 message  lobby" in done.stderr) == (1, True)
    assert "ann" in run("list", "--history", file).stdout

    done = run("erase", "ann", "--history", file, "--yes")

    assert (done.exit_code, done.stderr) == (0, "chatroom: ann is erased, with 1 message\n")
    assert b"Xylophon" not in file.read_bytes()
    assert run("list", "--history", file).stdout == "bob  Ann  1 message  lobby\n"


@pytest.mark.parametrize("act", ["export", "erase"])
def test_whoever_is_not_there_is_an_error(file: Path, act: str) -> None:
    done = run(act, "eve", "--history", file)

    assert (done.exit_code, done.stdout) == (1, "")
    assert "has nothing of eve" in done.stderr


@pytest.mark.parametrize("act", ["list", "export", "erase"])
def test_a_history_that_a_server_uses_is_left_to_it(file: Path, act: str) -> None:
    with closing(at(file)) as history:
        history.open()

        done = run(act, *(["ann"] if act != "list" else []), "--history", file)

    assert done.exit_code == 5
    assert "is in use by process" in done.stderr
