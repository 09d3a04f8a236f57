"""What there is of a person: all of it is told, and erased; one suite over every History."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chatroom.history import History
from chatroom.history.host_log import LogEntry
from chatroom.message import Evidence, Held, MessageId, Remover
from chatroom.reactions import Click, Person
from chatroom.rooms import sweeping
from chatroom.rooms.charter import NEVER, Ban, Charter, Host, RoomLink, Sweep, WatchedAddress
from chatroom.rooms.person import erase, everybody, forgotten, is_known_in, told
from chatroom.rooms.ranks import Rank
from tests.support.histories import KINDS, at, everything, open_history_of, typed

SECRETS = ("Zaphod", "Beeblebrox", "Trillian", "Vogon", "Magrathea", "Krikkit", "Slartibartfast")
"""What only one person is called, or has said: each stands in another place."""


@pytest.fixture(params=KINDS)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    with open_history_of(request.param, tmp_path) as history:
        yield history


def live(history: History) -> None:
    """Somebody, "ann", is in two rooms and leaves something in every place that there is."""
    mine = [typed("lobby", seq, "ann", f"a{seq}", "Trillian") for seq in (1, 2, 3)]
    mine = [message._replace(user_name="Zaphod") for message in mine]
    removed = typed("lobby", 4, "ann", "a4", "Vogon")._replace(user_name="Zaphod")
    history.append([*mine, removed, typed("lobby", 5, "bob", "b1", "harmless")])
    history.append([typed("garden", 1, "bob", "b1"), typed("garden", 2, "ann", "", "Trillian")])
    history.rewrite(removed.taken_back(Remover.HOST, 1), Evidence(removed, 1_700_000_000_007))
    history.hold(Held("garden", "f" * 16, "Zaphod", "Magrathea", "1 PM", 7, "ann", "a5"))
    history.hold(Held("garden", "e" * 16, "Bob", "patient", "1 PM", 8, "bob", "b5"))
    charter = Charter(
        hosts={"ann": Host("Krikkit", Rank.HOST), "bob": Host("Bob", Rank.HOST)},
        quiet={"ann": Ban("Krikkit", NEVER)},
        barred={"ann": Ban("Krikkit", NEVER), "eve": Ban("Eve", NEVER)},
        links={"k1": RoomLink(9, 1, "ann"), "k2": RoomLink(9, 1, "bob")},
        watched={"hash": WatchedAddress("ann", "Krikkit", 1, 9)},
    )
    entry = LogEntry(1_700_000_000_000, "bar", "bob", "Bob", "ann", "Slartibartfast", "60 s")
    history.enact("garden", charter.to_json(), entry)
    house = Charter(hosts={"ann": Host("Beeblebrox", Rank.OPERATOR)})
    log = LogEntry(1_700_000_000_001, "useOperatorLink", "ann", "Beeblebrox", "ann", "Beeblebrox")
    history.enact("", house.to_json(), log)


def told_of(history: History, user_id: str) -> dict[str, Any]:
    told_: dict[str, Any] = json.loads("".join(told(history, user_id)))
    return told_


def test_everything_that_there_is_of_a_person_is_told_and_nothing_of_others(
    history: History,
) -> None:
    live(history)

    text = "".join(told(history, "ann"))

    assert [word for word in SECRETS if word not in text] == []
    for other in ("bob", "Bob", "harmless", "patient", "Eve"):
        assert other not in text
    mine = json.loads(text)
    assert [one["id"].partition("-")[0] for one in mine["messages"]] == ["2", "1", "2", "3"]
    assert {one["room"] for one in mine["rooms"]} == {"", "garden"}
    assert [one["act"] for one in mine["hostLog"]] == ["useOperatorLink", "bar"]
    assert told_of(history, "nobody") == {
        "userId": "nobody",
        **{
            key: []
            for key in ("messages", "removed", "files", "held", "rooms", "hostLog", "reactions")
        },
    }


def test_everybody_is_listed_by_what_they_have_written(history: History) -> None:
    live(history)

    ann, bob, eve = everybody(history)

    assert (ann.user_id, ann.messages, list(ann.rooms)) == ("ann", 4, ["garden", "lobby"])
    assert (bob.user_id, bob.name, bob.messages) == ("bob", "Ann", 2)
    assert (eve.user_id, eve.name, eve.messages) == ("eve", "Eve", 0)


def test_whoever_is_erased_leaves_empty_messages_and_what_hosts_have_decided(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "MOST_AT_ONCE", 2)  # in several steps
    live(history)

    erase(history, "ann")

    assert [one.user_id for one in everybody(history)] == ["bob", "eve"]
    assert [bool(one.removed) for one in everything(history, "lobby")] == [True] * 4 + [False]
    kept = told_of(history, "ann")
    barred = [{"room": "garden", "quiet": {"userName": ""}, "barred": {"userName": ""}}]
    assert kept == told_of(history, "nobody") | {"userId": "ann", "rooms": barred}
    assert {one.user_id for one in everything(history, "lobby")} == {"", "bob"}
    assert "a4" not in {one.cmid for one in everything(history, "lobby")}
    assert [one.body for one in history.held("garden")] == ["patient"]
    charter = Charter.parse(history.charter("garden"))
    assert (list(charter.hosts), list(charter.links)) == (["bob"], ["k2"])
    assert charter.barred == {"ann": Ban("", NEVER), "eve": Ban("Eve", NEVER)}
    (entry,) = history.host_log("garden")
    assert (entry.by_name, entry.whom_name) == ("Bob", "") and entry.whom_id not in ("ann", "")
    assert Charter.parse(history.charter("")) == Charter()

    erase(history, "ann")  # again, as after a kill
    assert told_of(history, "ann") == kept


def react(history: History) -> tuple[str, str]:
    """Ann does, who is called Zaphod, to two messages, whose ids these are; and so does Bob."""
    history.append([typed("lobby", 1, "bob", "b1"), typed("lobby", 2, "bob", "b2")])
    one, two = everything(history, "lobby")
    ann, bob = Person("ann", "Zaphod"), Person("bob", "Bob")
    clicks = [(one, ann, "like"), (two, ann, "done"), (two, bob, "done")]
    ids = {message.id: MessageId(message.seq, message.nonce) for message in (one, two)}
    history.react([Click("lobby", ids[it.id], who, kind, True) for it, who, kind in clicks])
    return one.id, two.id


def test_somebody_who_has_only_reacted_is_told_of_that_and_erased(history: History) -> None:
    one, two = react(history)

    assert told_of(history, "ann")["reactions"] == [
        {"room": "lobby", "id": one, "kind": "like"},
        {"room": "lobby", "id": two, "kind": "done"},
    ]
    erase(history, "ann")

    assert told_of(history, "ann")["reactions"] == []
    assert [dict(it.counts) for it in history.reacted("lobby")] == [{}, {"done": 1}]


def test_somebody_who_has_only_reacted_is_listed_with_the_rooms(history: History) -> None:
    react(history)

    both, ann = everybody(history)

    assert (both.user_id, both.messages) == ("bob", 2)
    assert (ann.user_id, ann.name, ann.messages) == ("ann", "Zaphod", 0)
    assert list(ann.rooms) == ["lobby"]
    erase(history, "ann")
    assert [one.user_id for one in everybody(history)] == ["bob"]


def test_no_file_has_the_name_of_somebody_who_had_only_reacted(tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        react(history)
        erase(history, "ann")
        files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert not any(b"Zaphod" in content for content in files)


def test_a_charter_without_somebody_is_the_same_for_everybody_else() -> None:
    charter = Charter(
        hosts={"bob": Host("Bob", Rank.HOST)},
        watched={"hash": WatchedAddress("ann", "Ann", 1, 9)},
    )

    assert forgotten(charter, "eve", "x") == charter
    assert forgotten(charter, "ann", "x").watched == {"hash": WatchedAddress("", "", 1, 9)}


def test_what_an_erased_host_has_left_behind_or_begun_is_a_strangers(history: History) -> None:
    """A link that is used up stays for those who reload; what is being removed is for the log."""
    clear = Sweep(False, "", 0, 5, 2, "clear", "ann", "Zaphod", began=7)
    bar = Sweep(False, "eve", 0, 5, 2, "bar", "bob", "Bob", "ann", "Zaphod", 7)
    wipe = Sweep(False, "ann", 0, 5, wipes=True)  # as a server has left it
    used_up = {"k1": RoomLink(9, 0, "ann"), "k2": RoomLink(9, 0, "bob")}
    history.enact("garden", Charter(links=used_up, sweeps=(wipe, clear, bar)).to_json(), None)
    history.enact("", Charter(links={"nonce": RoomLink(9, 0, "ann")}).to_json(), None)
    assert [room for room in ("", "garden") if is_known_in(history, room, "ann")] == ["", "garden"]

    erase(history, "ann")

    assert told_of(history, "ann") == told_of(history, "nobody") | {"userId": "ann"}
    texts = [history.charter(room) for room in ("", "garden")]
    assert not any("ann" in text or "Zaphod" in text for text in texts)
    charter, house = (Charter.parse(text) for text in reversed(texts))
    assert [link.uses for link in (*charter.links.values(), *house.links.values())] == [0, 0, 0]
    first, second = charter.sweeps
    assert first.by_id == second.whom_id == charter.links["k1"].by
    assert (first.by_id != "", first.by_name, second.whom_name) == (True, "", "")
    assert (second.by_id, second.by_name, second.user_id) == ("bob", "Bob", "eve")
    assert not any(is_known_in(history, room, "ann") for room in ("", "garden"))


def test_no_file_has_the_name_of_somebody_who_was_only_a_host(tmp_path: Path) -> None:
    """As of a room of which the messages are trimmed: nothing but its charter knew them."""
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        history.clean()
        charter = Charter(hosts={"ann": Host("Zaphod", Rank.MAKER)})
        history.enact("garden", charter.to_json(), None)
        erase(history, "ann")
        files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert not any(b"Zaphod" in content for content in files)


def test_nothing_of_somebody_who_was_erased_is_left_in_any_file(tmp_path: Path) -> None:
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        live(history)
        for seq in range(6, 200):  # pages are split, and rows moved
            body = f"Magrathea {seq} " + "x" * (seq * 7 % 900)
            history.append([typed("lobby", seq, "ann" if seq % 3 else "bob", "", body)])
        history.append([typed("lobby", 200, "ann", "", "Krikkit")._replace(user_name="Zaphod")])
        for seq in range(6, 200, 3):
            one = next(history.pages("lobby", seq - 1, seq))[0]
            history.rewrite(one.edited("harmless", history.rev("lobby") + 1, 7))
        assert history.search("lobby", "Magrathea", 1000, 5)
        bobs = [one for one in everything(history, "lobby") if one.user_id == "bob"]
        for one in bobs:
            history.rewrite(one.edited("harmless", history.rev("lobby") + 1, 7))

        erase(history, "ann")

        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for name, content in files.items():
        for word in SECRETS:
            assert word.encode() not in content, name
            assert word.lower().encode() not in content, name
