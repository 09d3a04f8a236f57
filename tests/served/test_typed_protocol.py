"""The typed protocol against a real server: each example of docs/protocol.md, each promise."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from chatroom.users import typed_user
from tests.support.deadline import DEADLINE
from tests.support.examples import EXAMPLES, PROTOCOL, is_of_hosts, play
from tests.support.server_process import Running, serving

pytestmark = pytest.mark.takes(seconds=8)


@pytest.fixture(scope="module")
def hostless(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """In its rooms, nobody is in charge."""
    settings = {"history": "sqlite:chat.db", "leaveGrace": 0, "roomMakers": "operator"}
    with serving(tmp_path_factory.mktemp("hostless"), **settings) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("typed")
    with serving(folder, history="sqlite:chat.db", leaveGrace=0, maxRooms=100) as running:
        yield running


class Client:
    """A typed client: nothing but the frames."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def send(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"type": kind, **fields}))

    def hear(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(DEADLINE))
        return frame

    def hear_until(self, kind: str) -> list[dict[str, Any]]:
        """All frames up to the first of this type."""
        heard = [self.hear()]
        while heard[-1].get("type") != kind:
            heard.append(self.hear())
        return heard

    def enter(self, name: str, **fields: Any) -> dict[str, Any]:
        """Say hello, and return the welcome; its past is heard."""
        self.send("hello", userName=name, **fields)
        return self.hear_until("live")[0]

    def say(self, body: str) -> dict[str, Any]:
        """Say something, and return the ack."""
        self.send("message", cmid=uuid4().hex, body=body)
        return self.hear_until("ack")[-1]

    def closed_with(self) -> tuple[int, str]:
        with contextlib.suppress(TimeoutError):
            try:
                while True:
                    self.socket.recv(DEADLINE)
            except ConnectionClosed as closed:
                assert closed.rcvd
                return closed.rcvd.code, closed.rcvd.reason
        raise AssertionError("not closed")


@contextlib.contextmanager
def client(server: Running, room: str) -> Iterator[Client]:
    with server.connect(room, subprotocols=["chatroom.v1"]) as socket:
        assert socket.subprotocol == "chatroom.v1"
        yield Client(socket)


@pytest.fixture(scope="module", autouse=True)
def silent(server: Running) -> Iterator[Client]:
    """Somebody who never says hello. Ten seconds have to pass; meanwhile the other tests run."""
    with client(server, "lobby") as silent:
        yield silent


@pytest.fixture
def room() -> str:
    return uuid4().hex


def texts(frames: list[dict[str, Any]]) -> list[str]:
    """What the messages among the frames say."""
    return [frame["body"] for frame in frames if "type" not in frame]


# -- the documentation ---------------------------------------------------------------------------


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_of_the_documentation_is_what_the_server_does(
    server: Running, hostless: Running, room: str, example: str
) -> None:
    play(example, room, lambda _name: server if is_of_hosts(example) else hostless)


def test_the_documentation_has_an_example_of_every_frame_and_error() -> None:
    played = "".join(EXAMPLES)
    tables = PROTOCOL[PROTOCOL.index("### From the client") : PROTOCOL.index("## HTTP")]
    named = set(re.findall(r"^\| `([a-z-]+)` \|", tables, re.MULTILINE))
    shown = set(re.findall(r'"(?:type|code)":"([a-z-]+)"', played))
    # These take a full disk, a full house, a crowd, time, HTTP, or an address other than the
    # machine's own, a second tab, or a history without reactions; they have tests of their own.
    assert named - shown - {"type", "code"} == {
        "count",
        "users",
        "busy",
        "no-space",
        "too-many-files",
        "not-stored",
        "too-many-rooms",
        "too-late",
        "too-many",
        "knocking",
        "knock",
        "knocked",
        "no-entry",
        "watched",
        "unchecked",
        "files-off",
        "reacted",
        "no-reactions",
    }


# -- messages ------------------------------------------------------------------------------------


def test_a_typed_and_a_plain_user_understand_each_other(server: Running, room: str) -> None:
    with client(server, room) as ann, server.join("Bob", room) as bob:
        ann.enter("Ann")
        bob.say("hello Ann")
        assert ann.hear()["body"] == "hello Ann"
        assert bob.bodies() == ["hello Ann"]

        ann.send("message", cmid="1", body="hello Bob")
        heard = bob.hear()[0]
        assert heard == ann.hear()
        assert list(heard)[:6] == ["userName", "body", "timestamp", "id", "room", "sentAt"]
        assert (heard["userName"], heard["cmid"]) == ("Ann", "1")
        assert ann.hear() == {"type": "ack", "cmid": "1", "id": heard["id"]}


def test_a_plain_user_hears_nothing_but_messages(server: Running, room: str) -> None:
    with server.join("Bob", room) as bob, client(server, room) as ann:
        ann.enter("Ann")
        ann.send("typing")
        ann.send("rename", userName="Anna")
        ann.say("one")

        (first,) = bob.hear()
        assert (first["userName"], first["body"]) == ("Anna", "one")


def test_what_is_sent_again_after_a_kill_is_stored_once(tmp_path: Path) -> None:
    with serving(tmp_path, history="sqlite:chat.db") as server, client(server, "lobby") as ann:
        token = ann.enter("Ann")["token"]
        ann.send("message", cmid="1", body="once")
        first = ann.hear_until("ack")[-1]
        server.kill()
        server.start()
        with client(server, "lobby") as ann:
            ann.enter("Ann", token=token, since=first["id"])
            ann.send("message", cmid="1", body="once")
            assert ann.hear() == first
            ann.send("message", cmid="2", body="twice")
            assert texts(ann.hear_until("ack")) == ["twice"]
        assert [message["body"] for message in server.history()] == ["once", "twice"]


def test_the_same_cmid_twice_in_one_breath_is_stored_once(server: Running, room: str) -> None:
    with client(server, room) as ann:
        ann.enter("Ann")
        for cmid in ["1", "1", "2", "1", "2"]:
            ann.send("message", cmid=cmid, body=f"body of {cmid}")
        acks, bodies = [], []
        while len(acks) < 5:
            frame = ann.hear()
            (acks if "type" in frame else bodies).append(frame)
        assert [message["cmid"] for message in bodies] == ["1", "2"]
        assert sorted(ack["cmid"] for ack in acks) == ["1", "1", "1", "2", "2"]
        ids = {message["cmid"]: message["id"] for message in bodies}
        assert all(ack["id"] == ids[ack["cmid"]] for ack in acks)


def test_two_users_may_use_the_same_cmid(server: Running, room: str) -> None:
    with client(server, room) as ann, client(server, room) as bob:
        ann.enter("Ann")
        bob.enter("Bob")
        for who in ann, bob:
            who.send("message", cmid="1", body="hi")
            assert who.hear_until("ack")[-1]["cmid"] == "1"


# -- resuming ------------------------------------------------------------------------------------


def test_who_comes_back_gets_what_it_missed_and_no_more(server: Running, room: str) -> None:
    with client(server, room) as bob:
        bob.enter("Bob")
        with client(server, room) as ann:
            token = ann.enter("Ann")["token"]
            seen = bob.say("one")["id"]
        bob.say("two")
        bob.say("three")
        with client(server, room) as ann:
            ann.send("hello", userName="Ann", token=token, since=seen)
            heard = ann.hear_until("live")
            assert heard[0]["recovered"] is True
            assert texts(heard) == ["two", "three"]
            bob.say("four")
            assert ann.hear()["body"] == "four"


def test_a_cursor_of_another_history_is_said_to_be_none(server: Running, room: str) -> None:
    with client(server, room) as ann:
        ann.enter("Ann")
        number = ann.say("one")["id"].split("-")[0]
        for since in (
            f"{number}-0123456789abcdef",
            "7-0123456789abcdef",
            "rubbish",
            "-1-",
            "9" * 400,
        ):
            with client(server, room) as bob:
                bob.send("hello", userName="Bob", since=since)
                heard = bob.hear_until("live")
                assert (heard[0]["recovered"], texts(heard)) == (False, ["one"])


def test_a_past_longer_than_the_rooms_tail_is_read_without_a_gap(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="sqlite:chat.db", replayLimit=3) as server,
        client(server, "lobby") as ann,
    ):
        ann.enter("Ann")
        for number in range(20):
            ann.say(str(number))
        with client(server, "lobby") as bob:
            bob.send("hello", userName="Bob", since="0-0")
            assert texts(bob.hear_until("live")) == [str(number) for number in range(20)]
            ann.say("live")
            assert bob.hear()["body"] == "live"


# -- as much of the past as is asked for -----------------------------------------------------------


FIVE = ["1", "2", "3", "4", "5"]


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that sends three past messages at most."""
    folder = tmp_path_factory.mktemp("brief")
    with serving(folder, history="memory:", replayLimit=3, leaveGrace=0) as running:
        yield running


@pytest.fixture
def ids(brief: Running, room: str) -> Iterator[list[str]]:
    """Of the five messages that Ann has said in the room, where she stays."""
    with client(brief, room) as ann:
        ann.enter("Ann")
        yield [ann.say(body)["id"] for body in FIVE]


@pytest.mark.parametrize(
    ("past", "heard"),
    [
        ("0", []),
        ("-0", []),
        ("1", FIVE[-1:]),
        ("3", FIVE[-3:]),
        ("4", FIVE[-3:]),
        (str(2**53 + 1), FIVE[-3:]),
        ("9" * 60_000, FIVE[-3:]),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_newcomer_gets_as_much_of_the_past_as_it_asks_for_and_no_more_than_the_limit(
    brief: Running, room: str, ids: list[str], past: str, heard: list[str]
) -> None:
    with client(brief, room) as bob:
        bob.socket.send(f'{{"type": "hello", "userName": "Bob", "past": {past}}}')
        frames = bob.hear_until("live")
        assert texts(frames) == heard
        assert frames[0]["last"] == ids[-1]
        bob.say("here")


def test_who_comes_back_gets_all_that_it_missed_whatever_past_it_asks_for(
    brief: Running, room: str, ids: list[str]
) -> None:
    with client(brief, room) as bob:
        bob.send("hello", userName="Bob", since=ids[0], past=0)
        assert texts(bob.hear_until("live")) == FIVE[1:]


@pytest.mark.parametrize(("past", "heard"), [(0, []), (2, FIVE[-2:]), (9, FIVE[-3:])])
def test_who_has_to_start_afresh_gets_the_past_that_it_asks_for(
    brief: Running, room: str, ids: list[str], past: int, heard: list[str]
) -> None:
    with client(brief, room) as bob:
        bob.send("hello", userName="Bob", since="2-0123456789abcdef", past=past)
        frames = bob.hear_until("live")
        assert (frames[0]["recovered"], texts(frames)) == (False, heard)


@pytest.mark.parametrize(
    ("past", "read", "heard"),
    [
        (1, 3, FIVE[-2:]),  # the fourth is the last one read
        (1, 2, FIVE[-3:]),
        (1, 0, FIVE[-3:]),  # further back than the server goes
        (2, 4, FIVE[-2:]),  # all is read: the past is as long as wanted
    ],
)
def test_the_past_reaches_back_to_what_was_read_last(
    brief: Running, room: str, ids: list[str], past: int, read: int, heard: list[str]
) -> None:
    with client(brief, room) as bob:
        bob.send("hello", userName="Bob", past=past, read=ids[read])
        assert texts(bob.hear_until("live")) == heard


@pytest.mark.parametrize("read", ["0-0", "nonsense", "999-0123456789abcdef", None])
def test_an_id_that_was_never_read_here_does_no_harm(
    brief: Running, room: str, ids: list[str], read: str | None
) -> None:
    with client(brief, room) as bob:
        bob.send("hello", userName="Bob", past=1, read=read)
        assert texts(bob.hear_until("live"))[-1:] == FIVE[-1:]


def test_a_past_without_a_limit_is_as_long_as_is_asked_for(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="sqlite:chat.db", replayLimit=0, leaveGrace=0) as server,
        client(server, "lobby") as ann,
    ):
        ann.enter("Ann")
        for body in FIVE:
            ann.say(body)
        for past, heard in (4, FIVE[-4:]), (0, []), (100, FIVE):
            with client(server, "lobby") as bob:
                bob.send("hello", userName="Bob", past=past)
                assert texts(bob.hear_until("live")) == heard


def test_a_part_of_a_past_that_the_room_has_not_at_hand_is_read(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="sqlite:chat.db", userQueueBytes=140_000, leaveGrace=0) as server,
        client(server, "lobby") as ann,
    ):
        ann.enter("Ann")
        bodies = [f"{number} {'x' * 10_000}" for number in range(9)]
        for body in bodies:
            ann.say(body)
        with client(server, "lobby") as bob:
            bob.send("hello", userName="Bob", past=7)
            assert texts(bob.hear_until("live")) == bodies[-7:]
            ann.say("news")
            assert bob.hear()["body"] == "news"


@pytest.mark.parametrize(
    "value", ["-1", "1.0", "1e2", '"3"', "true", "null", "[3]", "-" + "9" * 5000], ids=str
)
def test_a_past_that_is_no_whole_number_is_refused(brief: Running, room: str, value: str) -> None:
    with client(brief, room) as bob:
        bob.socket.send(f'{{"type": "hello", "userName": "Bob", "past": {value}}}')
        refused = {"code": "bad-frame", "detail": "past must be a whole number, 0 or more."}
        assert bob.hear() == {"type": "error", **refused}
        bob.enter("Bob", past=0)


# -- people --------------------------------------------------------------------------------------


def test_two_tabs_are_one_user_and_only_the_last_one_leaves(server: Running, room: str) -> None:
    with client(server, room) as bob:
        bob.enter("Bob")
        with client(server, room) as first:
            welcome = first.enter("Ann")
            assert bob.hear()["type"] == "joined"
            with client(server, room) as second:
                again = second.enter("Ann", token=welcome["token"])
                assert again["userId"] == welcome["userId"]
                assert again["token"] != welcome["token"]
                assert len(again["users"]) == again["count"] == 2
            first.say("still here")
            assert bob.hear()["body"] == "still here"
        assert bob.hear() == {
            "type": "left",
            "userId": welcome["userId"],
            "userName": "Ann",
            "reason": "closed",
        }


def test_a_tab_that_comes_back_takes_the_place_of_its_old_self(server: Running, room: str) -> None:
    with client(server, room) as bob, client(server, room) as hanging:
        bob.enter("Bob")
        welcome = hanging.enter("Ann")
        assert bob.hear()["type"] == "joined"
        with client(server, room) as ann:
            ann.enter("Ann", token=welcome["token"], since=welcome["last"])
            assert hanging.closed_with() == (4001, "replaced")
            ann.say("me again")
            assert bob.hear()["body"] == "me again"


def test_a_reload_makes_no_noise(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="memory:", leaveGrace=60) as server,
        client(server, "lobby") as bob,
    ):
        bob.enter("Bob")
        with client(server, "lobby") as ann:
            token = ann.enter("Ann")["token"]
            assert bob.hear()["type"] == "joined"
        with client(server, "lobby") as ann:
            ann.enter("Ann", token=token)
            ann.say("back")
            assert bob.hear()["body"] == "back"


def test_the_name_of_somebody_who_is_only_away_stays_theirs(tmp_path: Path) -> None:
    """A line that breaks for a moment, or that somebody else broke, costs nobody their name."""
    with (
        serving(tmp_path, history="memory:", leaveGrace=60) as server,
        client(server, "lobby") as bob,
    ):
        bob.enter("Bob")
        with client(server, "lobby") as ann:
            token = ann.enter("Ann")["token"]
            assert bob.hear()["type"] == "joined"
        with client(server, "lobby") as eve:
            eve.send("hello", userName="Ann")
            refusal = eve.hear()
            assert (refusal["code"], refusal["suggestion"]) == ("name-taken", "Ann 2")
            with client(server, "lobby") as ann:
                assert ann.enter("Ann", token=token)["userName"] == "Ann"


def test_a_forged_token_makes_somebody_new(server: Running, room: str) -> None:
    with client(server, room) as ann, client(server, room) as eve:
        welcome = ann.enter("Ann")
        forged = eve.enter("Eve", token=welcome["token"][:-2] + "xx", since=welcome["last"])
        assert forged["userId"] != welcome["userId"]
        ann.say("nobody took my place")


def test_a_large_room_tells_its_number_instead_of_names(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="memory:", presenceLimit=2, leaveGrace=0) as server,
        contextlib.ExitStack() as stack,
    ):
        people = [stack.enter_context(client(server, "lobby")) for _ in range(4)]
        welcomes = [who.enter(f"user {number}") for number, who in enumerate(people)]
        assert [len(welcome["users"]) for welcome in welcomes] == [1, 2, 0, 0]
        assert [welcome["count"] for welcome in welcomes] == [1, 2, 3, 4]
        frames = people[0].hear_until("count")
        while frames[-1]["users"] < 4:
            frames += people[0].hear_until("count")
        assert [frame["type"] for frame in frames if frame["type"] != "count"] == ["joined"]

        for who in people[1:]:
            who.socket.close()
        (left,) = people[0].hear_until("users")[-1]["users"]
        assert left["userName"] == "user 0"


# -- other rooms ---------------------------------------------------------------------------------


def test_who_asks_is_told_of_other_rooms_whoever_speaks_there(tmp_path: Path) -> None:
    with (
        serving(tmp_path, history="memory:") as server,
        client(server, "lobby") as ann,
        client(server, "lobby") as bob,
        server.join("Plain", "garden") as plain,
    ):
        bob.enter("Bob")
        ann.enter("Ann", rooms=True)
        plain.say("from a socket")
        last = plain.hear()[0]["id"]
        assert ann.hear() == {"type": "rooms", "rooms": [{"name": "garden", "last": last}]}

        last = post(server, "attic", userName="Bot", body="over HTTP")["id"]
        assert ann.hear() == {"type": "rooms", "rooms": [{"name": "attic", "last": last}]}

        assert bob.hear()["type"] == "joined"
        ann.say("done")
        assert bob.hear()["body"] == "done"


def post(server: Running, room: str, **fields: str) -> dict[str, Any]:
    """Say something over HTTP."""
    url = f"http://127.0.0.1:{server.port}/api/rooms/{room}/messages"
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(fields).encode(), headers)
    with urllib.request.urlopen(request, timeout=DEADLINE) as reply:
        message: dict[str, Any] = json.load(reply)
    return message


@pytest.mark.parametrize("value", [1, 0, "true", None, ["garden"]], ids=str)
def test_rooms_is_true_or_false_and_nothing_else(brief: Running, room: str, value: object) -> None:
    with client(brief, room) as bob:
        bob.send("hello", userName="Bob", rooms=value)
        refused = {"code": "bad-frame", "detail": "rooms must be true or false."}
        assert bob.hear() == {"type": "error", **refused}
        bob.enter("Bob", rooms=False)


# -- at the door ---------------------------------------------------------------------------------


def test_who_does_not_say_hello_has_to_go(silent: Client) -> None:
    reason = f"no hello within {typed_user.HELLO_TIMEOUT} s"
    assert silent.closed_with() == (1008, reason)


def test_who_sends_only_rubbish_has_to_go_and_nobody_notices(server: Running, room: str) -> None:
    with client(server, room) as ann, client(server, room) as bob:
        ann.enter("Ann")
        for _ in range(typed_user.MAX_BAD_FRAMES):
            bob.socket.send("rubbish")
        code, reason = bob.closed_with()
        assert code == 1008
        assert reason.startswith("too many bad frames")
        assert ann.say("quiet here")["type"] == "ack"


def test_who_asks_for_taken_names_only_has_to_go(server: Running, room: str) -> None:
    with client(server, room) as ann, client(server, room) as bob:
        ann.enter("Ann")
        for _ in range(typed_user.MAX_BAD_FRAMES):
            bob.send("hello", userName="Ann")
        assert bob.closed_with() == (1008, "too many requests for taken names")


def test_no_more_rooms_are_made_than_there_may_be(tmp_path: Path) -> None:
    with serving(tmp_path, history="memory:", maxRooms=1) as server, client(server, "one") as ann:
        ann.enter("Ann")
        ann.say("hi")
        with client(server, "two") as bob:
            bob.send("hello", userName="Bob")
            assert bob.hear()["code"] == "too-many-rooms"
            bob.enter("Bob", room="one")
        with server.join("Carl", "two") as plain:
            assert plain.closed_with()[0] == 1008


def test_a_message_that_the_disk_refuses_is_told_by_its_cmid(tmp_path: Path) -> None:
    with serving(tmp_path, history="sqlite:chat.db") as server, client(server, "lobby") as ann:
        ann.enter("Ann")
        with blocked(tmp_path / "chat.db"):
            ann.send("message", cmid="1", body="lost?")
            error = ann.hear()
            assert (error["code"], error["cmid"]) == ("not-stored", "1")
            assert ann.closed_with()[0] == 1011
        assert server.history() == []


@contextlib.contextmanager
def blocked(database: Path) -> Iterator[None]:
    """Hold the write lock of the database, as a program would that hangs in a transaction."""
    import sqlite3

    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
    finally:
        other.close()
