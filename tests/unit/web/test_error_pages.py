"""Errors outside the API: a line for programs, a page with a way to the lobby for people."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from chatroom.engine import Engine
from chatroom.web.page import HEADERS

SETTINGS: dict[str, object] = {}
"""Of the ``app``: see conftest.py."""

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"
"""What an address bar asks for."""


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/rooms/a%20b", 400, "use 1 to 64 letters"),
        ("GET", "/?room=/", 400, "use 1 to 64 letters"),
        ("GET", "/nowhere", 404, "There is nothing here"),
        ("GET", "/static/nothing", 404, "There is nothing here"),
        ("POST", "/rooms/lobby", 405, "That does not work here"),
        ("GET", "/chat", 426, "WebSocket connections only"),
    ],
)
def test_a_browser_gets_a_page_with_a_way_to_the_lobby(
    shared_client: FlaskClient, method: str, path: str, status: int, words: str
):
    reply = shared_client.open(path, method=method, headers={"Accept": BROWSER})

    assert (reply.status_code, reply.mimetype) == (status, "text/html")
    assert words in reply.text.replace("&#39;", "'")
    assert '<a href="/">Go to the lobby</a>' in reply.text
    assert '<html lang="en">' in reply.text
    assert {"Accept", "Accept-Language"} <= set(reply.vary)
    assert reply.cache_control.no_store
    for name, value in HEADERS.items():
        assert reply.headers[name] == value
    assert "<script" not in reply.text
    assert "style=" not in reply.text


@pytest.mark.parametrize("accept", [None, "*/*", "text/plain", "application/json", "image/*,*/*"])
def test_programs_get_a_line(shared_client: FlaskClient, accept: str | None):
    headers = {} if accept is None else {"Accept": accept}
    for path, line in (
        ("/nowhere", "404 Not Found\n"),
        ("/rooms/a%20b", 'Invalid room name: use 1 to 64 letters, digits, "_", "-" or ".".\n'),
    ):
        reply = shared_client.get(path, headers=headers)
        assert (reply.mimetype, reply.text) == ("text/plain", line)


@pytest.mark.parametrize(
    ("languages", "lobby"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "Zur Lobby"),
        ("fr,de;q=0.5,en;q=0.4", "Zur Lobby"),
        ("en-GB,de;q=0.9", "Go to the lobby"),
        ("fr", "Go to the lobby"),
        ("*", "Go to the lobby"),
        ("", "Go to the lobby"),
    ],
)
def test_it_is_in_the_first_language_of_the_browser_that_the_page_speaks(
    shared_client: FlaskClient, languages: str, lobby: str
):
    headers = {"Accept": BROWSER, "Accept-Language": languages}

    assert lobby in shared_client.get("/nowhere", headers=headers).text


def test_in_german_a_wrong_room_name_is_explained_in_german(shared_client: FlaskClient):
    headers = {"Accept": BROWSER, "Accept-Language": "de"}
    text = shared_client.get("/rooms/a%20b", headers=headers).text

    assert "Ungültiger Raumname" in text
    assert '<html lang="de">' in text


def test_below_a_path_the_lobby_is_below_it_too(shared_client: FlaskClient):
    reply = shared_client.get(
        "/nowhere", headers={"Accept": BROWSER}, environ_overrides={"SCRIPT_NAME": "/talk"}
    )

    assert '<a href="/talk/">' in reply.text
    assert 'href="/talk/static/' in reply.text


def test_a_bug_of_ours_is_a_page_too(
    client: FlaskClient, engine: Engine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(engine.history, "head", lambda room: 1 / 0)
    reply = client.get("/getAllMessages", headers={"Accept": BROWSER})

    assert reply.status_code == 500
    assert "Something went wrong" in reply.text


def test_under_a_foreign_name_the_way_to_the_lobby_is_by_our_own(shared_client: FlaskClient):
    headers = {"Accept": BROWSER, "Host": "evil.example:80"}
    reply = shared_client.get("/", headers=headers)

    assert reply.status_code == 421
    assert '<a href="http://localhost:80/">' in reply.text


def test_what_a_client_sends_is_shown_as_text(shared_client: FlaskClient):
    headers = {"Accept": BROWSER, "Host": "<b>evil</b>"}
    reply = shared_client.get("/", headers=headers)

    assert reply.status_code == 421
    assert "<b>" not in reply.text


def test_under_api_errors_stay_problems(shared_client: FlaskClient):
    reply = shared_client.get("/api/nowhere", headers={"Accept": BROWSER})

    assert reply.mimetype == "application/problem+json"
