"""The step to schema 6: whoever is to be forgotten is, or it is told that they are not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.files.magic import ANY
from chatroom.files.stored import DISOWNED, StoredFile
from chatroom.history import make_history
from chatroom.history.effects import Effects
from chatroom.history.host_log import LogEntry
from chatroom.history.shared import SharedHistory
from chatroom.message import Evidence, Remover
from chatroom.rooms.charter import Charter, Host
from chatroom.rooms.person import erase
from chatroom.rooms.ranks import Rank
from tests.support import postgresql
from tests.support.deadline import wait_for
from tests.support.histories import everything, said, typed
from tests.support.postgresql import rows

pytestmark = pytest.mark.database

ENTRY = LogEntry(1_700_000_000_000, "quiet", "bob", "Bob", "ann", "Zaphod")

FILE = StoredFile("1" * 32, "lobby", "a.txt", ANY, 1, 0, 0, "ann", 7)


@pytest.fixture
def url() -> Iterator[str]:
    """Of a database of schema 5, with an entry in a host log and a file."""
    with postgresql.shared().empty_database() as url:
        with postgresql.older_schema(url, 5) as history:
            history.append(said("lobby", 1, 3))
            history.enact("lobby", "", ENTRY)
            history.add_file(FILE)
            history.complete_file(FILE._replace(is_whole=True))
        yield url


def test_somebody_is_forgotten_and_what_they_have_uploaded_is_nobodys(
    history: SharedHistory,
) -> None:
    history.forget_in_log("lobby", "ann", "stranger")
    history.forget_in_log("nowhere", "ann", "stranger")
    history.disown_files("lobby", "ann")

    assert history.host_log("lobby") == [ENTRY._replace(whom_id="stranger", whom_name="")]
    assert history.lost_files(7, 9) == [FILE.id]


def test_whoever_has_made_a_room_is_not_known_as_that_any_more(
    url: str, history: SharedHistory
) -> None:
    for room, maker in (("lobby", "ann"), ("garden", "bob")):
        rows(url, "INSERT INTO crowds (room, epoch, maker) VALUES (%s, 1, %s)", room, maker)

    for whom in ("ann", "bob"):
        history.forget_in_log("lobby", whom, "stranger")

    made = rows(url, "SELECT room, maker FROM crowds ORDER BY room")
    assert made == [("garden", "bob"), ("lobby", "")]


def test_what_comes_too_late_is_not_done_and_says_so(url: str, history: SharedHistory) -> None:
    """As after the server's clock was set: nothing done is not done."""
    from psycopg import Error

    for call in (
        "SELECT forget_in_log('lobby', 'ann', 'stranger', %s)",
        "SELECT disown_files('lobby', 'ann', %s)",
    ):
        with pytest.raises(Error, match="this came too late") as caught:
            rows(url, call, time.time() - 3600)
        assert caught.value.sqlstate == "CH001"

    assert history.host_log("lobby") == [ENTRY]
    assert [file.uploaded_at for file in history.files_of("ann")] == [7] != [DISOWNED]


def test_a_process_of_schema_5_forgets_in_the_same_way(url: str, history: SharedHistory) -> None:
    assert rows(url, "SELECT forget_in_log('lobby', 'ann', 'x', %s)", time.time() + 9) == [(1,)]

    assert history.host_log("lobby") == [ENTRY._replace(whom_id="x", whom_name="")]


def test_no_statistics_have_the_name_of_a_host_or_of_whom_the_log_names(
    url: str, history: SharedHistory
) -> None:
    charter = Charter(hosts={"ann": Host("Zaphod", Rank.HOST)}).to_json()
    for number in range(20):
        entry = LogEntry(1_700_000_000_000, "rules", "ann", "Zaphod", "ann", "Zaphod")
        history.enact(f"room{number % 3}", charter, entry)
    rows(url, "ANALYZE")

    kept = rows(
        url,
        "SELECT tablename, attname FROM pg_stats WHERE schemaname = 'chatroom'"
        " AND strpos(concat(most_common_vals::text, histogram_bounds::text), 'Zaphod') > 0",
    )

    assert kept == []


def test_what_one_process_has_erased_is_cleared_by_the_one_that_keeps_the_history_in_order(
    url: str, history: SharedHistory
) -> None:
    """They have a connection each, and may be on two machines."""

    def is_cleared() -> bool:
        history.probe()  # whoever has erased goes on working: then the server counts
        keeping.clean()
        ((cleared, dead),) = rows(
            url,
            "SELECT vacuum_count, n_dead_tup FROM pg_stat_user_tables"
            " WHERE schemaname = 'chatroom' AND relname = 'messages'",
        )
        return bool(cleared > before and not dead)

    with closing(make_history(url, Path())) as keeping:
        keeping.open()
        keeping.clean()  # what there was before it came
        ((before,),) = rows(
            url,
            "SELECT vacuum_count FROM pg_stat_user_tables"
            " WHERE schemaname = 'chatroom' AND relname = 'messages'",
        )
        (message, *_) = everything(history, "lobby")
        history.rewrite(message.taken_back(Remover.AUTHOR, 1))

        wait_for(is_cleared, "the tables to be cleared")


def test_nothing_of_somebody_who_was_erased_is_in_any_table(
    url: str, history: SharedHistory
) -> None:
    words = ("Trillian", "Xylophon", "ann-id")
    mine = [typed("garden", seq, "ann-id", f"ann-id {seq}", "Xylophon") for seq in (1, 2, 3)]
    mine = [message._replace(user_name="Trillian") for message in mine]
    history.append(mine)
    theirs = ENTRY._replace(whom_id="ann-id", whom_name="Trillian")
    history.rewrite(mine[0].taken_back(Remover.HOST, 1), Evidence(mine[0], 7), theirs)
    charter = Charter(hosts={"ann-id": Host("Trillian", Rank.HOST)}).to_json()
    history.enact("garden", charter, theirs, Effects(house=charter))
    assert history.search("garden", "Xylophon", 99, 9)

    erase(history, "ann-id")

    tables = rows(url, "SELECT tablename FROM pg_tables WHERE schemaname = 'chatroom'")
    for (table,) in tables:
        for word in words:
            count = f"SELECT count(*) FROM {table} AS t WHERE t::text ILIKE %s"
            assert rows(url, count, f"%{word}%") == [(0,)], table
