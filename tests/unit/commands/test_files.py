"""export and import: there and back, again and again, and what goes wrong on the way."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom, files
from chatroom.commands.exporting import LONG
from chatroom.commands.formats import FORMATS
from chatroom.commands.http import Api
from chatroom.commands.importing import BATCH, new_nonce
from chatroom.errors import HistoryUnavailable
from chatroom.history.sqlite.read_only import opened_read_only
from chatroom.message import Message, MessageId, Remover
from chatroom.reactions import Click, Person
from chatroom.wire.ids import is_id
from chatroom.wire.message_json import to_json
from tests.support.histories import (
    HistoryDisk,
    at,
    everything,
    left_behind,
    past_message,
    remember,
    said,
    snapshot,
)
from tests.support.http_answers import Answer, answering, body
from tests.support.old_database import ROOMS, made_by_schema_1
from tests.support.terminal import Shell


def run(*arguments: str | Path, input: str = "") -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(chatroom, list(map(str, arguments)), input=input)


def stored(path: Path, room: str = "lobby") -> list[Message]:
    with closing(at(path)) as history:
        history.open()
        return everything(history, room)


def exported(path: Path, room: str = "lobby") -> str:
    done = run("export", room, "--history", path)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def change(path: Path, *messages: Message) -> None:
    """Let these be what the messages are from now on."""
    with closing(at(path)) as history:
        history.open()
        for message in messages:
            history.rewrite(message)


def typed_message(seq: int, cmid: str, body: str = "hi") -> Message:
    return Message("lobby", seq, f"{seq:016x}", "Ann", body, "", 1_700_000_000_000, "ann", cmid)


def append(path: Path, *messages: Message) -> Path:
    with closing(at(path)) as history:
        history.open()
        history.append(messages)
    return path


# -- export from the file --------------------------------------------------------------------


def test_export_reads_the_file_of_a_server_that_does_not_run(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 3)
    lines = exported(path).splitlines()
    assert [json.loads(line)["id"] for line in lines] == [f"{n}-{n:016x}" for n in (1, 2, 3)]


@pytest.mark.parametrize("name", ["chat.db", "sqlite:chat.db"])
def test_the_file_may_be_named_as_in_the_settings(name: str, tmp_path: Path):
    left_behind(tmp_path / "chat.db", 1)
    done = Shell(tmp_path).run("export", "lobby", "--history", name)
    assert (done.code, len(done.lines)) == (0, 1)


def test_export_does_not_make_a_file(tmp_path: Path):
    done = run("export", "lobby", "--history", tmp_path / "chat.db")
    assert done.exit_code == 5
    assert "does not exist" in done.stderr
    assert not snapshot(tmp_path)


def test_export_refuses_the_file_of_a_server_that_runs(tmp_path: Path):
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        done = run("export", "lobby", "--history", tmp_path / "chat.db")
    assert (done.exit_code, done.stdout) == (5, "")
    assert "is in use by process" in done.stderr


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HistoryDisk]:
    """A disk that becomes read-only; where none may be mounted, it only says so."""
    disk = HistoryDisk(tmp_path / "disk", "1m")
    is_ours = os.access

    def may(path: str | Path, mode: int) -> bool:
        is_there = disk.folder in (Path(path), *Path(path).parents)
        return not (is_there and mode & os.W_OK) and is_ours(path, mode)

    if not disk.is_real:
        monkeypatch.setattr(disk, "make_read_only", lambda: monkeypatch.setattr(os, "access", may))
    yield disk
    disk.close()


def test_export_reads_a_copy_on_a_read_only_disk(disk: HistoryDisk):
    path = left_behind(disk.folder / "chat.db", 3)
    (disk.folder / "chat.db.lock").unlink()
    disk.make_read_only()

    assert len(exported(path).splitlines()) == 3

    assert list(snapshot(disk.folder)) == ["chat.db"]


def test_export_reads_the_log_of_a_copy_too(disk: HistoryDisk, tmp_path: Path):
    """As a snapshot of a running room's disk has it: the newest messages are only there."""
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.append([past_message("lobby", n) for n in (1, 2)])
        for name in ("chat.db", "chat.db-wal", "chat.db-shm"):
            shutil.copy(tmp_path / name, disk.folder / name)
    before = snapshot(disk.folder)
    disk.make_read_only()

    assert len(exported(disk.folder / "chat.db").splitlines()) == 2

    assert snapshot(disk.folder) == before


def test_export_reads_a_copy_of_an_old_schema(disk: HistoryDisk):
    path = made_by_schema_1(disk.folder / "chat.db")
    before = snapshot(disk.folder)
    disk.make_read_only()

    assert len(exported(path).splitlines()) == ROOMS["lobby"]

    assert snapshot(disk.folder) == before


def test_export_refuses_a_read_only_view_of_a_file_that_a_server_uses(
    disk: HistoryDisk, monkeypatch: pytest.MonkeyPatch
):
    """As a container that mounts the room's folder for reading has it."""
    with closing(at(disk.folder / "chat.db")) as history:
        history.open()
        monkeypatch.setattr(files, "is_writable", lambda path: False)

        done = run("export", "lobby", "--history", disk.folder / "chat.db")

    assert (done.exit_code, done.stdout) == (5, "")
    assert "is in use by process" in done.stderr


def test_a_copy_that_changes_while_it_is_read_is_no_export(disk: HistoryDisk, tmp_path: Path):
    path = left_behind(disk.folder / "chat.db", 1)
    with (
        pytest.raises(HistoryUnavailable, match="was changed by another program"),
        opened_read_only("sqlite:chat.db", path) as history,
    ):
        assert history.head("lobby").seq == 1
        path.write_bytes(path.read_bytes() + bytes(4096))


def test_import_does_not_write_to_a_read_only_disk(disk: HistoryDisk):
    path = left_behind(disk.folder / "chat.db", 1)
    disk.make_read_only()
    assert run("import", "--history", path, input="").exit_code == 5


def test_a_room_without_a_word_is_told_and_no_error(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 1)
    done = run("export", "garden", "--history", path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "nothing has been said in garden" in done.stderr


def test_an_output_file_is_whole_or_not_there(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 2)
    output = tmp_path / "lobby.md"
    done = run("export", "lobby", "--history", path, "--format", "markdown", "-o", output)
    assert (done.exit_code, done.stdout) == (0, "")
    assert output.read_text().startswith("# lobby\n")

    output.unlink()
    assert run("export", "lobby", "--history", tmp_path / "no.db", "-o", output).exit_code == 5
    assert not output.exists()


def test_a_removed_message_is_in_no_export(tmp_path: Path):
    path = append(tmp_path / "chat.db", *(typed_message(n, f"c{n}", f"hi {n}") for n in (1, 2, 3)))
    change(path, *(stored(path)[n].taken_back(Remover.HOST, n + 1) for n in (0, 2)))

    for name in FORMATS:
        done = run("export", "lobby", "--history", path, "--format", name)
        assert (done.exit_code, done.stderr) == (0, ""), name
        assert re.findall(r"hi \d", done.stdout) == ["hi 2"]


# -- import ----------------------------------------------------------------------------------


def test_import_brings_all_back_with_their_times_under_new_ids(tmp_path: Path):
    text = exported(left_behind(tmp_path / "old.db", 3))
    done = run("import", "--history", tmp_path / "new.db", input=text)

    assert done.exit_code == 0, done.stderr
    assert done.stdout == ""
    assert "3 imported, 0 skipped" in done.stderr
    old, new = stored(tmp_path / "old.db"), stored(tmp_path / "new.db")
    same = [(m.room, m.user_name, m.body, m.timestamp, m.sent_at) for m in old]
    assert [(m.room, m.user_name, m.body, m.timestamp, m.sent_at) for m in new] == same
    assert not {m.id for m in old} & {m.id for m in new}


def test_imported_messages_come_behind_what_is_there(tmp_path: Path):
    text = exported(append(tmp_path / "old.db", *(past_message("lobby", n) for n in (1, 2))))
    path = left_behind(tmp_path / "new.db", 2)
    assert run("import", "--history", path, input=text).exit_code == 0
    assert [(m.seq, m.user_name) for m in stored(path)] == [
        (1, "Ann"),
        (2, "Ann"),
        (3, "Past"),
        (4, "Past"),
    ]


def test_importing_again_changes_nothing(tmp_path: Path):
    text = exported(left_behind(tmp_path / "old.db", 5))
    path = tmp_path / "new.db"
    run("import", "--history", path, input=text)
    before = stored(path)
    done = run("import", "--history", path, input=text + text)
    assert "0 imported, 10 skipped" in done.stderr
    assert stored(path) == before


def test_importing_into_where_it_came_from_changes_nothing(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 5)
    before = stored(path)
    done = run("import", "--history", path, input=exported(path))
    assert "0 imported, 5 skipped" in done.stderr
    assert stored(path) == before


def test_when_and_by_whom_survives_an_export_and_an_import(tmp_path: Path):
    message = typed_message(1, "c1")._replace(by="script", edited_at=1_700_000_000_123)
    text = exported(append(tmp_path / "old.db", message))
    assert '"by":"script","editedAt":"2023-11-14T22:13:20.123Z"}' in text
    assert run("import", "--history", tmp_path / "new.db", input=text).exit_code == 0

    (found,) = stored(tmp_path / "new.db")
    assert (found.by, found.edited_at) == (message.by, message.edited_at)
    assert exported(tmp_path / "new.db").partition('"id"')[0] == text.partition('"id"')[0]


def reply(seq: int, to: Message) -> Message:
    return typed_message(seq, f"c{seq}")._replace(reply_to=to.id)


def test_a_reply_leads_to_the_imported_message(tmp_path: Path):
    """Also through two exports, into a room that has others, and where it came from."""
    question = typed_message(1, "c1")
    path = append(tmp_path / "a.db", question, reply(2, question), reply(3, question))
    left_behind(tmp_path / "b.db", 4)
    for source, target in ("a", "b"), ("b", "c"), ("c", "a"):
        text = exported(tmp_path / f"{source}.db")
        assert run("import", "--history", tmp_path / f"{target}.db", input=text).exit_code == 0

    asked, *answers = stored(tmp_path / "b.db")[4:]
    assert [answer.reply_to for answer in answers] == [asked.id] * 2
    asked, *answers = stored(tmp_path / "c.db")[4:]
    assert [answer.reply_to for answer in answers] == [asked.id] * 2
    assert stored(path)[:3] == [question, reply(2, question), reply(3, question)]


def test_an_imported_reply_leads_to_what_is_there_already(tmp_path: Path):
    """Whether that was said there, or imported before."""
    question = typed_message(1, "c1")
    whole = append(tmp_path / "old.db", question, reply(2, question))
    first, second = exported(whole).splitlines()
    path = append(tmp_path / "said.db", question)
    run("import", "--history", path, input=second)
    assert [message.reply_to for message in stored(path)] == ["", question.id]

    run("import", "--history", tmp_path / "new.db", input=first)
    run("import", "--history", tmp_path / "new.db", input=second)
    asked, answer = stored(tmp_path / "new.db")
    assert answer.reply_to == asked.id != question.id


def test_an_imported_reply_to_what_is_not_there_stays_one(tmp_path: Path):
    question = typed_message(1, "c1")
    run("import", "--history", tmp_path / "new.db", input=to_json(reply(2, question)))

    assert [message.reply_to for message in stored(tmp_path / "new.db")] == [question.id]


@pytest.mark.parametrize(("said", "seq"), [("12-abc", "12"), ("0012-" + "a" * 20, "12")])
def test_an_imported_reply_to_what_no_message_is_called_leads_to_nothing(
    tmp_path: Path, said: str, seq: str
):
    """As another program may write it: whoever asks for that hears that it is not there."""
    line = to_json(reply(2, typed_message(1, "c1"))._replace(reply_to=said))
    run("import", "--history", tmp_path / "new.db", input=line)

    (found,) = stored(tmp_path / "new.db")
    assert is_id(found.reply_to)
    assert found.reply_to.startswith(f"{seq}-")


def test_an_imported_reply_to_what_no_room_is_so_long_for_is_none(tmp_path: Path):
    line = to_json(reply(2, typed_message(1, "c1"))._replace(reply_to=f"{10**14}-abc"))
    run("import", "--history", tmp_path / "new.db", input=line)

    assert [message.reply_to for message in stored(tmp_path / "new.db")] == [""]


@pytest.mark.parametrize("cmid", ["c1", ""])
def test_what_was_removed_does_not_come_back_by_an_import(tmp_path: Path, cmid: str):
    """From an export of before, into where it was said or into a copy."""
    path = append(tmp_path / "chat.db", typed_message(1, cmid, "secret"), typed_message(2, "c2"))
    text = exported(path)
    run("import", "--history", tmp_path / "copy.db", input=text)
    for history in path, tmp_path / "copy.db":
        first, *_ = stored(history)
        change(history, first.taken_back(Remover.AUTHOR, 1))

        done = run("import", "--history", history, input=text)

        assert "0 imported, 2 skipped" in done.stderr
        assert "secret" not in exported(history)


def test_what_was_sent_twice_and_removed_does_not_come_back_by_its_cmid(tmp_path: Path):
    """But a script's cmid may be another message's, if it comes from another room."""
    path = append(
        tmp_path / "chat.db", typed_message(1, "c1"), typed_message(2, "c2")._replace(user_id="")
    )
    change(path, *(m.taken_back(Remover.HOST, m.seq) for m in stored(path)))
    again = typed_message(7, "c1", "secret")._replace(sent_at=1)
    script = typed_message(8, "c2", "another")._replace(sent_at=1, user_id="")

    done = run("import", "--history", path, input=f"{to_json(again)}\n{to_json(script)}\n")

    assert "1 imported, 1 skipped" in done.stderr
    assert [m.body for m in stored(path)] == ["", "", "another"]


def test_what_was_edited_is_not_imported_as_another_message(tmp_path: Path):
    """Whichever of the two is there already: it stays."""
    for cmid in "c1", "":
        path = append(tmp_path / f"a{cmid}.db", typed_message(1, cmid, "old"))
        before = exported(path)
        change(path, stored(path)[0].edited("new", 1, 1_700_000_000_500))
        after = exported(path)
        for first, second in (before, after), (after, before):
            copy = tmp_path / f"{cmid}{first == before}.db"
            run("import", "--history", copy, input=first)
            kept = stored(copy)
            assert "0 imported, 1 skipped" in run("import", "--history", copy, input=second).stderr
            assert stored(copy) == kept
        both = tmp_path / f"{cmid}-both.db"
        done = run("import", "--history", both, input=after + before)
        assert "1 imported, 1 skipped" in done.stderr


def test_a_message_is_known_through_two_exports(tmp_path: Path):
    first = exported(left_behind(tmp_path / "a.db", 2))
    run("import", "--history", tmp_path / "b.db", input=first)
    second = exported(tmp_path / "b.db")
    done = run("import", "--history", tmp_path / "c.db", input=second + first)
    assert "2 imported, 2 skipped" in done.stderr
    assert run("import", "--history", tmp_path / "a.db", input=second).exit_code == 0
    assert len(stored(tmp_path / "a.db")) == 2


def test_a_new_nonce_is_made_once():
    assert new_nonce("0123456789abcdef") != "0123456789abcdef"
    assert new_nonce(new_nonce("0123456789abcdef")) == new_nonce("0123456789abcdef")
    assert len(new_nonce("ff")) == 16


def test_what_a_user_said_once_stays_single_whatever_its_id(tmp_path: Path):
    path = append(tmp_path / "chat.db", typed_message(1, "c1"))
    text = "".join(
        to_json(message) + "\n"
        for message in (
            typed_message(7, "c1"),
            typed_message(8, "c2", "new"),
            typed_message(9, "c2", "new"),
        )
    )
    done = run("import", "--history", path, input=text)
    assert "1 imported, 2 skipped" in done.stderr
    assert [(m.cmid, m.user_id, m.body) for m in stored(path)] == [
        ("c1", "ann", "hi"),
        ("c2", "ann", "new"),
    ]


@pytest.mark.parametrize("user_id", ["", "ann"])
def test_a_cmid_that_was_another_messages_elsewhere_costs_no_message(user_id: str, tmp_path: Path):
    """Such as a build's number, said in the rooms of two programs."""
    path = tmp_path / "chat.db"
    lines = [
        to_json(typed_message(1, "build-1", body)._replace(room=room, user_id=user_id))
        for room, body in (("web", "A"), ("app", "B"))
    ]
    # In one batch, then in two.
    for text in ("\n".join(lines), *lines):
        done = run("import", "--history", path, "--room", "all", input=text)
        assert done.exit_code == 0, done.stderr

    assert [(m.cmid, m.body) for m in stored(path, "all")] == [("build-1", "A"), ("", "B")]
    other = tmp_path / "other.db"
    for line in lines:
        run("import", "--history", other, "--room", "all", input=line)
    assert [(m.cmid, m.body) for m in stored(other, "all")] == [("build-1", "A"), ("", "B")]


def test_all_may_go_into_one_room(tmp_path: Path):
    remember(tmp_path, lobby=2, garden=2)
    text = exported(tmp_path / "chat.db") + exported(tmp_path / "chat.db", "garden")
    run("import", "--history", tmp_path / "new.db", "--room", "attic", input=text)
    assert len(stored(tmp_path / "new.db", "attic")) == 4
    assert not stored(tmp_path / "new.db")


def test_a_line_that_is_no_message_is_named_and_what_was_before_it_is_in(tmp_path: Path):
    lines = exported(left_behind(tmp_path / "old.db", 3)).splitlines()
    path = tmp_path / "new.db"
    broken = "\n".join([lines[0], lines[1], '{"body": "hi"}', lines[2]])

    done = run("import", "--history", path, input=broken)
    assert done.exit_code == 1
    assert "line 3 is not a message: id is missing" in done.stderr
    assert len(stored(path)) == 2
    assert (
        "1 imported, 2 skipped" in run("import", "--history", path, input="\n".join(lines)).stderr
    )


@pytest.mark.parametrize("line", ["[]", "{", "null", "\ufeff"])
def test_what_is_no_json_object_is_no_message(line: str, tmp_path: Path):
    done = run("import", "--history", tmp_path / "new.db", input=line)
    assert (done.exit_code, "line 1 is not a message" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00.000Z",  # what some programs write for none
        "0999-12-31T23:59:59.999Z",
        "1969-12-31T23:59:59.999Z",
        "9999-12-31T23:59:59.999Z",
        "2026-13-01T00:00:00.000Z",
        "2026-02-30T00:00:00.000Z",
        "0000-01-01T00:00:00.000Z",
    ],
)
def test_a_time_that_cannot_be_is_no_message(time: str, tmp_path: Path):
    good = to_json(past_message("lobby", 1))
    line = re.sub(r'"sentAt":"[^"]*"', f'"sentAt":"{time}"', to_json(past_message("lobby", 2)))

    done = run("import", "--history", tmp_path / "new.db", input=f"{good}\n{line}")

    assert done.exit_code == 1
    assert "line 2 is not a message: " in done.stderr
    assert len(stored(tmp_path / "new.db")) == 1


@pytest.mark.parametrize("time", ["1970-01-01T00:00:00.000Z", "9999-12-30T23:59:59.999Z"])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_time_that_is_imported_comes_out_of_every_format(time: str, format_: str, tmp_path: Path):
    line = re.sub(r'"sentAt":"[^"]*"', f'"sentAt":"{time}"', to_json(past_message("lobby", 1)))
    assert run("import", "--history", tmp_path / "new.db", input=line).exit_code == 0

    done = run("export", "lobby", "--history", tmp_path / "new.db", "--format", format_)

    assert done.exit_code == 0
    assert time[:10] in done.stdout


@pytest.mark.parametrize("line", [b"\xff\xfe", b'{"body": "caf\xe9"}', b'{"a":' * 100_000])
def test_bytes_that_are_no_message_are_told_in_one_line(line: bytes, tmp_path: Path):
    path = str(tmp_path / "new.db")
    done = CliRunner().invoke(chatroom, ["import", "--history", path], input=line)
    assert done.exit_code == 1
    assert "line 1 is not a message" in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_a_room_that_cannot_be_is_no_message(tmp_path: Path):
    line = to_json(past_message("lobby", 1)).replace('"room":"lobby"', '"room":"a b"')
    assert run("import", "--history", tmp_path / "new.db", input=line).exit_code == 1


def test_a_room_is_the_same_however_its_name_was_written(tmp_path: Path):
    line = to_json(past_message("lobby", 1)).replace('"room":"lobby"', '"room":"Ku\u0308che"')
    run("import", "--history", tmp_path / "new.db", input=line)
    assert len(stored(tmp_path / "new.db", "K\u00fcche")) == 1


def test_many_messages_are_many_small_commits(tmp_path: Path):
    count = 2 * BATCH + 7
    text = exported(left_behind(tmp_path / "old.db", count))
    file = tmp_path / "lobby.jsonl"
    file.write_text(text)
    done = run("import", file, "--history", tmp_path / "new.db")
    assert done.stderr == f"chatroom: {count} imported, 0 skipped (already there)\n"
    assert [m.seq for m in stored(tmp_path / "new.db")] == list(range(1, count + 1))


# -- export from a server --------------------------------------------------------------------


def lines(first: int, last: int, *, whole: bool = True) -> Answer:
    """The messages as a stream in chunks, with its end or without."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-ndjson")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for seq in range(first, last + 1):
            data = (to_json(past_message("lobby", seq)) + "\n").encode()
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        if whole:
            handler.wfile.write(b"0\r\n\r\n")
        handler.close_connection = True

    return answer


def rooms(last: int) -> Answer:
    room = {"name": "lobby", "messages": last, "last": f"{last}-{last:016x}", "sentAt": ""}
    return body(json.dumps({"rooms": [room]}))


def test_export_reads_a_server_that_runs():
    with answering(rooms(3), lines(1, 3)) as (url, asked):
        done = run("export", "lobby", "--url", url, "--format", "text")
    assert (done.exit_code, len(done.stdout.splitlines())) == (0, 3)
    assert asked == ["/api/rooms", "/api/rooms/lobby/messages?removed=ids"]


def test_a_stream_that_breaks_off_is_gone_on_with():
    with answering(rooms(9), lines(1, 4, whole=False), lines(5, 9)) as (url, asked):
        done = run("export", "lobby", "--url", url)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [
        f"{n}-{n:016x}" for n in range(1, 10)
    ]
    assert asked[-1] == f"/api/rooms/lobby/messages?removed=ids&since=4-{4:016x}"


def test_a_stream_that_goes_on_breaking_off_is_an_error():
    with answering(rooms(9), lines(1, 4, whole=False), lines(5, 4, whole=False)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 3
    assert "broke off" in done.stderr


def test_a_stream_that_ends_too_early_is_an_error():
    with answering(rooms(9), lines(1, 4)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 1
    assert "incomplete: ends at message 4 of 9" in done.stderr


def test_what_is_deleted_meanwhile_is_told():
    with answering(rooms(9), lines(1, 4, whole=False), lines(8, 9)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 0
    assert "5 to 7 were deleted" in done.stderr


def test_what_was_removed_is_left_out_and_missing_to_nobody():
    """In the middle, and at the end, where a stream might have been cut off."""
    removed = '{"id":"%s","removed":"host"}'
    kept = [to_json(past_message("lobby", seq)) for seq in (2, 4)]
    gone = [removed % past_message("lobby", seq).id for seq in (1, 3, 5)]
    stream = "\n".join([gone[0], kept[0], gone[1], kept[1], gone[2], ""])
    with answering(rooms(5), body(stream, "application/x-ndjson")) as (url, _):
        done = run("export", "lobby", "--url", url)

    assert (done.exit_code, done.stdout.splitlines(), done.stderr) == (0, kept, "")


def test_a_page_of_removed_messages_does_not_end_what_is_before_it():
    def page(link: str, *seqs: int) -> Answer:
        found = ",".join(to_json(past_message("lobby", seq)) for seq in seqs)

        def answer(handler: BaseHTTPRequestHandler) -> None:
            data = f'{{"messages":[{found}]}}'.encode()
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(data)))
            if link:
                handler.send_header("Link", f'</api/x?before={link}&limit=2>; rel="prev"')
            handler.end_headers()
            handler.wfile.write(data)

        return answer

    ids = [past_message("lobby", seq).id for seq in range(10)]
    with answering(page(ids[7], 8), page(ids[5]), page("", 1, 2)) as (url, asked):
        found = Api(url).before("lobby", ids[9], 3)

    assert [item.message.seq for item in found] == [1, 2, 8]
    assert [path.partition("before=")[2].partition("&")[0] for path in asked] == [
        ids[9],
        ids[7],
        ids[5],
    ]


def test_what_the_server_says_of_an_error_is_told():
    problem = '{"type": "about:blank", "title": "Busy", "detail": "Too many are streamed."}'
    no = body(problem, "application/problem+json", 503)
    with answering(rooms(9), no) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 4
    assert "Too many are streamed." in done.stderr


@pytest.mark.parametrize("answer", ["<p>hello", "[]", '{"rooms": 1}', '{"rooms": [1]}'])
def test_a_server_that_is_no_chat_room_is_named(answer: str):
    with answering(body(answer)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 4
    assert "does not answer like a chat room" in done.stderr


ODD_LINES = [
    to_json(past_message("lobby", 2)).replace('"sentAt":"', '"sentAt":"once '),
    to_json(past_message("lobby", 2)).replace('"body":"lobby 2"', '"body":{"from":"the future"}'),
    to_json(past_message("lobby", 2)).replace('"id":"', '"id":"x'),
    '{"type":"from-the-future"}',
    "[" * 100_000,
    "\u2028",
]


@pytest.mark.parametrize("odd", ODD_LINES, ids=range(len(ODD_LINES)))
def test_a_line_that_cannot_be_read_is_left_out_and_told(odd: str, tmp_path: Path):
    good = [to_json(past_message("lobby", seq)) for seq in (1, 3)]
    stream = body("\n".join([good[0], odd, "", good[1], ""]), "application/x-ndjson")
    output = tmp_path / "lobby.jsonl"
    with answering(rooms(3), stream, rooms(3), stream) as (url, _):
        done = run("export", "lobby", "--url", url)
        assert run("export", "lobby", "--url", url, "-o", output).exit_code == 1
    assert (done.exit_code, done.stdout.splitlines()) == (1, good)
    assert output.read_text().splitlines() == good
    first, last = done.stderr.splitlines()
    assert "is left out: " in first
    assert last == "chatroom: incomplete: 1 could not be read here"


def reacted_to(path: Path, *seqs: int) -> Path:
    """Somebody likes these messages of the lobby, and somebody else finds the last one odd."""
    with closing(at(path)) as history:
        history.open()
        ids = [MessageId(seq, f"{seq:016x}") for seq in seqs]
        clicks = [Click("lobby", id, Person("ann", "Ann"), "like", on=True) for id in ids]
        bob = Person("bob", "Bob")
        history.react([*clicks, Click("lobby", ids[-1], bob, "question", on=True)])
    return path


def test_an_export_has_how_many_people_have_reacted_but_not_who(tmp_path: Path):
    path = reacted_to(left_behind(tmp_path / "chat.db", 3), 1, 3)

    fields = [json.loads(line) for line in exported(path).splitlines()]

    assert [one.get("reactions") for one in fields] == [
        {"counts": {"like": 1}},
        None,
        {"counts": {"like": 1, "question": 1}},
    ]
    assert "Bob" not in exported(path)


def test_an_export_from_a_server_is_the_same_without_marks(tmp_path: Path):
    line = to_json(past_message("lobby", 1))[:-1] + ',"reactions":{"mark":7,"counts":{"like":2}}}'
    with answering(rooms(1), body(line, "application/x-ndjson")) as (url, _):
        done = run("export", "lobby", "--url", url)

    assert json.loads(done.stdout)["reactions"] == {"counts": {"like": 2}}


def test_an_import_leaves_reactions_out_and_says_how_many_messages_had_some(tmp_path: Path):
    """And an odd one is no reason to leave the message out."""
    text = exported(reacted_to(left_behind(tmp_path / "old.db", 4), 1, 3))
    *lines, last = text.splitlines()
    odd = last[:-1] + ',"reactions":{"counts":{"like":"many"}}}'

    done = run("import", "--history", tmp_path / "new.db", input="\n".join([*lines, odd]))

    assert done.exit_code == 0
    first, second = done.stderr.splitlines()
    assert first == "chatroom: 4 imported, 0 skipped (already there)"
    assert second.startswith("chatroom: 2 of them without their reactions: ")
    assert "reactions" not in exported(tmp_path / "new.db")
    again = run("import", "--history", tmp_path / "new.db", input=text)
    assert again.stderr == "chatroom: 0 imported, 4 skipped (already there)\n"


def test_unknown_fields_are_no_reason_to_leave_a_message_out():
    later = to_json(past_message("lobby", 1)).replace("{", '{"reactions":{"+1":["x"]},', 1)
    with answering(rooms(1), body(later, "application/x-ndjson")) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert (done.exit_code, done.stderr, len(done.stdout.splitlines())) == (0, "", 1)


def test_an_output_file_is_not_made_of_a_stream_that_ends_too_early(tmp_path: Path):
    old = tmp_path / "old.jsonl"
    old.write_text("what was there before")
    for output in (old, tmp_path / "new.jsonl"):
        with answering(rooms(9), lines(1, 4)) as (url, _):
            assert run("export", "lobby", "--url", url, "-o", output).exit_code == 1
    assert snapshot(tmp_path) == {"old.jsonl": b"what was there before"}


def test_an_output_file_that_is_replaced_keeps_its_permissions(tmp_path: Path):
    output = tmp_path / "lobby.jsonl"
    output.touch(mode=0o600)
    run("export", "lobby", "--history", left_behind(tmp_path / "chat.db", 1), "-o", output)
    assert output.stat().st_mode & 0o777 == 0o600
    assert len(output.read_text().splitlines()) == 1


def test_an_output_that_is_no_ordinary_file_is_written_in_place(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 1)
    pipe = tmp_path / "pipe"  # and no device: if this fails, it is gone
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run("export", "lobby", "--history", path, "--output", pipe).exit_code == 0
        assert pipe.is_fifo()
        assert json.loads(os.read(reader, 65536))["body"] == "hi"
    finally:
        os.close(reader)


def test_an_output_file_that_cannot_be_written_is_named(tmp_path: Path):
    path = left_behind(tmp_path / "chat.db", 1)
    output = tmp_path / "no" / "such" / "folder"
    done = run("export", "lobby", "--history", path, "--output", output)
    assert done.exit_code == 1
    assert done.stderr == f"chatroom: {output} cannot be written: No such file or directory\n"


def test_a_csv_may_be_exact(tmp_path: Path):
    path = append(tmp_path / "chat.db", typed_message(1, "c1", "=1"))
    safe = run("export", "lobby", "--history", path, "-f", "csv").stdout
    exact = run("export", "lobby", "--history", path, "-f", "csv", "--exact").stdout
    assert safe.startswith("\ufeff")
    assert ('"\'=1"' in safe, ",=1," in exact) == (True, True)
    assert run("export", "lobby", "--history", path, "--exact").exit_code == 2


def test_the_progress_is_shown_on_a_terminal_only():
    with answering(rooms(LONG), lines(1, LONG)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert len(done.stdout.splitlines()) == LONG
    assert done.stderr == ""


# -- room delete -----------------------------------------------------------------------------


@pytest.fixture
def two_rooms(tmp_path: Path) -> Path:
    path = tmp_path / "chat.db"
    return append(path, *said("garden", 1, 2), *said("lobby", 1, 1))


def test_a_room_is_deleted_once_the_question_is_answered(two_rooms: Path):
    done = run("room", "delete", "garden", "--history", two_rooms, input="y\n")

    assert done.exit_code == 0
    assert "room garden: 2 messages" in done.stderr
    assert "room garden is deleted, with 2 messages" in done.stderr
    assert (stored(two_rooms, "garden"), len(stored(two_rooms))) == ([], 1)


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_no_room_is_deleted(two_rooms: Path, answer: str):
    done = run("room", "delete", "garden", "--history", two_rooms, input=answer)

    assert done.exit_code == 1
    assert len(stored(two_rooms, "garden")) == 2


def test_no_room_is_deleted_from_a_file_that_cannot_be_written(
    two_rooms: Path, monkeypatch: pytest.MonkeyPatch
):
    """Export would read a copy of it."""
    with monkeypatch.context() as patch:
        patch.setattr(files, "is_writable", lambda path: False)

        done = run("room", "delete", "garden", "--history", two_rooms, "--yes")

    assert (done.exit_code, "is deleted" in done.stderr) == (5, False)
    assert "cannot be written" in done.stderr
    assert run("export", "garden", "--history", two_rooms).stdout


def test_several_rooms_are_deleted_without_a_question(two_rooms: Path):
    done = run("room", "delete", "garden", "lobby", "garden", "--history", two_rooms, "--yes")

    assert (done.exit_code, done.stdout) == (0, "")
    assert stored(two_rooms, "garden") == stored(two_rooms) == []


def test_where_one_room_is_unknown_none_is_deleted(two_rooms: Path):
    done = run("room", "delete", "garden", "gaarden", "--history", two_rooms, "--yes")

    assert done.exit_code == 1
    assert done.stderr.splitlines() == [
        f"chatroom: {two_rooms} has no room 'gaarden'; nothing is deleted"
    ]
    assert len(stored(two_rooms, "garden")) == 2


def test_a_room_that_has_only_hosts_yet_is_deleted_with_what_they_decided(two_rooms: Path):
    with closing(at(two_rooms)) as history:
        history.open()
        history.enact("class", '{"speak":"hosts"}', None)

    done = run("room", "delete", "class", "--history", two_rooms, "--yes")

    assert (done.exit_code, done.stderr) == (
        0,
        "chatroom: room class is deleted, with 0 messages\n",
    )
    with closing(at(two_rooms)) as history:
        history.open()
        assert history.decided() == []


def test_no_room_is_deleted_while_a_server_uses_the_history(two_rooms: Path):
    with closing(at(two_rooms)) as server:
        server.open()
        done = run("room", "delete", "garden", "--history", two_rooms, "--yes")

    assert done.exit_code == 5
    assert "is in use by process" in done.stderr
    assert len(stored(two_rooms, "garden")) == 2


def test_no_history_is_created_to_delete_a_room(tmp_path: Path):
    done = run("room", "delete", "garden", "--history", tmp_path / "none.db", "--yes")

    assert done.exit_code == 5
    assert list(tmp_path.iterdir()) == []


def test_an_export_does_not_take_the_place_of_a_history(tmp_path: Path) -> None:
    """``-o chat.db``, where ``chat.json`` was meant: all that was ever said would be gone."""
    path = tmp_path / "chat.db"
    remember(tmp_path, lobby=2)
    (tmp_path / "link.jsonl").symlink_to(path)
    for output in (path, tmp_path / "link.jsonl"):
        done = run("export", "lobby", "--history", path, "-o", output)

        assert done.exit_code == 1
        assert f"{path} is a database, and stays as it is" in done.stderr
        assert len(stored(path)) == 2
