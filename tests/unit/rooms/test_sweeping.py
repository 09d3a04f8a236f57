"""Sweeping: many messages are removed or erased by one act, in steps, newest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.errors import Refusal
from chatroom.history import History, make_history
from chatroom.message import Message, MessageId
from chatroom.rooms import sweeper, sweeping
from chatroom.rooms.charter import Charter, Host, Sweep
from chatroom.rooms.ranks import Rank
from chatroom.rooms.sweeping import next_step, sweep_of
from chatroom.users.http_speaker import HttpSpeaker
from chatroom.users.requests import Ruling
from chatroom.users.tokens import Identity
from chatroom.wire.acts import Bar, Clear, Erase, Forget, Look, What
from chatroom.wire.message_json import iso_time
from tests.support.deadline import wait_for
from tests.support.histories import said, typed
from tests.support.in_memory_room import InMemoryServer, TypedGuest

MINUTE = 60_000


@pytest.fixture(params=["memory:", "sqlite:chat.db"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with closing(make_history(request.param, tmp_path)) as history:
        history.open()
        yield history


@pytest.fixture
def two_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(sweeping, "RESTORED_AT_ONCE", 2)
    monkeypatch.setattr(sweeper, "PAUSE", 0.0)


def now() -> int:
    return time.time_ns() // 1_000_000


def of(user_id: str, seq: int, minutes_ago: float = 0) -> Message:
    message = typed("class", seq, user_id, f"c{seq}", body=f"{user_id} {seq}")
    return message._replace(sent_at=now() - int(minutes_ago * MINUTE))


def past(history: History, *authors: str, minutes: int = 0) -> list[Message]:
    """So many minutes apart, the last one now."""
    messages = [
        of(author, seq, minutes * (len(authors) - seq)) for seq, author in enumerate(authors, 1)
    ]
    history.append(messages)
    return messages


def swept(history: History, sweep: Sweep | None) -> list[int]:
    """The seqs of what it removes or erases, in the order in which that is done."""
    done: list[int] = []
    while sweep:
        step = next_step(history, "class", history.rev("class"), sweep, now())
        done += [message.seq for message, _ in step.removed][::-1] + step.erased
        sweep = step.rest
    return done


# -- what it is about ------------------------------------------------------------------------------


def test_most_acts_remove_nothing(history: History) -> None:
    past(history, "u1")
    for act in (Look(), Bar("u1", "", None), Bar("u1", "", 0)):
        assert sweep_of(history, "class", 1, act, now()) is None


@pytest.mark.usefixtures("two_at_a_time")
def test_all_that_one_person_wrote_newest_first(history: History) -> None:
    past(history, "u1", "u2", "u1", "u2", "u2", "u1")

    sweep = sweep_of(history, "class", 6, Bar("u2", "", 60, What.ALL), now())

    assert swept(history, sweep) == [5, 4, 2]


@pytest.mark.usefixtures("two_at_a_time")
def test_what_somebody_wrote_in_the_last_ten_minutes(history: History) -> None:
    """Of 3 minutes apart, it is the last four."""
    past(history, *["u2"] * 8, minutes=3)

    sweep = sweep_of(history, "class", 8, Bar("u2", "", 60, What.RECENT), now())

    assert swept(history, sweep) == [8, 7, 6, 5]


def test_nothing_is_recent_in_a_room_that_has_been_silent(history: History) -> None:
    history.append([of("u2", 1, 60), of("u2", 2, 11)])

    sweep = sweep_of(history, "class", 2, Bar("u2", "", 60, What.RECENT), now())

    assert swept(history, sweep) == []


@pytest.mark.usefixtures("two_at_a_time")
def test_a_whole_room_or_up_to_a_message(history: History) -> None:
    messages = [*said("class", 1, 2), *(of("u1", seq) for seq in range(3, 6))]
    history.append(messages)
    third = MessageId(3, messages[2].nonce)

    assert swept(history, sweep_of(history, "class", 5, Clear(None), now())) == [5, 4, 3, 2, 1]
    assert swept(history, sweep_of(history, "class", 5, Clear(third), now())) == [3, 2, 1]
    with pytest.raises(Refusal, match="gone"):
        sweep_of(history, "class", 5, Clear(MessageId(3, "0" * 16)), now())


def test_what_is_removed_already_stays_as_it_is(history: History) -> None:
    first, second = past(history, "u1", "u1")
    history.rewrite(second.taken_back(sweeping.Remover.AUTHOR, 1))

    assert swept(history, sweep_of(history, "class", 2, Clear(None), now())) == [1]
    assert first.seq == 1


def test_only_what_was_removed_is_erased(history: History) -> None:
    (message,) = past(history, "u1")
    id = MessageId(message.seq, message.nonce)

    with pytest.raises(Refusal, match="not-removed"):
        sweep_of(history, "class", 1, Erase(id), now())
    with pytest.raises(Refusal, match="gone"):
        sweep_of(history, "class", 1, Erase(MessageId(2, "0" * 16)), now())
    assert swept(history, sweep_of(history, "class", 1, Erase(None), now())) == []


# -- in a room -------------------------------------------------------------------------------------


def classroom(club: InMemoryServer, *authors: str, minutes: int = 0) -> TypedGuest:
    """A class with a past; its host has come in."""
    past(club.disk, *authors, minutes=minutes)
    club.disk.enact("class", Charter({"u1": Host("Ann", Rank.HOST)}).to_json(), None)
    return enter(club, "Ann", "u1")


def enter(club: InMemoryServer, name: str, user_id: str, **hello: Any) -> TypedGuest:
    token = club.tokens.write(Identity(user_id, "t1"))
    return TypedGuest(club, name, "class", {}, token=token, **hello)


def act(host: TypedGuest, word: str, **fields: Any) -> dict[str, Any]:
    host.send("host", cmid="h", act=word, **fields)
    return next(f for f in reversed(host.heard()) if f.get("type") in ("done", "error"))


def heard(guest: TypedGuest, *types: str) -> list[dict[str, Any]]:
    return [frame for frame in guest.heard() if frame.get("type") in types]


def stored(club: InMemoryServer) -> list[str]:
    return [message.body for message in club.disk.messages("class") if not message.removed]


def finish(club: InMemoryServer) -> None:
    """Let the Server do what is left to do."""

    def is_done() -> bool:
        club.settle()
        return not Charter.parse(club.disk.charter("class")).sweeps

    wait_for(is_done, "an end of the sweep")


def test_who_is_removed_takes_along_what_they_wrote_and_all_read_that_at_once(
    club: InMemoryServer,
) -> None:
    ann = classroom(club, "u2", "u1", "u2", "u2")
    bob, carl = enter(club, "Bob", "u2"), enter(club, "Carl", "u3")
    ids = [message.id for message in club.disk.messages("class")]
    carl.heard()

    ann.send("host", cmid="h", act="bar", userId="u2", seconds=60, what="all")

    gone = {"type": "removed", "rev": 3, "ids": [ids[0], ids[2], ids[3]], "by": "host"}
    assert carl.heard()[0] == gone
    removed, log, done = heard(ann, "removed", "log", "done")
    assert (removed, log["what"], done["cmid"]) == (gone, "60 s, 3 messages", "h")
    assert heard(bob, "removed", "error")[0] == gone
    assert stored(club) == ["u1 2"]
    again = TypedGuest(club, "Dora", "class", {})
    assert [frame["body"] for frame in again.heard() if "body" in frame] == ["u1 2"]


def test_one_message_is_told_as_ever(club: InMemoryServer) -> None:
    ann, carl = classroom(club, "u2", "u1"), enter(club, "Carl", "u3")
    carl.heard()

    act(ann, "bar", userId="u2", what="recent")

    (frame,) = heard(carl, "removed")
    assert frame == {
        "type": "removed", "rev": 1, "id": club.disk.messages("class")[0].id, "by": "host",
    }  # fmt: skip


def test_whoever_comes_back_hears_of_each(club: InMemoryServer) -> None:
    ann = classroom(club, "u2", "u1", "u2")
    carl = enter(club, "Carl", "u3")
    carl.leave()
    last = club.disk.messages("class")[-1].id
    act(ann, "clear")

    back = enter(club, "Carl", "u3", since=last, rev=0)

    assert [frame["rev"] for frame in heard(back, "removed")] == [1, 2, 3]


def test_each_of_them_can_be_restored_and_none_that_was_erased(club: InMemoryServer) -> None:
    ann = classroom(club, "u2", "u2", "u2")
    ids = [message.id for message in club.disk.messages("class")]
    act(ann, "bar", userId="u2", what="all")

    ann.send("restore", cmid="r", id=ids[1])
    assert stored(club) == ["u2 2"]
    assert act(ann, "erase", id=ids[0])["type"] == "done"
    assert act(ann, "erase", id=ids[1])["code"] == "not-removed"
    ann.send("restore", cmid="r", id=ids[0])
    assert heard(ann, "error")[0]["code"] == "gone"
    ann.send("remove", cmid="r", id=ids[1])

    assert act(ann, "erase")["type"] == "done"

    assert club.disk.kept_evidence("class", 9, 9) == []
    log = act(ann, "look")["log"]
    assert [(e["act"], e["what"]) for e in log if e["act"] in ("bar", "erase")] == [
        ("erase", "2 messages"),
        ("erase", f"{ids[0]}, 1 message"),
        ("bar", "until undone, 3 messages"),
    ]
    assert act(ann, "erase")["type"] == "done"
    assert act(ann, "look")["log"] == log, "nothing was left to do"


@pytest.mark.usefixtures("two_at_a_time")
def test_what_takes_longer_goes_on_by_itself_and_the_log_says_how_many_in_the_end(
    club: InMemoryServer,
) -> None:
    ann = classroom(club, *["u2"] * 7)
    carl = enter(club, "Carl", "u3")
    carl.heard()

    ann.send("host", cmid="h", act="clear")
    finish(club)

    frames = heard(carl, "removed")
    assert [frame["rev"] for frame in frames] == [2, 4, 6, 7]
    assert stored(club) == []
    log = [(e["act"], e["by"]["userName"], e["what"]) for e in act(ann, "look")["log"]]
    assert log == [("clear", "Ann", "7 messages in all"), ("clear", "Ann", "2 messages so far")]


@pytest.mark.usefixtures("two_at_a_time")
def test_what_is_said_meanwhile_stays(club: InMemoryServer) -> None:
    ann = classroom(club, *["u2"] * 5)
    ann.settles = False

    ann.send("host", cmid="h", act="clear")
    ann.say("a new beginning")
    finish(club)

    assert stored(club) == ["a new beginning"]


@pytest.mark.usefixtures("two_at_a_time")
def test_a_restart_goes_on_where_a_kill_has_ended_it_also_where_nobody_is(
    make: Callable[..., InMemoryServer],
) -> None:
    club = make()
    ann = classroom(club, *["u2"] * 5)
    ann.settles = False
    ann.send("host", cmid="h", act="bar", userId="u2", what="all")
    club.server._ready.put(None)
    while club.server.step():
        pass
    assert len(stored(club)) == 3

    after = make(disk=club.disk)
    after.server._sweeper.start()
    finish(after)

    assert stored(after) == []
    assert after.rooms() == []
    assert Charter.parse(club.disk.charter("class")).barred["u2"]


@pytest.mark.usefixtures("two_at_a_time")
def test_a_history_that_fails_is_tried_again(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatroom.rooms.hosting.PATIENCE", 0.0)
    ann = classroom(club, *["u2"] * 5)
    ann.settles = False
    ann.send("host", cmid="h", act="clear")
    club.server._ready.put(None)
    while club.server.step():
        club.disk.failing.add("enact")
    errors = club.server.errors
    wait_for(lambda: club.settle() or club.server.errors > errors, "a failure")
    assert len(stored(club)) == 3

    club.disk.failing.clear()
    finish(club)

    assert stored(club) == []


def test_what_cannot_be_stored_removes_nobody_and_nothing(club: InMemoryServer) -> None:
    ann = classroom(club, "u2")
    bob = enter(club, "Bob", "u2")
    bob.heard()
    club.disk.failing.add("enact")

    assert act(ann, "bar", userId="u2", what="all")["code"] == "not-stored"

    assert bob.heard() == []
    assert stored(club) == ["u2 1"]


def test_nobody_but_hosts_clears_or_erases_or_restores(club: InMemoryServer) -> None:
    ann = classroom(club, "u2", "u2")
    bob = enter(club, "Bob", "u2")
    at = act(ann, "clear", upto=club.disk.messages("class")[0].id)["at"]

    for word, fields in (("clear", {}), ("erase", {}), ("restore", {"at": at})):
        assert act(bob, word, **fields)["code"] == "not-host"

    assert stored(club) == ["u2 2"]


# -- undone as a whole -----------------------------------------------------------------------------


def test_all_that_an_act_has_removed_is_back_at_once_and_as_it_was(
    club: InMemoryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = classroom(club, "u2", "u1", "u2", "u3")
    before = club.disk.messages("class")
    carl = enter(club, "Carl", "u3")
    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)  # all in one millisecond
    ann.send("remove", cmid="r", id=before[3].id)
    at = act(ann, "bar", userId="u2", what="all")["at"]
    assert stored(club) == ["u1 2"]
    carl.heard()

    ann.send("host", cmid="h", act="restore", at=at)

    frames = heard(carl, "changed")
    assert [frame["rev"] for frame in frames] == [4, 5]
    assert [frame["message"]["body"] for frame in frames] == ["u2 1", "u2 3"]
    log, done = heard(ann, "log", "done")
    assert (log["act"], log["what"]) == ("restore", f"of {at}, 2 messages")
    assert done == {"type": "done", "cmid": "h"}
    assert stored(club) == ["u2 1", "u1 2", "u2 3"], "what was removed by itself stays removed"
    back = [m._replace(rev=0) for m in club.disk.messages("class") if not m.removed]
    assert back == before[:3]
    again = TypedGuest(club, "Dora", "class", {})
    assert [frame["body"] for frame in again.heard() if "body" in frame] == stored(club)


@pytest.mark.usefixtures("two_at_a_time")
def test_many_come_back_by_themselves_in_steps_and_nobody_reads_them_before(
    club: InMemoryServer,
) -> None:
    ann = classroom(club, *["u2"] * 7)
    at = act(ann, "clear")["at"]
    finish(club)
    ann.settles = False
    carl = enter(club, "Carl", "u3")
    club.settle()
    carl.heard()

    ann.send("host", cmid="h", act="restore", at=at)
    club.server._ready.put(None)
    while club.server.step():
        pass
    assert stored(club) == ["u2 6", "u2 7"]
    late = TypedGuest(club, "Dora", "class", {})
    club.settle()
    assert "u2 5" not in str(late.heard()[0])
    finish(club)

    assert stored(club) == [f"u2 {seq}" for seq in range(1, 8)]
    bodies = [frame["message"]["body"] for frame in heard(carl, "changed")]
    assert bodies == ["u2 6", "u2 7", "u2 4", "u2 5", "u2 2", "u2 3", "u2 1"]
    ann.settles = True
    log = [(e["act"], e["what"]) for e in act(ann, "look")["log"]]
    assert log[:2] == [
        ("restore", "7 messages in all"),
        ("restore", f"of {at}, 2 messages so far"),
    ]
    assert club.disk.kept_evidence("class", 9, 9) == []


@pytest.mark.usefixtures("two_at_a_time")
def test_an_act_is_undone_before_all_of_it_is_done(club: InMemoryServer) -> None:
    ann = classroom(club, *["u2"] * 7)
    ann.settles = False
    ann.send("host", cmid="h", act="clear")
    club.server._ready.put(None)
    while club.server.step():
        pass
    (sweep,) = Charter.parse(club.disk.charter("class")).sweeps
    assert len(stored(club)) == 5

    ann.send("host", cmid="i", act="restore", at=iso_time(sweep.began))
    finish(club)

    assert stored(club) == [f"u2 {seq}" for seq in range(1, 8)]


@pytest.mark.usefixtures("two_at_a_time")
def test_a_restart_goes_on_with_what_comes_back(make: Callable[..., InMemoryServer]) -> None:
    club = make()
    ann = classroom(club, *["u2"] * 7)
    at = act(ann, "clear")["at"]
    finish(club)
    ann.settles = False
    ann.send("host", cmid="h", act="restore", at=at)
    club.server._ready.put(None)
    while club.server.step():
        pass
    assert len(stored(club)) == 2

    after = make(disk=club.disk)
    after.server._sweeper.start()
    finish(after)

    assert len(stored(after)) == 7


@pytest.mark.usefixtures("two_at_a_time")
@pytest.mark.parametrize(
    ("then", "left"),
    [
        ({"act": "clear"}, []),
        ({"act": "clear", "upto": 4}, ["u2 5", "u3 6", "u2 7", "u3 8"]),
        ({"act": "bar", "userId": "u2", "what": "all"}, ["u1 2", "u1 4", "u3 6", "u3 8"]),
        ({"act": "bar", "userId": "u2"}, [f"u{n} {m}" for m, n in enumerate("21212323", 1)]),
        ({"act": "quiet", "userId": "u2"}, [f"u{n} {m}" for m, n in enumerate("21212323", 1)]),
    ],
    ids=["clear", "clear up to", "bar with all", "bar", "quiet"],
)
def test_what_is_to_go_while_an_act_is_undone_does_not_come_back(
    club: InMemoryServer, then: dict[str, Any], left: list[str]
) -> None:
    ann = classroom(club, "u2", "u1", "u2", "u1", "u2", "u3", "u2", "u3")
    if "upto" in then:
        then = then | {"upto": club.disk.messages("class")[then["upto"] - 1].id}
    at = act(ann, "clear")["at"]
    finish(club)
    ann.settles = False

    ann.send("host", cmid="h", act="restore", at=at)
    ann.send("host", cmid="i", **then)
    finish(club)

    assert stored(club) == left


@pytest.mark.usefixtures("two_at_a_time")
def test_what_is_being_erased_does_not_come_back(club: InMemoryServer) -> None:
    ann = classroom(club, *["u2"] * 8)
    at = act(ann, "clear")["at"]
    finish(club)
    ann.settles = False

    ann.send("host", cmid="h", act="erase")
    ann.send("host", cmid="i", act="restore", at=at)
    finish(club)

    assert stored(club) == []
    assert club.disk.kept_evidence("class", 9, 9) == []


def forget(club: InMemoryServer, user_id: str) -> HttpSpeaker:
    """Somebody has all erased that is theirs, over HTTP."""
    speaker = HttpSpeaker("class", "", user_id=user_id)
    club.server.broadcast.put(Ruling(speaker, Forget()))
    return speaker


@pytest.mark.usefixtures("two_at_a_time")
@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
def test_what_somebody_erases_of_their_own_does_not_come_back_with_an_act_that_is_undone(
    club: InMemoryServer, is_first: bool
) -> None:
    ann = classroom(club, *["u2", "u1"] * 5)
    at = act(ann, "clear")["at"]
    finish(club)
    ann.settles = False

    if is_first:
        asked = forget(club, "u2")
        ann.send("host", cmid="i", act="restore", at=at)
    else:
        ann.send("host", cmid="i", act="restore", at=at)
        asked = forget(club, "u2")
    finish(club)

    assert asked.outcome.result(0).told == {}  # type: ignore[union-attr]
    assert stored(club) == [f"u1 {seq}" for seq in range(2, 11, 2)]
    assert club.disk.kept_evidence("class", 99, 99) == []


@pytest.mark.usefixtures("two_at_a_time")
def test_others_hear_what_somebody_erases_and_no_log_has_it(club: InMemoryServer) -> None:
    ann = classroom(club, *["u2"] * 5)
    carl = enter(club, "Carl", "u3")
    carl.heard()

    forget(club, "u2")
    finish(club)

    gone = heard(carl, "removed")
    assert [len(frame.get("ids", [frame.get("id")])) for frame in gone] == [2, 2, 1]
    assert {frame["by"] for frame in gone} == {"author"}
    assert heard(ann, "log") == []
    assert stored(club) == []


def test_undoing_once_more_changes_nothing_and_what_is_erased_is_gone(club: InMemoryServer) -> None:
    ann = classroom(club, "u2", "u2")
    first = act(ann, "clear")["at"]
    assert act(ann, "restore", at=first)["type"] == "done"
    log = act(ann, "look")["log"]

    assert act(ann, "restore", at=first) == {"type": "done", "cmid": "h"}
    assert act(ann, "look")["log"] == log
    assert act(ann, "restore", at="2001-01-01T00:00:00.000Z")["code"] == "gone"

    wait_for(lambda: iso_time(now()) > first, "another moment")
    second = act(ann, "clear")["at"]
    act(ann, "erase")
    assert act(ann, "restore", at=second)["code"] == "gone"
    assert stored(club) == []


def test_where_there_was_nothing_to_remove_there_is_nothing_to_undo(club: InMemoryServer) -> None:
    ann = classroom(club, "u3")

    assert "at" not in act(ann, "bar", userId="u2", what="all")
    assert "at" not in act(ann, "quiet", userId="u2")


def test_a_restoration_that_cannot_be_stored_brings_nothing_back(club: InMemoryServer) -> None:
    ann, carl = classroom(club, "u2", "u2"), enter(club, "Carl", "u3")
    at = act(ann, "clear")["at"]
    carl.heard()
    club.disk.failing.add("enact")

    assert act(ann, "restore", at=at)["code"] == "not-stored"

    assert carl.heard() == []
    assert stored(club) == []


def log_of(club: InMemoryServer) -> list[tuple[str, str, str, str, str]]:
    """Of the class: what, by whom and about whom."""
    return [(it.act, *it[2:6]) for it in club.disk.host_log("class")]


@pytest.mark.usefixtures("two_at_a_time")
def test_whoever_is_erased_while_messages_are_removed_is_not_in_what_the_log_says_of_that(
    club: InMemoryServer,
) -> None:
    ann = classroom(club, *["u2", "u3"] * 5)
    bob, _ = enter(club, "Bob", "u2"), enter(club, "Carl", "u3")
    assert act(ann, "makeHost", userId="u2")["type"] == "done"
    for guest in (ann, bob):
        guest.settles = False

    bob.send("host", cmid="h", act="clear")
    ann.send("host", cmid="h", act="bar", userId="u3", what="all")
    forget(club, "u2")
    forget(club, "u3")
    finish(club)

    assert stored(club) == []
    log = log_of(club)
    assert [it[0] for it in log] == ["bar", "clear", "bar", "clear", "makeHost"]
    assert {"u2", "u3", "Bob", "Carl"}.isdisjoint(field for it in log for field in it)
    assert log[1][1] == log[3][1] == log[4][3] != "", "one stranger"
    assert log[0][3] == log[2][3] != "", "and another one"


@pytest.mark.usefixtures("two_at_a_time")
def test_whom_a_host_names_while_they_are_being_erased_is_in_no_log_in_the_end(
    club: InMemoryServer,
) -> None:
    """The host takes back a message of theirs that is still there, and brings it back."""
    ann = classroom(club, *["u2"] * 7)
    first = club.disk.messages("class")[0].id
    ann.settles = False

    forget(club, "u2")
    ann.send("remove", cmid="r", id=first)
    ann.send("restore", cmid="s", id=first)
    ann.send("remove", cmid="t", id=first)
    finish(club)

    assert [it[0] for it in log_of(club)] == ["remove", "restore", "remove"]
    assert {it[3:] for it in log_of(club)} == {(log_of(club)[0][3], "")}
    assert log_of(club)[0][3] not in ("", "u2")
    assert {message.user_id for message in club.disk.messages("class")} == {""}
    assert club.disk.kept_evidence("class", 99, 99) == []


def test_whoever_has_nothing_to_erase_in_a_room_leaves_its_maker_to_be_stored(
    club: InMemoryServer,
) -> None:
    """Somebody has only uploaded something, which is all that is known of the room."""
    bob = enter(club, "Bob", "u2")

    forget(club, "u3")
    club.settle()
    assert club.disk.charter("class") == ""
    bob.say("hello")

    assert list(Charter.parse(club.disk.charter("class")).hosts) == ["u2"]
