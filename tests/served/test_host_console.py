"""A script as a host's console: each act over HTTP and as a command, and that it stays done."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from chatroom.client import ChatClient, ServerRefused
from chatroom.history.sqlite.database import DatabaseFile, peek_secret
from chatroom.users.tokens import Tokens
from tests.support.deadline import DEADLINE
from tests.support.server_process import Launch, Running
from tests.support.terminal import Done, Shell
from tests.support.typed_client import TypedClient

pytestmark = pytest.mark.takes(seconds=45)

Look = dict[str, Any]


@pytest.fixture
def server(prepare: Launch) -> Running:
    return prepare(history="sqlite:chat.db", leaveGrace=0).start()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def come(stack: ExitStack, server: Running, name: str, **options: Any) -> TypedClient:
    client = TypedClient(server.port, name, "class", **options)
    stack.callback(client.close)
    return client.connect_and_catch_up()


def say(client: TypedClient, body: str) -> str:
    """Returns the id."""
    client.say(body, f"c {body}")
    client.hear_until_acked()
    return client.acked[f"c {body}"]


# -- two ways ----------------------------------------------------------------------------------


def operators_link(server: Running) -> str:
    """As the commands make one."""
    file = DatabaseFile("sqlite:chat.db", server.folder / "chat.db")
    return Tokens(peek_secret(file)).write_operator_link()


def ask(
    server: Running, method: str, path: str, bearer: str, fields: object = None
) -> tuple[int, Any]:
    """The status, and the object in the answer."""
    url = f"http://127.0.0.1:{server.port}/api/rooms/class/{path}"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    data = None if fields is None else json.dumps(fields).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
            body = reply.read()
            return reply.status, json.loads(body) if body else {}
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def command(server: Running, *words: str, **environ: str) -> Done:
    """Run on the server's own machine."""
    shell = Shell(server.folder, f"http://127.0.0.1:{server.port}")
    shell.environ["CHATROOM_CONFIG"] = str(server.folder / "config.json")
    return shell.run("host", "class", *words, **environ)


def look(server: Running) -> Look:
    status, found = ask(server, "GET", "host", operators_link(server))
    assert status == 200, found
    return dict(found)


def bodies(server: Running) -> list[str]:
    status, found = ask(server, "GET", "messages", operators_link(server))
    assert status == 200, found
    return [message["body"] for message in found["messages"]]


# -- the story ---------------------------------------------------------------------------------


def names(people: list[dict[str, str]]) -> list[str]:
    return [one["userName"] for one in people]


STORY: list[tuple[str, dict[str, object] | str, Callable[[Look], bool]]] = [
    (
        "quiet Bob --for 10m",
        {"act": "quiet", "userId": "BOB", "userName": "Bob", "seconds": 600},
        lambda now: names(now["quiet"]) == ["Bob"] and "until" in now["quiet"][0],
    ),
    (
        "unquiet Bob",
        {"act": "quiet", "userId": "BOB", "userName": "Bob", "seconds": 0},
        lambda now: now["quiet"] == [],
    ),
    (
        "bar BOB",
        {"act": "bar", "userId": "BOB", "userName": "Bob"},
        lambda now: names(now["barred"]) == ["Bob"],
    ),
    (
        "unbar bob",
        {"act": "bar", "userId": "BOB", "userName": "Bob", "seconds": 0},
        lambda now: now["barred"] == [],
    ),
    (
        "make-host Bob",
        {"act": "makeHost", "userId": "BOB", "userName": "Bob"},
        lambda now: names(now["hosts"]) == ["Ann", "Bob"],
    ),
    (
        "unmake-host Bob",
        {"act": "unmakeHost", "userId": "BOB"},
        lambda now: names(now["hosts"]) == ["Ann"],
    ),
    (
        "rules --every 30s --only-with-host",
        {"act": "rules", "speak": "slow", "slowSeconds": 30, "needsHost": True},
        lambda now: list(now["rules"].values())[:3] == ["slow", 30, True],
    ),
    (
        "rules --speak everybody --no-only-with-host",
        {"act": "rules", "speak": "everybody", "needsHost": False},
        lambda now: (now["rules"]["speak"], now["rules"]["needsHost"]) == ("everybody", False),
    ),
    (
        "link --for 1h --uses 2",
        {"act": "makeLink", "seconds": 3600, "uses": 2},
        lambda now: [link["uses"] for link in now["links"]] == [2],
    ),
    (
        "revoke-link LINK",
        {"act": "revokeLink", "link": "LINK"},
        lambda now: now["links"] == [],
    ),
    ("remove ID", "DELETE messages/ID", lambda now: now["log"][0]["what"].startswith("1-")),
    ("restore ID", "POST messages/ID/restore", lambda now: now["log"][0]["act"] == "restore"),
    ("clear", {"act": "clear"}, lambda now: now["log"][0]["what"] == "1 message"),
    (
        "restore --at AT",
        {"act": "restore", "at": "AT"},
        lambda now: now["log"][0]["what"].endswith(", 1 message"),
    ),
    (
        "rules --door shut",
        {"act": "rules", "door": "shut"},
        lambda now: now["rules"]["door"] == "shut",
    ),
    (
        "everybody-out",
        {"act": "everybodyOut"},
        lambda now: now["log"][0]["act"] == "everybodyOut",
    ),
]
"""Each act as a command, as a request, and what is so once it is done."""


def by_command(server: Running, _token: str, line: str, _fields: object) -> None:
    done = command(server, *line.split())
    assert done.code == 0, done.err


def by_http(server: Running, token: str, _line: str, fields: dict[str, object] | str) -> None:
    if isinstance(fields, str):
        method, path = fields.split()
        status, answer = ask(server, method, path, token)
    else:
        status, answer = ask(server, "POST", "host", token, fields)
    assert status in (200, 204), answer


@pytest.mark.parametrize(("way", "who"), [(by_command, "operator"), (by_http, "Ann")])
def test_each_act_is_so_also_after_kill_9(
    server: Running, stack: ExitStack, way: Callable[..., None], who: str
) -> None:
    ann, bob = come(stack, server, "Ann"), come(stack, server, "Bob")
    words = {"ID": say(bob, "hello"), "BOB": bob.user_id}
    acts = []
    for line, asked, holds in STORY:
        words["LINK"] = next((link["link"] for link in look(server)["links"]), "")
        words["AT"] = next((entry["at"] for entry in look(server)["log"]), "")
        # All in one go: Bob's id may have AT in it.
        text = re.sub("|".join(words), lambda word: words[word[0]], json.dumps([line, asked]))
        way(server, ann.token, *json.loads(text))
        now = look(server)
        assert holds(now), line
        acts.append(now["log"][0])

        server.kill()
        server.start()

        assert holds(look(server)), line
        assert bodies(server) == ([] if line in ("remove ID", "clear") else ["hello"])
    assert [act["act"] for act in acts] == [
        *("quiet", "quiet", "bar", "bar", "makeHost", "unmakeHost", "rules", "rules"),
        *("makeLink", "revokeLink", "remove", "restore", "clear", "restore", "rules"),
        "everybodyOut",
    ]
    assert {act["by"]["userName"] for act in acts} == {who}
    assert {names([act["whom"]])[0] for act in acts if "whom" in act} == {"Bob"}
    for client in (ann, bob):
        client.hear_the_end()


# -- what others notice ------------------------------------------------------------------------


def test_people_hear_of_what_a_command_does(server: Running, stack: ExitStack) -> None:
    ann, bob = come(stack, server, "Ann"), come(stack, server, "Bob")

    done = command(server, "quiet", "Bob", "--for", "10m")

    assert (done.code, done.out) == (0, "")
    assert done.err == f"chatroom: Bob ({bob.user_id}, here) is quiet\n"
    assert bob.hear_notice("muted")["until"]
    log = ann.hear_notice("log")
    assert log["by"] == {"userId": "", "userName": "operator"}
    assert log["whom"] == {"userId": bob.user_id, "userName": "Bob"}


def test_a_look_is_a_table_or_json(server: Running, stack: ExitStack) -> None:
    ann, _bob = come(stack, server, "Ann"), come(stack, server, "Bob")
    command(server, "bar", "Bob")

    table, log = command(server, "look"), command(server, "log")
    as_json = command(server, "look", "--json")

    assert [line.split()[0] for line in table.lines] == ["speak", "host", "removed"]
    assert f"Ann ({ann.user_id})  maker" in table.out
    (line,) = log.lines
    assert line.split(None, 2)[2] == "operator  bar  Bob: until undone, everywhere"
    assert json.loads(as_json.out)["log"] == look(server)["log"]
    assert json.loads(command(server, "log", "--json").out) == look(server)["log"][0]


def test_a_link_that_a_command_prints_makes_a_host(server: Running, stack: ExitStack) -> None:
    come(stack, server, "Ann")

    (url,) = command(server, "link").lines

    assert url.startswith(f"http://127.0.0.1:{server.port}/rooms/class#host=")
    with ChatClient(url, "Eve", link=url) as eve:
        frames = (event for event in eve.events() if getattr(event, "type", "") == "host")
        assert next(frames).fields["role"] == eve.role == "host"
    assert look(server)["links"] == []


def test_an_operator_is_unmade_by_whoever_runs_the_server(
    server: Running, stack: ExitStack
) -> None:
    """And stays it after a kill -9; nobody else can do that, and it is in the log."""
    ann = come(stack, server, "Ann")
    zoe = TypedClient(server.port, "Zoe", "class")
    zoe.link = operators_link(server)
    stack.callback(zoe.close)
    zoe.connect_and_catch_up()
    assert ann.hear_notice("host")["role"] == "operator"

    status, refused = ask(
        server, "POST", "host", ann.token or "", {"act": "unmakeHost", "userId": zoe.user_id}
    )
    assert (status, refused["code"]) == (403, "not-allowed")
    assert f"Zoe ({zoe.user_id})  operator" in command(server, "look").out
    assert command(server, "unmake-host", "Zoe").code == 0

    assert ann.hear_notice("host")["role"] == ""
    server.kill()
    server.start()
    now = look(server)
    assert names(now["hosts"]) == ["Ann"]
    assert [(one["act"], one["by"]["userName"]) for one in now["log"]] == [
        ("unmakeHost", "operator"),
        ("useOperatorLink", "Zoe"),
    ]
    assert ask(server, "GET", "host", zoe.token or "")[0] == 403
    for client in (ann, zoe):
        client.hear_the_end()


def test_whoever_has_just_left_is_known_by_what_they_wrote(
    server: Running, stack: ExitStack
) -> None:
    ann, eve = come(stack, server, "Ann"), come(stack, server, "Eve")
    say(eve, "Buy this!")
    eve.drop_cleanly()
    ann.hear_notice("left")

    done = command(server, "bar", "Eve", "--for", "1h")

    assert (done.code, done.err) == (0, f"chatroom: Eve ({eve.user_id}, wrote here) is removed\n")
    assert names(look(server)["barred"]) == ["Eve"]


def test_no_door_keeps_the_operators_commands_out(server: Running, stack: ExitStack) -> None:
    ann, bob = come(stack, server, "Ann"), come(stack, server, "Bob")

    assert command(server, "rules", "--door", "shut").code == 0
    assert command(server, "remove", say(bob, "hello")).code == 0
    assert command(server, "quiet", "Bob").code == 0

    assert bodies(server) == []
    assert ann.act("look")["quiet"][0]["userName"] == "Bob"


def test_who_is_meant_is_said_or_nothing_is_done(server: Running, stack: ExitStack) -> None:
    ann, bob = come(stack, server, "Ann"), come(stack, server, "Bob")

    done = command(server, "bar", "Bobby")

    assert done.code == 1
    assert f"Bob ({bob.user_id}, here)" in done.err
    assert f"Ann ({ann.user_id}, here, host)" in done.err
    assert look(server)["log"] == []


# -- from elsewhere ----------------------------------------------------------------------------


def test_from_elsewhere_a_hosts_token_or_an_operators_link_is_the_key(
    server: Running, stack: ExitStack, tmp_path: Path
) -> None:
    ann, bob = come(stack, server, "Ann"), come(stack, server, "Bob")
    say(ann, "hello")  # so that the room stays
    elsewhere = Shell(tmp_path / "elsewhere", f"http://127.0.0.1:{server.port}")

    def run(key: str | None) -> Done:
        environ = {"CHATROOM_KEY": key} if key else {}
        return elsewhere.run("host", "class", "quiet", "Bob", "--for", "10m", **environ)

    assert run(None).code == 2
    assert "--key or CHATROOM_KEY" in run(None).err
    refused = run(bob.token)
    assert (refused.code, "not-host" in refused.err) == (4, True)
    assert look(server)["quiet"] == []
    assert run(ann.token).code == 0
    link = command(server, "look").code == 0 and operators_link(server)
    assert run(f"http://127.0.0.1:{server.port}/#host={link}").code == 0
    assert names([one["by"] for one in look(server)["log"]]) == ["operator", "Ann"]

    eve = TypedClient(server.port, "Eve", "class")
    eve.link = link
    stack.callback(eve.close)
    eve.connect_and_catch_up()
    assert eve.hear_notice("host")["role"] == "operator", "it is still good"
    assert run(link).code == 4


def test_a_python_program_is_a_hosts_console(server: Running, stack: ExitStack) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with ChatClient(url, "Ann", "class") as ann, ChatClient(url, "Bob", "class") as bob:
        assert (ann.role, bob.role) == ("maker", "")
        message = bob.say("hello").wait(DEADLINE)
        ann.remove(message).wait(DEADLINE)
        ann.restore(message).wait(DEADLINE)
        ann.host.set_rules(speak="slow", slow_seconds=30)
        ann.host.make_host(bob.user_id).wait(DEADLINE)
        found = ann.host.look()

        with pytest.raises(ServerRefused, match="not-allowed"):
            bob.host.bar(ann.user_id).wait(DEADLINE)

    assert found["rules"]["slowSeconds"] == 30
    assert names(found["hosts"]) == ["Ann", "Bob"]
    assert [one["act"] for one in found["log"]] == ["makeHost", "rules", "restore", "remove"]
    assert bob.role == "host"
