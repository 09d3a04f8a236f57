"""What the commands ask over HTTP: with whose password, and what they make of odd answers."""

from __future__ import annotations

import base64
from http.server import BaseHTTPRequestHandler

import pytest
from click.testing import CliRunner, Result

from chatroom.commands import chatroom
from chatroom.commands.proxy_checks import examine_proxy
from tests.support.http_answers import Answer, answering, body

SECRET = "s%40cret"
HTML = "<html>\r\n<head><title>401 Authorization Required</title></head>\r\n</html>"


def run(*arguments: str, **environ: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(chatroom, arguments, env=environ)


def secured(url: str) -> str:
    return url.replace("://", f"://ann:{SECRET}@")


def guarded(answer: Answer) -> Answer:
    """The answer for those who give the password; others get nginx's page."""

    def guard(handler: BaseHTTPRequestHandler) -> None:
        pair = base64.b64encode(b"ann:s@cret").decode()
        given = handler.headers.get("Authorization") == f"Basic {pair}"
        (answer if given else body(HTML, "text/html", 401))(handler)

    return guard


def test_name_and_password_of_the_url_are_sent():
    with answering(guarded(body('{"rooms": [], "messages": []}'))) as (url, asked):
        assert run("export", "lobby", CHATROOM_URL=secured(url)).exit_code == 0
    assert asked == ["/api/rooms", "/api/rooms/lobby/messages?limit=1"]  # it may be unlisted


def test_a_password_is_not_for_the_host_that_a_redirect_leads_to():
    heard: list[str | None] = []

    def note(handler: BaseHTTPRequestHandler) -> None:
        heard.append(handler.headers.get("Authorization"))
        body('{"rooms": [], "messages": []}')(handler)

    with answering(note) as (other, _):

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(302)
            handler.send_header("Location", f"{other}/api/rooms")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with answering(redirect) as (url, _):
            run("export", "lobby", "--url", secured(url))
    assert heard == [None, None]


@pytest.mark.parametrize("command", ["export", "say", "tail"])
def test_a_page_of_html_that_asks_for_a_password_is_a_sentence(command: str):
    with answering(guarded(body("{}"))) as (url, _):
        without = run(command, "--url", url, "lobby")
        wrong = run(command, "--url", url.replace("://", "://bob:hunter2@"), "lobby")
    assert (without.exit_code, wrong.exit_code) == (4, 4)
    assert "http-401: the server asks for a name and password; write them" in without.stderr
    assert "http-401: the server does not accept the name and password" in wrong.stderr
    assert "<" not in without.output + wrong.output
    assert "hunter2" not in wrong.output


@pytest.mark.parametrize(
    "url",
    ["http://ann:s%40cret@127.0.0.1:1", "http://ann:s%40cret@[::1", "ann:s%40cret@127.0.0.1:0"],
)
@pytest.mark.parametrize("command", ["export", "say", "tail"])
def test_a_password_is_never_shown(command: str, url: str):
    for done in (
        run(command, "--patience", "0.01", "lobby", CHATROOM_URL=url),
        run(command, "--patience", "0.01", "--url", url, "lobby"),
        run(command, "--help", CHATROOM_URL=url),
    ):
        assert "cret" not in done.output
        assert "ann:" not in done.output


def test_doctor_gives_the_password_to_the_proxy():
    well = guarded(body('{"errors":0,"sockets":2,"status":"ok"}'))
    with answering(well, guarded(body(HTML, "text/html", 403))) as (url, _):
        findings = examine_proxy(secured(url))
    assert findings[0].text == f"{url} reaches the room"
    assert not [finding for finding in findings if "<" in finding.text or "cret" in str(finding)]


def test_doctor_says_that_the_proxy_asks_for_a_password():
    with answering(guarded(body("{}"))) as (url, _):
        (finding,) = examine_proxy(url)
    assert "asks for a name and password" in finding.text
    assert "NAME:PASSWORD" in finding.remedy


@pytest.mark.parametrize("status", [403, 404, 502, 503])
def test_html_of_an_error_is_not_shown(status: int):
    with answering(body(HTML, "text/html", status)) as (url, _):
        done = run("export", "lobby", "--url", url)
    assert done.exit_code == 4
    assert f"http-{status}" in done.stderr
    assert "<" not in done.stderr
