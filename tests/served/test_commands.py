"""``python -m chatroom``: each command as a process, against a real server."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import pytest

from chatroom.client import ChatClient
from chatroom.commands import chatroom
from chatroom.commands.exit_codes import Code
from chatroom.commands.formats import FORMATS
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.histories import remember
from tests.support.server_process import Launch, Running, serving
from tests.support.terminal import PROGRAM, Shell, Terminal, at

pytestmark = pytest.mark.takes(seconds=41)

COMMANDS = ("serve", "say", "tail", "chat", "export", "import", "doctor")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("commands"), maxUsers=100) as running:
        yield running


@pytest.fixture
def ann(server: Running, tmp_path: Path) -> Shell:
    return at(server, tmp_path / "ann")


@pytest.fixture
def room() -> str:
    """A room that no other test uses."""
    return f"room-{uuid4().hex[:8]}"


# -- help and completion ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_helps(command: str, tmp_path: Path):
    done = Shell(tmp_path).run(*command.split(), "--help")

    assert done.code == 0
    assert done.out.startswith(f"Usage: chatroom {command}".rstrip())
    assert not done.err
    if not command:
        assert all(re.search(rf"^  {name} ", done.out, re.MULTILINE) for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        (["shout"], "shout"),
        (["say", "a room"], "Invalid room name"),
        (["say", "--url", "ftp://x", "lobby", "hi"], "ftp://x"),
        (["tail"], "ROOM"),
        (["export", "lobby", "--format", "pdf"], "pdf"),
    ],
)
def test_a_wrong_use_is_named_on_standard_error(arguments: list[str], wrong: str, tmp_path: Path):
    done = Shell(tmp_path).run(*arguments)

    assert (done.code, done.out) == (2, "")
    assert wrong in done.err


def completed(person: Shell, words: str) -> list[str]:
    """What bash is offered for the last word."""
    number = len(words.split(" ")) - 1
    done = person.run(_CHATROOM_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(number))
    return [line.partition(",")[2] for line in done.lines]


def test_the_shell_completes_commands_and_options(tmp_path: Path):
    person = Shell(tmp_path)
    assert completed(person, "chatroom t") == ["tail"]
    assert "--format" in completed(person, "chatroom export lobby --fo")
    assert completed(person, "chatroom export lobby --format m") == ["markdown"]


# -- say and tail ----------------------------------------------------------------------------


def test_what_one_says_the_other_sees(ann: Shell, room: str):
    said = ann.run("say", "--ids", room, "Good", "morning!")
    seen = ann.run("tail", room, "--no-follow")

    assert (said.code, seen.code) == (0, 0)
    assert re.fullmatch(r"1-[0-9a-f]{16}\n", said.out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ann: Good morning!\n", seen.out)
    assert (said.err, seen.err) == ("", "")


def test_a_name_that_nobody_checked_is_marked(ann: Shell, server: Running, room: str):
    ann.run("say", room, "hi")
    with server.join("ann", room) as impostor:
        impostor.say("so am I")
        impostor.hear_until("so am I")
    first, second = ann.run("tail", room, "--no-follow").lines
    assert first.endswith(" ann: hi")
    assert second.endswith(" ~ann: so am I")


def test_what_follows_the_room_is_text(ann: Shell, room: str):
    said: dict[str, list[str | bytes]] = {
        "-h": ["-h"],
        "--name Zoe": ["--name", "Zoe"],
        "-h -- me": ["--", "-h", "--", "me"],
        "caf\ufffd": [b"caf\xe9"],
    }
    for words in said.values():
        assert ann.run("say", room, *words).code == 0
    messages = [json.loads(line) for line in ann.run("export", room).lines]
    assert [message["body"] for message in messages] == list(said)
    assert {message["userName"] for message in messages} == {"ann"}


def test_an_option_that_became_text_is_told(ann: Shell, room: str):
    assert "options come before ROOM" in ann.run("say", room, "--name", "Zoe").err


def test_the_url_of_a_rooms_page_is_server_and_room(ann: Shell, room: str):
    page = f"{ann.environ['CHATROOM_URL']}/rooms/{room}"
    assert ann.run("say", "--url", page, input="one\n").code == 0
    assert ann.run("tail", "--no-follow", CHATROOM_URL=page).out.endswith(": one\n")
    assert len(ann.run("export", CHATROOM_URL=page).lines) == 1
    assert ann.run("say", "--url", page, "other", "three").code == 2


def test_without_a_url_the_server_is_that_of_the_settings_here(
    server: Running, tmp_path: Path, room: str
):
    ann = Shell(tmp_path / "ann")
    del ann.environ["CHATROOM_URL"]
    config = server.folder / "config.json"
    assert ann.run("say", room, "one", CHATROOM_CONFIG=str(config)).code == 0
    assert ann.run("say", room, "two", PORT=str(server.port)).code == 0
    (ann.home / "config.json").write_text(config.read_text())
    assert len(ann.run("export", room).lines) == 2

    (ann.home / "config.json").write_text('{"prot": 1}')
    refused = ann.run("export", room)
    assert refused.code == 2
    assert re.search("prot.*nearest is port.*--url", refused.err)


def test_each_line_of_standard_input_is_a_message(ann: Shell, room: str):
    text = "one\n\n  two\r\n" + "".join(f"{number}\n" for number in range(2000)) + "no line end"
    assert ann.run("say", room, input=text).code == 0

    seen = ann.run("tail", room, "--no-follow", "--json", "--lines", "500")
    bodies = [json.loads(line)["body"] for line in seen.lines]
    assert bodies == [*map(str, range(1501, 2000)), "no line end"]
    assert ann.run("tail", room, "--no-follow", "-n", "2").lines[0].endswith(": 1999")


def test_bytes_that_are_no_text_do_not_end_it(ann: Shell, room: str):
    assert ann.run("say", room, input=b"a\xffb\nc\n").code == 0
    seen = ann.run("tail", room, "--no-follow")
    assert [line.partition("ann: ")[2] for line in seen.lines] == ["a�b", "c"]


def test_a_message_can_not_command_the_terminal(ann: Shell, room: str):
    ann.run("say", "--name", "Eve\x9b", room, "\x1b[2Jgone\nand more")
    ann.run("say", room, "\x1b[2Jgone\nand more")

    seen = ann.run("tail", room, "--no-follow")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", seen.out)
    assert seen.lines[-1] == "    and more"


def test_who_says_one_line_after_another_is_one_person(ann: Shell, room: str):
    for body in ("one", "two"):
        ann.run("say", room, body)
    messages = [json.loads(line) for line in ann.run("tail", room, "--no-follow", "--json").lines]

    assert len({message["userId"] for message in messages}) == 1
    assert {message["userName"] for message in messages} == {"ann"}


def test_the_proof_of_who_one_is_is_for_the_owner_alone(ann: Shell, room: str):
    ann.run("say", room, "hi")
    (token,) = (ann.home / "state" / "chatroom").iterdir()
    assert token.stat().st_mode & 0o777 == 0o600
    assert token.parent.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_written_keeps_nobody_from_talking(ann: Shell, room: str):
    ann.environ["XDG_STATE_HOME"] = "/dev/null"
    assert ann.run("say", room, "hi").code == 0


def test_a_login_name_that_is_taken_gives_way_to_one_that_is_free(
    ann: Shell, server: Running, room: str, tmp_path: Path
):
    other = at(server, tmp_path / "other")
    ann.run("say", room, "first")
    with ann.start("tail", room) as tail:
        assert "first" in tail.line()
        said = other.run("say", room, "second")
        assert said.code == 0
        assert "ann is taken here: you are " in said.err
        assert re.search(r" ann.+: second$", tail.line())


def test_a_name_that_one_asked_for_and_is_taken_is_refused(
    ann: Shell, server: Running, room: str, tmp_path: Path
):
    ann.run("say", room, "first")
    with ann.start("tail", room, "--name", "Zoe") as tail:
        assert "first" in tail.line()
        said = at(server, tmp_path / "other").run("say", "--name", "ZOE", room, "second")

    assert said.code == 4
    assert "name-taken" in said.err


def test_a_message_that_is_refused_is_told_and_the_rest_goes_on(ann: Shell, room: str):
    said = ann.run("say", "--ids", room, input=f"{'x' * 70000}\nsmall\n")

    assert said.code == 1
    assert "too-big" in said.err
    assert len(said.lines) == 1


def test_a_server_that_is_not_there_has_an_exit_code_of_its_own(tmp_path: Path):
    done = Shell(tmp_path).run("say", "--patience", "0.2", "lobby", "hi")

    assert (done.code, done.out) == (3, "")
    assert re.fullmatch(r"chatroom: ws://127.0.0.1:1/chat cannot be reached: .*\n", done.err)


def test_tail_goes_on_over_a_killed_server_without_a_gap_or_a_double(serve: Launch, tmp_path: Path):
    server = serve(history="sqlite:chat.db")
    bob = at(server, tmp_path / "bob", "bob")
    with at(server, tmp_path / "ann").start("tail", "lobby", "--json") as tail:
        bob.run("say", "lobby", input="1\n2\n3\n")
        heard = [json.loads(tail.line())["body"] for _ in range(3)]
        server.kill()
        server.start()
        bob.run("say", "lobby", input="4\n5\n")
        heard += [json.loads(tail.line())["body"] for _ in range(2)]
        code, err = tail.interrupt()

    assert heard == ["1", "2", "3", "4", "5"]
    assert code == 130
    assert "connection lost" in err
    assert "Traceback" not in err


def test_tail_says_what_becomes_of_the_messages_that_it_has_shown(
    ann: Shell, server: Running, room: str, tmp_path: Path
):
    with (
        ChatClient(f"http://127.0.0.1:{server.port}", "Bob", room) as bob,
        ann.start("tail", room) as tail,
        at(server, tmp_path / "amy", "amy").start("tail", room, "--json") as lines,
    ):
        edited, removed = (bob.say(body).wait(DEADLINE) for body in ("tow", "secret"))
        shown = [tail.line() for _ in range(2)]
        said = [json.loads(lines.line()) for _ in range(2)]
        bob.edit(edited, "two").wait(DEADLINE)
        bob.remove(removed).wait(DEADLINE)
        bob.say("three").wait(DEADLINE)
        assert tail.line().endswith(" Bob: three")
        frames = [json.loads(lines.line()) for _ in range(3)]
        _, err = tail.interrupt()

    assert err.splitlines()[:2] == [
        f"chatroom: now reads: {shown[0][:-3]}two",
        f"chatroom: removed: {shown[1].removesuffix(': secret')}",
    ]
    changed = {**said[0], "body": "two", "editedAt": frames[0]["message"]["editedAt"]}
    assert frames[0] == {"type": "changed", "rev": 1, "message": changed}
    assert frames[1] == {"type": "removed", "rev": 2, "id": removed, "by": "author"}
    assert frames[2]["body"] == "three"
    again = ann.run("tail", room, "--no-follow")
    assert [line.rpartition(" ")[2] for line in again.lines] == ["two", "three"]
    assert [json.loads(line)["body"] for line in ann.run("export", room).lines] == ["two", "three"]


def test_tail_for_programs_has_what_people_think_of_messages(
    ann: Shell, server: Running, room: str, tmp_path: Path
):
    """Of past ones in their lines, and then as it changes; also after a message, and for those that
    are read over HTTP."""
    with ChatClient(f"http://127.0.0.1:{server.port}", "Bob", room) as bob:
        one, two, three = (bob.say(body).wait(DEADLINE) for body in ("1", "2", "3"))
        bob.react(one, "like").wait(DEADLINE)
        bob.react(three, "wow").wait(DEADLINE)
        with at(server, tmp_path / "amy", "amy").start("tail", room, "--json") as lines:
            past = [json.loads(lines.line()) for _ in range(3)]
            bob.react(two, "done").wait(DEADLINE)
            frame = json.loads(lines.line())
            lines.interrupt()

    counts = [message.get("reactions", {}).get("counts") for message in past]
    assert counts == [{"like": 1}, None, {"wow": 1}]
    (state,) = frame["messages"]
    assert (frame["type"], state["id"], state["counts"]) == ("reactions", two, {"done": 1})
    assert state["mark"] > max(past[0]["reactions"]["mark"], past[2]["reactions"]["mark"])

    last, answer = ann.run("tail", room, "--json", "--no-follow", "--since", two).lines
    assert json.loads(last)["id"] == three
    assert [it["counts"] for it in json.loads(answer)["messages"]] == [{"wow": 1}]
    assert len(ann.run("tail", room, "--json", "--no-follow", "--since", three).lines) == 0
    (newest,) = ann.run("tail", room, "--json", "--no-follow", "-n", "1").lines
    assert json.loads(newest)["reactions"]["counts"] == {"wow": 1}
    exported = [json.loads(line) for line in ann.run("export", room).lines]
    assert [it.get("reactions") for it in exported] == [
        {"counts": {"like": 1}},
        {"counts": {"done": 1}},
        {"counts": {"wow": 1}},
    ]


def test_tail_for_programs_misses_no_reaction_while_the_server_is_away(
    serve: Launch, tmp_path: Path
):
    server = serve(history="sqlite:chat.db")
    with (
        ChatClient(f"http://127.0.0.1:{server.port}", "Bob", "lobby", patience=DEADLINE) as bob,
        at(server, tmp_path / "ann").start("tail", "lobby", "--json") as tail,
    ):
        one = bob.say("1").wait(DEADLINE)
        assert json.loads(tail.line())["id"] == one
        bob.react(one, "like").wait(DEADLINE)
        mark = json.loads(tail.line())["mark"]
        server.kill()
        pending = bob.react(one, "wow")
        server.start()
        pending.wait(DEADLINE)
        frame = json.loads(tail.line())
        tail.interrupt()

    assert frame["mark"] > mark
    assert frame["messages"][0]["counts"] == {"like": 1, "wow": 1}


def test_say_waits_for_a_server_that_is_away_for_a_moment(prepare: Launch, tmp_path: Path):
    server = prepare(history="sqlite:chat.db")
    with at(server, tmp_path / "ann").start("say", "--patience", "60", "lobby", "hi") as say:
        server.start()
        assert say.end() == (0, "")
    assert [message["body"] for message in server.history()] == ["hi"]


def test_a_reply_is_shown_below_what_it_answers(ann: Shell, room: str):
    (id,) = ann.run("say", "--ids", room, "Tea?").out.split()
    assert ann.run("say", "--reply-to", id, room, "Yes").code == 0
    refused = ann.run("say", "--reply-to", "yours", room, "No")
    assert (refused.code, "wanted: an id such as" in refused.err) == (2, True)

    question, above, answer = ann.run("tail", room, "--no-follow").out.splitlines()
    assert above == f"  in reply to {question.removesuffix(': Tea?')}"
    assert answer.endswith(": Yes")
    found = ann.run("tail", room, "--no-follow", "--json").out.splitlines()
    assert [json.loads(line).get("replyTo") for line in found] == [None, id]


def test_tail_begins_behind_a_message_and_says_where_that_is_gone(ann: Shell, room: str):
    ids = ann.run("say", "--ids", room, input="1\n2\n3\n").lines

    behind = ann.run("tail", room, "--no-follow", "--since", ids[0])
    assert [line[-1] for line in behind.lines] == ["2", "3"]
    gone = ann.run("tail", room, "--no-follow", "--since", "1-0000000000000000")
    assert [line[-1] for line in gone.lines] == ["1", "2", "3"]
    assert "there is a gap" in gone.err


def test_tail_shows_as_many_lines_as_asked_for(tmp_path: Path, ann: Shell):
    remember(tmp_path / "server", lobby=3000)
    with serving(tmp_path / "server", history="sqlite:chat.db", replayLimit=20) as server:
        person = at(server, tmp_path / "person")
        for count in (20, 2500, 4000):
            seen = person.run("tail", "lobby", "--no-follow", "-n", str(count), "--json")
            bodies = [json.loads(line)["body"] for line in seen.lines]
            assert bodies == [f"lobby {n}" for n in range(max(1, 3001 - count), 3001)]
            assert seen.err == ""


def test_tail_ends_at_once_when_its_reader_has_gone_though_nobody_speaks(
    ann: Shell, server: Running, room: str
):
    tell(server, room, "hi")
    done = ann.run_with("| head -1", "tail", room)
    assert (done.out.endswith("hi\n"), done.err) == (True, "")


def tell(server: Running, room: str, body: str) -> None:
    """Say it, without a process."""
    with server.join("Bob", room) as bob:
        bob.say(body)
        bob.hear_until(body)


@pytest.mark.parametrize(
    "command",
    [
        "tail ROOM > /dev/full",
        "export ROOM > /dev/full",
        "say --ids ROOM hi > /dev/full",
        "doctor > /dev/full",
        "--version > /dev/full",
        "tail ROOM >&-",
        "export ROOM >&-",
    ],
)
def test_an_output_that_cannot_be_written_is_one_line(
    command: str, ann: Shell, server: Running, room: str
):
    tell(server, room, "hi")
    words, redirection = re.fullmatch(r"(.*?) (>.*)", command.replace("ROOM", room)).groups()
    done = ann.run_with(redirection, *words.split())

    assert (done.code, done.out) == (1, "")
    cause = "No space left on device" if "full" in command else "Bad file descriptor"
    assert done.err == f"chatroom: standard output cannot be written: {cause}\n"


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "2> /dev/full"])
def test_say_needs_no_output(redirection: str, ann: Shell, room: str):
    assert ann.run_with(redirection, "say", room, "hi").code == 0


def test_an_exit_code_survives_a_standard_error_that_cannot_be_written(ann: Shell):
    done = ann.run_with("2> /dev/full", "say", "--name", "\x1b", "lobby", "hi")
    assert done.code == 4


C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.parametrize(
    ("command", "environ", "shown"),
    [
        ("tail --no-follow", C_LOCALE, r"gr\u00fcn \ud83d\ude00"),
        ("tail --no-follow --json", {"PYTHONIOENCODING": "ascii"}, r'"gr\u00fcn \ud83d\ude00"'),
        ("export --format text", {"PYTHONIOENCODING": "latin-1"}, "gr\u00fcn \\ud83d\\ude00"),
        ("export --format csv", {"PYTHONIOENCODING": "latin-1"}, '"gr\u00fcn \\ud83d\\ude00"'),
    ],
)
def test_what_the_output_cannot_express_is_escaped(
    command: str, environ: dict[str, str], shown: str, ann: Shell, server: Running, room: str
):
    tell(server, room, "gr\u00fcn \U0001f600")
    done = ann.run(*command.split(), room, encoding="latin-1", **environ)
    assert (done.code, done.err) == (0, "")
    assert shown in done.out
    assert "ufeff" not in done.out


def test_what_standard_error_cannot_express_is_escaped(ann: Shell):
    done = ann.run("say", "--name", "\U0001f600" * 65, "lobby", **C_LOCALE)
    assert done.code == 4
    assert "Traceback" not in done.err


def test_tail_ends_quietly_when_nobody_reads_it(ann: Shell, room: str):
    ann.run("say", room, input="1\n2\n3\n")
    with ann.start_unheard("tail", room) as tail:
        code, err = tail.end()

    assert code == 1
    assert err == ""


# -- serve -----------------------------------------------------------------------------------


class Serving(Running):
    command = (*PROGRAM, "serve")


def test_serve_opens_the_room_and_stops_when_told_to(tmp_path: Path):
    server = Serving(tmp_path / "server")
    try:
        server.start()
        assert at(server, tmp_path / "ann").run("say", "lobby", "hi").code == 0
        assert server.stop() == 0
        assert "The chat room is open" in server.said()
    finally:
        server.kill()


def test_serve_refuses_wrong_settings_in_one_line(tmp_path: Path):
    server = Serving(tmp_path / "server", replayLimit="many")
    try:
        assert "replayLimit is 'many'" in server.refusal()
    finally:
        server.kill()


# -- chat ------------------------------------------------------------------------------------


@pytest.fixture
def terminal(ann: Shell, room: str) -> Iterator[Terminal]:
    terminal = Terminal(ann, room)
    yield terminal
    terminal.close()


def test_people_chat(terminal: Terminal, server: Running, room: str, tmp_path: Path):
    bob = at(server, tmp_path / "bob", "bob")
    terminal.wait_for("you are ann in")
    terminal.type("Hello everyone")
    terminal.wait_for("ann: Hello everyone")
    bob.run("say", room, "Hello ann")
    terminal.wait_for("bob is here")
    terminal.wait_for("bob: Hello ann")
    terminal.type("/reply bob Hello again")
    terminal.wait_for("in reply to")
    terminal.wait_for("ann: Hello again")
    terminal.type("/react like ann")
    terminal.wait_for("ann: like 1")
    terminal.type("/who")
    terminal.wait_for("ann")
    terminal.type("/name Anna")
    terminal.wait_for("ann is now called Anna")
    terminal.type("//not a command")
    terminal.wait_for("Anna: /not a command")
    terminal.type("/dance")
    terminal.wait_for("unknown command /dance")
    terminal.type("/quit")
    assert terminal.process.wait(DEADLINE) == 0


PROMPT = "\x1b[?2004h"  # it begins with bracketed paste: from now on, keys are read one by one


@pytest.mark.parametrize(("keys", "code"), [(b"\x03", 130), (b"\x04", 0), (b"/quit\r", 0)])
def test_ones_last_line_is_on_the_screen_before_chat_ends(
    terminal: Terminal, keys: bytes, code: int
):
    terminal.wait_for(PROMPT)
    terminal.send(b"a last word\r" + keys)
    assert terminal.rest().count("ann: a last word") == 1
    assert terminal.process.wait(DEADLINE) == code


def test_chat_ends_with_130_on_a_signal(terminal: Terminal):
    terminal.wait_for(PROMPT)
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.process.wait(DEADLINE) == 130
    assert "Traceback" not in terminal.rest()


def test_chat_without_its_extra_says_what_to_install(ann: Shell, tmp_path: Path):
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError")
    ann.environ["PYTHONPATH"] = f"{tmp_path}:{ann.environ['PYTHONPATH']}"

    done = ann.run("chat", "lobby")

    assert done.code == 1
    assert re.fullmatch(r"chatroom: chat needs prompt_toolkit: .*pip install.*\n", done.err)


def test_the_help_of_chat_needs_no_extra(tmp_path: Path):
    (tmp_path / "prompt_toolkit.py").write_text("raise ImportError")
    person = Shell(tmp_path / "ann")
    person.environ["PYTHONPATH"] = f"{tmp_path}:{person.environ['PYTHONPATH']}"

    assert person.run("chat", "--help").code == 0


# -- the page about them ---------------------------------------------------------------------

PAGE = (CHECKOUT / "docs" / "commands.md").read_text()


def all_commands(group: click.Group = chatroom, prefix: str = "") -> Iterator[Any]:
    """Each with the words that call it; those of a group, such as ``room``, by themselves."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{prefix}{name} ")
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield pytest.param(f"{prefix}{name}", command, id=f"{prefix}{name}")


def section_about(words: str) -> str:
    """What follows its heading; or its group's, if that has a table with a row about it."""
    if section := PAGE.partition(f"\n## {words}\n")[2]:
        return section
    group, _, name = words.rpartition(" ")
    section = PAGE.partition(f"\n## {group}\n")[2].partition("\n## ")[0]
    return section if re.search(rf"^\| `{name}`", section, re.MULTILINE) else ""


@pytest.mark.parametrize(("words", "command"), [*all_commands()])
def test_the_page_tells_of_every_command_and_option(words: str, command: click.Command):
    section = section_about(words)
    assert section
    options = {
        name
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts + parameter.secondary_opts
        if name.startswith("--")
    }
    untold = {name for name in options if f"`{name}" not in PAGE and f" {name} " not in section}
    assert not untold - {"--follow"}  # the default, whose contrary is told


def test_the_page_tells_every_exit_code():
    codes = set(re.findall(r"^\| `(\d+)` \|", PAGE, re.MULTILINE))
    assert codes == {"0", *(str(int(code)) for code in Code)}


def test_the_page_tells_every_format():
    assert set(FORMATS) <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE))


def test_the_client_on_the_page_works(ann: Shell, server: Running, room: str):
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    example = example.replace(
        "http://localhost:9999", f"http://127.0.0.1:{server.port}/?room={room}"
    )
    program = subprocess.run(
        [sys.executable, "-c", example.rstrip() + "\n        break\n"],
        capture_output=True,
        text=True,
        env=ann.environ,
        timeout=DEADLINE,
    )
    assert (program.returncode, program.stdout, program.stderr) == (0, "Ann Good morning!\n", "")
