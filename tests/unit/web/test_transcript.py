"""Transcripts: a room's whole conversation on one page, whatever people said and however much."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.errors import HistoryUnavailable
from chatroom.files.stored import StoredFile
from chatroom.message import Message, MessageId
from chatroom.reactions import KINDS, PICTURES, Click, Person
from chatroom.web.transcript import REACTIONS, READERS
from tests.support import CHECKOUT
from tests.support.deadline import DEADLINE
from tests.support.flask_client import count_pages, fail, remember, take_back
from tests.support.histories import typed

SETTINGS: dict[str, object] = {}
"""Of the ``app``: see conftest.py."""

FILE = "1" * 32

DAY = 86_400_000
"""Milliseconds."""


class ShownPage(HTMLParser):
    """What a browser makes of it: the texts of elements, by tag and class."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "link", "br"):
            name = " ".join([tag, *(value or "" for key, value in attrs if key == "class")])
            self._open.append(name)
            self.found.setdefault(name, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop().split()[0] == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.found[self._open[-1]][-1] += data


def transcript(
    client: FlaskClient, room: str = "lobby", query: str = "", **headers: str
) -> ShownPage:
    reply = client.get(f"/rooms/{room}/transcript{query}", headers=headers)
    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    return ShownPage(reply.text)


def said(engine: Engine, *messages: tuple[str, str, str, int]) -> None:
    """Name, user id, text and time of each."""
    engine.history.append(
        [
            Message("lobby", seq, f"{seq:016x}", name, body, "9:05 AM", at, user_id)
            for seq, (name, user_id, body, at) in enumerate(messages, 1)
        ]
    )


def test_it_has_every_message_in_order(client: FlaskClient, engine: Engine):
    """More than the page shows, and more than one page of the history."""
    messages = remember(engine, 3000, body="word " * 50)
    remember(engine, 3, "kitchen", body="elsewhere")
    page = transcript(client)

    assert page.found["p text"] == [message.body for message in messages]
    assert "elsewhere" not in str(page.found)
    assert page.found["p note"][-1] == "Messages: 3000"


def test_a_reply_stands_below_a_line_of_what_it_answers_as_that_now_reads(
    client: FlaskClient, engine: Engine
):
    messages = remember(engine, 2, body="Tea,\n or " + "x" * 200)
    reply = messages[1]._replace(nonce="f" * 16, body="yes")
    replies = [
        reply._replace(seq=seq, reply_to=id)
        for seq, id in enumerate([messages[0].id, messages[1].id, f"9-{'e' * 16}"], 3)
    ]
    engine.history.append(replies)
    take_back(engine, messages[1].id)
    page = transcript(client)
    line, *gone = page.found["p answers"]

    assert line == f"In reply to {messages[0].user_name}: Tea, or {'x' * 151}\u2026"
    assert gone == ["In reply to a message that was removed"] * 2
    german = ShownPage(
        client.get("/rooms/lobby/transcript", headers={"Accept-Language": "de"}).text
    )
    assert german.found["p answers"][1] == "Antwort auf eine Nachricht, die entfernt wurde"


def test_below_a_message_stands_what_people_think_of_it_in_words_and_pictures(
    client: FlaskClient, engine: Engine
):
    one, _, gone = remember(engine, 3, body="Tea?")
    clicks = [
        Click("lobby", MessageId(it.seq, it.nonce), Person(who, who), kind, on=True)
        for it in (one, gone)
        for who, kind in [("ann", "question"), ("bob", "like"), ("cid", "like")]
    ]
    engine.history.react(clicks)
    take_back(engine, gone.id)

    assert transcript(client).found["p reactions"] == ["👍 Like 2 · ❓ Question 1"]
    german = client.get("/rooms/lobby/transcript", headers={"Accept-Language": "de"}).text
    assert ShownPage(german).found["p reactions"] == ["👍 Gefällt mir 2 · ❓ Frage 1"]


@pytest.mark.parametrize("language", REACTIONS)
def test_reactions_are_called_as_on_the_page(language: str):
    page = (CHECKOUT / "static" / "base" / "late_strings.js").read_text()
    pictures = (CHECKOUT / "static" / "conversation" / "reacting.js").read_text()
    words = dict(zip(KINDS, REACTIONS[language], strict=True))

    assert ", ".join(f'{kind}: "{word}"' for kind, word in words.items()) in page
    assert ", ".join(f'{kind}: "{picture}"' for kind, picture in PICTURES.items()) in pictures


def test_it_says_of_which_room_and_when(client: FlaskClient, engine: Engine):
    remember(engine, 1, "K\u00fcche")
    page = transcript(client, "K%C3%BCche")

    assert page.found["title"] == ["K\u00fcche \u00b7 the whole conversation"]
    assert page.found["bdi"][0] == "K\u00fcche"
    assert f"as of {datetime.now():%Y-%m-%d}" in page.found["p note"][0]


def test_an_empty_room_is_a_page_too(client: FlaskClient):
    page = transcript(client)

    assert page.found["p"] == ["Nobody has said anything here yet."]
    assert page.found["p note"][-1] == "Messages: 0"


def test_names_that_nobody_checked_are_marked(client: FlaskClient, engine: Engine):
    """As on the room's page: a script may call itself like somebody who is there."""
    said(engine, ("Teacher", "kX3vPq9LZb2w", "mine", 0), ("Teacher", "", "from a script", 0))
    page = transcript(client)

    assert page.found["bdi"][1:] == ["Teacher"]
    assert page.found["bdi unchecked"] == ["Teacher"]
    assert page.found["p who"] == ["", "*"]
    assert "* Nobody checked this name: it was sent by a simple client." in page.found["p note"]


def test_where_all_names_were_checked_there_is_no_note(client: FlaskClient, engine: Engine):
    said(engine, ("Ann", "kX3vPq9LZb2w", "hi", 0))

    assert "Nobody checked" not in str(transcript(client).found)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("A\u202enn", "Ann"),
        ("\u200b", "?"),
        ("  Ann\n Lee", "Ann Lee"),
        ("<b>", "<b>"),
        ("\U0001f9d1\u200d\U0001f4bb", "\U0001f9d1\U0001f4bb"),
    ],
)
def test_a_name_is_shown_without_what_is_invisible(
    client: FlaskClient, engine: Engine, name: str, shown: str
):
    said(engine, (name, "kX3vPq9LZb2w", "hi", 0))

    assert transcript(client).found["bdi"][1:] == [shown]


def test_what_people_say_is_text(client: FlaskClient, engine: Engine):
    texts = [
        "<script>alert(1)</script>",
        "</style></p></article><img src=x onerror=alert(1)>",
        "one\n  two\n\nthree",
        "&amp; {{ 7 * 7 }} \u05e9\u05dc\u05d5\u05dd \U0001f44b",
        "\u202ereversed",
    ]
    said(engine, *(("<i>Ann</i>", "", text, 0) for text in texts))
    page = transcript(client)

    assert page.found["p text"] == texts
    assert "script" not in page.found
    assert "img" not in page.found


def test_each_day_has_a_heading(client: FlaskClient, engine: Engine):
    noon = int(datetime(2026, 1, 31, 12, tzinfo=timezone.utc).timestamp() * 1000)
    times = (noon, noon + 1, noon + DAY, noon + DAY)
    said(engine, *(("Ann", "x", "hi", at) for at in times))

    assert transcript(client).found["h2"] == ["2026-01-31", "2026-02-01"]
    german = transcript(client, **{"Accept-Language": "de"})
    assert german.found["h2"] == ["31.01.2026", "01.02.2026"]
    assert german.found["p note"][-1] == "Nachrichten: 4"


@pytest.mark.parametrize("at", [-62_135_596_800_000, 253_402_300_799_999, 0])
def test_messages_of_all_times_are_shown(client: FlaskClient, engine: Engine, at: int):
    """As an import may bring them."""
    said(engine, ("Ann", "x", "hi", at))

    assert transcript(client).found["p text"] == ["hi"]


def test_it_runs_no_script_and_its_style_is_its_own(client: FlaskClient):
    reply = client.get("/rooms/lobby/transcript")
    (style,) = re.findall("<style>(.*?)</style>", reply.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()

    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}'; ")
    assert "script-src" not in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.cache_control.no_store
    assert "style=" not in reply.text


def test_it_can_be_saved_as_a_file_that_stands_alone(client: FlaskClient, engine: Engine):
    remember(engine, 1, "K\u00fcche")
    reply = client.get("/rooms/K%C3%BCche/transcript?download")
    date = f"{datetime.now():%Y-%m-%d}"

    disposition = reply.headers["Content-Disposition"]
    assert disposition.startswith(f'attachment; filename="K_che-{date}.html"')
    assert disposition.endswith(f"filename*=UTF-8''K%C3%BCche-{date}.html")
    assert "href=" not in reply.text
    on_screen = client.get("/rooms/K%C3%BCche/transcript")
    assert "Content-Disposition" not in on_screen.headers
    assert 'href="?download"' in on_screen.text
    assert 'href="/rooms/K%C3%BCche"' in on_screen.text


def test_an_invalid_name_is_a_400(client: FlaskClient):
    reply = client.get("/rooms/a%20b/transcript")

    assert reply.status_code == 400
    assert "use 1 to 64 letters" in reply.text


def test_it_is_read_as_the_client_takes_it(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    remember(engine, 5000, body="x" * 300)
    read = count_pages(engine, monkeypatch)
    with client.get("/rooms/lobby/transcript", buffered=False) as reply:
        pieces = reply.iter_encoded()
        next(pieces)
        assert len(read) <= 2
        assert max(map(len, pieces)) < 100_000
    assert len(read) > 4


def test_what_is_deleted_meanwhile_leaves_a_note(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    messages = remember(engine, 5)
    monkeypatch.setattr(engine.history, "pages", lambda *_: iter([messages[:2], messages[3:]]))
    page = transcript(client)

    assert "Messages that stood here were deleted while this page was made." in page.found["p note"]
    assert len(page.found["p text"]) == 4


def test_what_was_removed_is_not_there_and_leaves_no_note(client: FlaskClient, engine: Engine):
    messages = remember(engine, 5)
    take_back(engine, *(messages[n].id for n in (0, 2, 4)))
    page = transcript(client)

    assert page.found["p text"] == ["hi 2", "hi 4"]
    assert page.found["p note"][-1] == "Messages: 2"
    assert not any("deleted" in note for note in page.found["p note"])

    take_back(engine, messages[1].id, messages[3].id)
    assert "Nobody has said anything here yet." in transcript(client).found["p"]


def test_what_was_edited_says_so(client: FlaskClient, engine: Engine):
    one, _ = remember(engine, 2)
    edited = one.edited("1", 1, DAY)
    engine.server.ask(lambda: engine.history.rewrite(edited), DEADLINE)

    assert transcript(client).found["small"] == ["(edited)"]
    german = transcript(client, **{"Accept-Language": "de"})
    assert german.found["small"] == ["(bearbeitet)"]
    assert german.found["p text"] == ["1", "hi 2"]


def test_only_so_many_are_read_at_once(client: FlaskClient):
    reading = [client.get("/rooms/lobby/transcript", buffered=False) for _ in range(READERS)]
    refused = client.get("/rooms/lobby/transcript")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    for reply in reading:
        reply.close()
    for method in ("GET", "HEAD") * READERS:
        with client.open("/rooms/lobby/transcript", method=method) as reply:
            assert reply.status_code == 200


@pytest.mark.parametrize("broken", ["head", "pages"])
def test_a_history_that_cannot_be_read_is_a_503(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch, broken: str
):
    for _ in range(READERS + 1):
        with monkeypatch.context() as patch:
            patch.setattr(engine.history, broken, fail)
            reply = client.get("/rooms/lobby/transcript")
        assert (reply.status_code, reply.headers["Retry-After"]) == (503, "5")
        assert "disk I/O error" in reply.text
    assert client.get("/rooms/lobby/transcript").status_code == 200


def test_one_that_breaks_off_does_not_look_whole(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    messages = remember(engine, 2000, body="x" * 100)

    def pages(*_arguments: object) -> Iterator[list[Message]]:
        yield messages
        fail()

    monkeypatch.setattr(engine.history, "pages", pages)
    with (
        client.get("/rooms/lobby/transcript", buffered=False) as reply,
        pytest.raises(HistoryUnavailable),
    ):
        list(reply.iter_encoded())


def test_below_a_path_the_way_back_is_below_it(client: FlaskClient):
    below = {"SCRIPT_NAME": "/talk"}
    reply = client.get("/rooms/garden/transcript", environ_overrides=below)

    assert 'href="/talk/rooms/garden"' in reply.text


def test_a_file_is_named_with_its_size_and_address(client: FlaskClient, engine: Engine) -> None:
    now = time.time_ns() // 1_000_000  # an older one might be taken for one that nobody needs
    file = StoredFile(FILE, "lobby", "<b>Bild.png", "image/png", 1_234_567, 3, 2, "ann", now, True)
    engine.history.add_file(file._replace(is_whole=False))
    engine.history.complete_file(file)
    engine.history.append([typed("lobby", 1, "ann", "c1", "")._replace(file=file.to_json())])

    page = client.get("/rooms/lobby/transcript").text

    assert f'<a href="/api/rooms/lobby/files/{FILE}"><bdi>&lt;b&gt;Bild.png</bdi></a>' in page
    assert ShownPage(page).found["p file"][0].endswith(" 1.23 MB")
    assert "p text" not in ShownPage(page).found
