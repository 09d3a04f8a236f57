"""Whom a host means, and whose word the server gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom
from chatroom.commands.acts import ACTS
from chatroom.commands.console import Console
from chatroom.commands.exit_codes import Failed
from chatroom.commands.host_tables import log_table, look_table
from chatroom.history.sqlite.database import DatabaseFile, peek_secret
from chatroom.users.tokens import Tokens
from chatroom.wire.acts import ASKED
from tests.support.histories import left_behind
from tests.support.http_answers import Answer, answering, body


def person(user_id: str, name: str, **more: object) -> dict[str, object]:
    return {"userId": user_id, "userName": name, **more}


def entry(act: str, by: dict[str, object], **more: object) -> dict[str, object]:
    return {"at": "2026-01-31T09:05:00.123Z", "act": act, "by": by, **more}


ANN, BOB, OTHER_BOB, EVE = (
    person("ann1", "Ann"), person("bob1", "Bob"), person("bob2", "Bob"), person("eve1", "Eve"),
)  # fmt: skip
LOOK: dict[str, Any] = {
    "rules": {"speak": "slow", "slowSeconds": 60, "needsHost": True},
    "hosts": [{**ANN, "role": "maker"}],
    "quiet": [],
    "barred": [BOB],
    "links": [{"link": "0a1b", "until": "2026-02-01T09:05:00.000Z", "uses": 1}],
    "held": [{"id": "h1", "userName": "Eve", "body": "May I?\x1b[2J", "userId": "eve1"}],
    "log": [
        entry("remove", person("", "operator"), whom=person("", "Old"), what="1-aa"),
        entry("bar", ANN, whom=EVE, what="until undone"),
    ],
}


class Seen(Console):
    """A room in which things are as the test says."""

    def __init__(self, *here: dict[str, object], **look: object) -> None:
        super().__init__("http://localhost:1", "class", "key")
        wrote = [{"userName": "Old"}, {"userId": "zoe1", "userName": "Zoe", "body": "hi"}]
        page = {"messages": [*wrote, {**OTHER_BOB, "body": "hi"}]}
        answers = {"users": {"users": here}, "host": LOOK | look, "messages?limit=1000": page}
        self._api.ask = (  # type: ignore[method-assign]
            lambda _method, path, *_, **_more: answers[path.rpartition("/")[2]]
        )


# -- people ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "first", "user_id"),
    [
        ("Bob", "", "bob2"),  # who is here
        ("Bob", "barred", "bob1"),  # who can be let in again
        ("bob1", "", "bob1"),
        ("BOB", "", "bob2"),
        ("Ann", "", "ann1"),
        ("Eve", "", "eve1"),  # whom only the log knows
        ("Eve", "barred", "eve1"),
        ("Zoe", "", "zoe1"),  # who has left, and wrote something
        ("id:gone", "", "gone"),
    ],
)
def test_a_person_is_named_by_name_or_id(wanted: str, first: str, user_id: str) -> None:
    assert Seen(OTHER_BOB).person(wanted, first).user_id == user_id


def test_a_name_with_the_same_capitals_goes_first() -> None:
    assert Seen(person("u1", "bob"), person("u2", "Bob")).person("bob").user_id == "u1"


def test_a_name_need_not_be_spelt_as_its_letters_were_put_together() -> None:
    """A terminal sends its own characters, and cannot send those that nobody sees."""
    assert Seen(person("u1", "Zoe\u0308\u200b")).person("Zo\u00eb").user_id == "u1"


def test_who_is_called_what_anothers_id_is_does_not_take_their_place() -> None:
    assert Seen(person("u1", "bob1"), BOB).person("bob1").user_id == "bob1"


def test_of_several_people_none_is_chosen() -> None:
    with pytest.raises(Failed) as failed:
        Seen(BOB, OTHER_BOB, ANN).person("Bob")

    assert failed.value.message == (
        "2 people are called 'Bob': Bob (bob1, here); Bob (bob2, here); name one by the id"
    )


def test_somebody_whose_name_nobody_knows_is_called_by_the_id() -> None:
    assert str(Seen().person("id:gone")) == "gone"
    assert look_table(LOOK | {"barred": [person("gone", "")]})[2].split() == [
        *("removed", "gone", "until", "undone"),
    ]


def test_who_wrote_without_a_user_id_is_nobody() -> None:
    with pytest.raises(Failed):
        Seen().person("Old")


def test_somebody_unknown_is_told_with_those_who_are_known() -> None:
    with pytest.raises(Failed) as failed:
        Seen(ANN, OTHER_BOB).person("Bobby")

    assert failed.value.message == (
        "the room class knows nobody called 'Bobby'; it knows: Ann (ann1, here, host); "
        "Bob (bob2, here); Bob (bob1, removed); "
        "a user id that it does not know any more is written id:…"
    )


def test_of_many_people_some_are_named() -> None:
    crowd = [person(f"u{number}", f"Guest {number}") for number in range(50)]
    with pytest.raises(Failed) as failed:
        Seen(*crowd).person("Bobby")

    assert "Guest 19 (u19, here); and 32 more;" in failed.value.message


# -- tables ------------------------------------------------------------------------------------


def test_a_look_is_a_table() -> None:
    quiet = {**EVE, "until": "2026-01-31T09:15:00.000Z"}

    lines = look_table(LOOK | {"quiet": [quiet]})

    assert [line.split()[0] for line in lines] == [
        *("speak", "host", "quiet", "removed", "link", "held"),
    ]
    assert lines[0] == "speak    slow, 60 s between two, only while a host is here"
    assert lines[1] == "host     Ann (ann1)  maker"
    assert lines[2].startswith("quiet    Eve (eve1)  until 2026-01-")
    assert lines[3] == "removed  Bob (bob1)  until undone"
    assert lines[4].startswith("link     0a1b  until 2026-0")
    assert lines[4].endswith(", 1 use")
    assert lines[5] == r"held     h1  Eve: May I?\u001b[2J"


def test_who_knocks_is_in_the_table_and_can_be_named() -> None:
    kim = person("kim1", "Kim", like=BOB, removedAt="2026-01-31T09:05:00.123Z")
    rules = {**LOOK["rules"], "unchecked": "no", "files": "hosts", "reactions": False}

    lines = look_table(LOOK | {"knocks": [kim], "rules": rules})

    words = ", unchecked names: no, files from: hosts, no reactions"
    assert lines[0].endswith(f"only while a host is here{words}")
    (line,) = (line for line in lines if line.startswith("knocks"))
    assert line.startswith("knocks   Kim (kim1)  like Bob (bob1), removed at 2026-01-31")
    assert Seen(knocks=[kim]).person("Kim", "knocks").user_id == "kim1"


def test_a_look_tells_links_for_guests_from_those_for_hosts() -> None:
    link = LOOK["links"][0]

    lines = look_table(LOOK | {"links": [link, {**link, "makes": "guest", "uses": 2}]})

    endings = [line.rpartition(", ")[2] for line in lines if line.startswith("link")]
    assert endings == ["1 use", "for guests"]


def test_a_look_tells_who_is_removed_from_all_rooms() -> None:
    lines = look_table(LOOK | {"barred": [BOB, {**EVE, "everywhere": True}]})

    assert [line for line in lines if line.startswith("removed")] == [
        "removed  Bob (bob1)  until undone",
        "removed  Eve (eve1)  until undone, everywhere",
    ]


@pytest.mark.parametrize("word", ["look", "log"])
def test_no_json_can_control_a_terminal(word: str) -> None:
    """Nor write to its window's title, as C1 controls do, which JSON does not escape."""
    evil = "\x9b2J\u202e"
    log = [entry("quiet", ANN, whom={**EVE, "userName": evil})]
    held = [{**LOOK["held"][0], "body": evil}]
    with answering(body(json.dumps(LOOK | {"log": log, "held": held}))) as (url, _):
        done = run("class", word, "--json", "--url", url, CHATROOM_KEY="k")

    assert done.stdout.rstrip("\n").isprintable()
    assert "\\u009b2J\\u202e" in done.stdout
    found = json.loads(done.stdout)
    assert (found["held"][0]["body"] if word == "look" else found["whom"]["userName"]) == evil


def test_whoever_has_no_name_is_in_the_log_by_the_id() -> None:
    (line,) = log_table([entry("quiet", person("zoe1", ""), whom=EVE)])

    assert line.split()[2] == "zoe1"


def test_the_log_is_a_table_that_cannot_control_a_terminal() -> None:
    lines = log_table([*LOOK["log"], entry("makeHost", person("x", "\x1b[2J"), whom=EVE)])

    assert [line.split(None, 2)[2] for line in lines] == [
        "operator   remove    Old: 1-aa",
        "Ann        bar       Eve: until undone",
        r"\u001b[2J  makeHost  Eve",
    ]
    assert log_table([]) == []


# -- whose word --------------------------------------------------------------------------------


def run(*arguments: str, **environ: str) -> Result:
    unset = dict.fromkeys(("CHATROOM_URL", "CHATROOM_KEY", "CHATROOM_CONFIG", "PORT"))
    return CliRunner().invoke(chatroom, ("host", *arguments), env={**unset, **environ})


def noting(heard: list[str | None], answer: Answer) -> Answer:
    def note(handler: Any) -> None:
        heard.append(handler.headers.get("Authorization"))
        answer(handler)

    return note


@pytest.mark.parametrize("key", ["a.b-c_d", "http://localhost:9999/rooms/class#host=a.b-c_d"])
def test_a_key_may_be_a_token_or_a_link(key: str) -> None:
    heard: list[str | None] = []
    with answering(noting(heard, body(json.dumps(LOOK)))) as (url, asked):
        done = run("class", "look", "--json", "--url", url, CHATROOM_KEY=key)

    assert (done.exit_code, json.loads(done.stdout)) == (0, LOOK)
    assert (asked, heard) == (["/api/rooms/class/host"], ["Bearer a.b-c_d"])


def test_the_own_secret_goes_to_the_own_server_only(tmp_path: Path) -> None:
    """Another one could use it at ours for some seconds."""
    heard: list[str | None] = []
    left_behind(tmp_path / "chat.db")
    with answering(noting(heard, body(json.dumps(LOOK)))) as (url, asked):
        config = tmp_path / "config.json"
        port = int(url.rpartition(":")[2])
        config.write_text(json.dumps({"port": port, "hostName": "127.0.0.1"}))
        done = run("class", "look", CHATROOM_CONFIG=str(config))
        assert done.exit_code == 0, done.stderr

        elsewhere = run(
            "class", "look", "--url", f"http://localhost:{port}", CHATROOM_CONFIG=str(config)
        )

    assert elsewhere.exit_code == 2
    assert "is not the server of the settings here" in elsewhere.stderr
    assert "--key or CHATROOM_KEY" in elsewhere.stderr
    assert len(asked) == 1
    (header,) = heard
    assert header
    tokens = Tokens(peek_secret(DatabaseFile("sqlite:chat.db", tmp_path / "chat.db")))
    assert tokens.read_operator_link(header.removeprefix("Bearer "))


@pytest.mark.parametrize(
    ("history", "cause"),
    [("memory:", "the history is in memory"), ("sqlite:none.db", "can't be read")],
)
def test_without_a_secret_one_is_told_of_the_key(tmp_path: Path, history: str, cause: str) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"history": history}))

    done = run("class", "look", CHATROOM_CONFIG=str(config))

    assert done.exit_code == 5
    assert cause in done.stderr
    assert "--key or CHATROOM_KEY" in done.stderr


@pytest.mark.parametrize(
    ("url", "key", "cause"),
    [
        ("http://ann:secret@localhost:1", "k", "the URL has a name and password for a proxy"),
        ("http://localhost:1", "two words", "is not a token"),
        ("http://localhost:1", "a\r\nb", "is not a token"),
    ],
)
def test_a_key_that_cannot_be_sent_is_refused(url: str, key: str, cause: str) -> None:
    done = run("class", "look", "--url", url, "--key", key)

    assert done.exit_code == 2
    assert cause in done.stderr
    assert "secret" not in done.stderr


def problem(code: str, detail: str, status: int) -> Answer:
    text = json.dumps({"code": code, "detail": detail, "status": status})
    return body(text, "application/problem+json", status)


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (problem("not-host", "Only a host can do that.", 403), 4, "refused, not-host: Only a host"),
        (problem("bad-token", "Send Authorization.", 401), 4, "refused, bad-token: Send Auth"),
        (body("<html>", "text/html", 502), 4, "the proxy in front does not reach"),
        (body("{", status=200), 4, "does not answer like a chat room"),
        (body("{}", status=200), 4, "does not answer like a chat room: no hosts, quiet, barred"),
        (body("[]", "application/problem+json", 500), 4, "http-500"),
    ],
)
def test_what_the_server_refuses_is_one_line_and_a_code(
    answer: Answer, code: int, said: str
) -> None:
    with answering(answer) as (url, _):
        done = run("class", "look", "--url", url, "--key", "k")

    assert done.exit_code == code
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_act_goes_to_no_other_address(tmp_path: Path) -> None:
    """After a redirect, it would be another request, and the key would be somebody else's."""

    def redirect(handler: Any) -> None:
        handler.send_response(302)
        handler.send_header("Location", "http://localhost:1/api/rooms/class/host")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with answering(redirect) as (url, asked):
        done = run("class", "look", "--url", url, "--key", "k")

    assert (done.exit_code, len(asked)) == (4, 1)
    assert "the server sends elsewhere; use the URL it names" in done.stderr


def test_a_server_that_is_not_there_is_unreachable() -> None:
    assert run("class", "look", "--url", "http://localhost:1", "--key", "k").exit_code == 3


# -- the commands ------------------------------------------------------------------------------


def test_every_act_has_a_command() -> None:
    """By its word, in the command line's spelling; some have two, to do and to undo."""
    told = {"rules", "quiet", "bar", "approve", "refuse", "make-host", "unmake-host", "link"}
    told |= {"revoke-link", "look", "everybody-out", "key", "admit", "clear", "erase"}
    told |= {"restore"}
    words = {"makeHost": "make-host", "unmakeHost": "unmake-host", "makeLink": "link"}
    words |= {"revokeLink": "revoke-link", "everybodyOut": "everybody-out"}
    words |= {"makeKey": "key", "revokeKey": "key"}  # a command of its own
    assert {words.get(word, word) for word in ASKED} == told
    assert told <= {act.name for act in ACTS} | {"key"}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_every_command_says_what_it_does(act: click.Command) -> None:
    assert act.help
    assert "…" not in act.help
    for option in act.params:
        if isinstance(option, click.Option):
            assert option.help, option.name


@pytest.mark.parametrize("words", [[], ["7-a", "--at", "2026-01-31T09:05:00.123Z"]])
def test_what_is_to_be_restored_is_one_message_or_all_of_an_act(words: list[str]) -> None:
    done = run("class", "restore", *words, "--url", "http://localhost:1", "--key", "k")

    assert done.exit_code == 2
    assert "Name a MESSAGE-ID, or the TIME of a bar or clear with --at." in done.stderr


@pytest.mark.parametrize(
    ("act", "what", "told"),
    [
        ("clear", "500 messages so far", True),
        ("bar", "60 s, 1 message", True),
        ("clear", "12,000 messages in all", False),
        ("bar", "60 s", False),
        ("erase", "2 messages", False),
    ],
)
def test_the_log_says_how_all_that_an_act_took_comes_back(act: str, what: str, told: bool) -> None:
    at = "2026-01-31T09:05:00.123Z"
    by = {"userId": "u1", "userName": "Ann"}

    (line,) = log_table([{"at": at, "act": act, "by": by, "what": what}])

    assert line.endswith(f"{what}; see restore --at {at}" if told else what)


def test_a_room_that_is_called_like_an_act_is_pointed_out(tmp_path: Path) -> None:
    left_behind(tmp_path / "chat.db")
    config = tmp_path / "config.json"
    config.write_text("{}")

    done = run("look", CHATROOM_CONFIG=str(config))

    assert "/rooms/look#host=" in done.stdout
    assert "to act, name the room first: host ROOM look" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rules"], "nothing to change"),
        (["rules", "--speak", "shout"], "shout"),
        (["rules", "--every", "10"], "'10' is not a span of time; wanted: such as 30s"),
        (["quiet"], "PERSON"),
        (["quiet", "Bob", "--for", "0m"], "'0m' is not a span of time"),
        (["quiet", "Bob", "--for", "9000d"], "and 1s to 366d"),
        (["rules", "--every", "4s"], "and 5s to 10m"),
        (["rules", "--every", "11m"], "and 5s to 10m"),
        (["link", "--uses", "0"], "--uses"),
        (["remove", "7"], "id is '7'"),
        (["kick", "Bob"], "kick"),
        (["--url", "http://localhost:1"], "--url is no ACT: options stand before ROOM"),
    ],
)
def test_a_wrong_use_asks_nobody(arguments: list[str], said: str) -> None:
    with answering(body("{}")) as (url, asked):
        where = () if arguments[0] in ("kick", "--url") else ("--url", url, "--key", "k")
        done = run("class", *arguments, *where)

    assert (done.exit_code, asked) == (2, [])
    assert said in done.stderr


def test_who_names_the_act_before_the_room_reads_which_comes_first() -> None:
    done = run("rules", "class", "--speak", "slow")

    assert done.exit_code == 2
    assert "class is no ACT: name the room first: host class rules" in done.stderr
