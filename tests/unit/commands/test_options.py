"""Which server, which room, and which values of options are refused."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from chatroom.commands import chatroom
from chatroom.commands.options import RoomName, Span, Words, chosen_room
from chatroom.commands.own_server import default_url
from chatroom.errors import ConfigurationError


@pytest.fixture(autouse=True)
def _nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and nothing in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("PORT", "CHATROOM_CONFIG", "CHATROOM_URL"):
        monkeypatch.delenv(name, raising=False)


def configure(name: str = "config.json", **settings: object) -> None:
    Path(name).write_text(json.dumps(settings))


# -- the server ------------------------------------------------------------------------------


def test_without_settings_the_server_is_the_default_one():
    assert default_url() == "http://localhost:9999"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("localhost", "http://localhost:81"),
        ("0.0.0.0", "http://localhost:81"),
        ("::", "http://localhost:81"),
        ("::1", "http://[::1]:81"),
        ("192.0.2.7", "http://192.0.2.7:81"),
    ],
)
def test_the_server_is_the_one_that_the_settings_here_are_for(host: str, url: str):
    configure(port=81, hostName=host)
    assert default_url() == url


def test_the_environment_says_which_settings_and_port(monkeypatch: pytest.MonkeyPatch):
    configure(port=81)
    configure("other.json", port=82, hostName="192.0.2.7")
    monkeypatch.setenv("CHATROOM_CONFIG", "other.json")
    assert default_url() == "http://192.0.2.7:82"
    monkeypatch.setenv("PORT", "83")
    assert default_url() == "http://localhost:83"


def test_wrong_settings_do_not_lead_to_another_server():
    configure(prot=81)
    with pytest.raises(ConfigurationError, match=r"nearest is port.*name the server with --url"):
        default_url()
    for command in ("say", "tail", "export"):
        done = CliRunner().invoke(chatroom, [command, "lobby"])
        assert (done.exit_code, "--url" in done.stderr) == (2, True)


def test_wrong_settings_do_not_matter_where_the_server_is_named():
    configure(prot=81)
    arguments = ["export", "lobby", "--url", "http://127.0.0.1:1", "--patience", "0"]
    assert CliRunner().invoke(chatroom, arguments).exit_code == 3
    assert CliRunner().invoke(chatroom, ["export", "lobby", "--history", "no.db"]).exit_code == 5


# -- the room --------------------------------------------------------------------------------

PAGE = "http://localhost:9999/talk/rooms/garden"


def test_the_room_is_that_of_the_argument_or_of_the_url():
    assert chosen_room("lobby", "http://localhost:9999") == "lobby"
    assert chosen_room(None, PAGE) == "garden"
    assert chosen_room("garden", PAGE) == "garden"


def test_two_rooms_or_none_are_refused():
    with pytest.raises(click.UsageError, match=r"lobby.*garden.*--url http://localhost:9999/talk"):
        chosen_room("lobby", PAGE)
    with pytest.raises(click.UsageError, match="ROOM"):
        chosen_room(None, "http://localhost:9999")


# -- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "tail lobby --url http://localhost/rooms/a%20b",
        "tail lobby --url http://localhost/?room=a%20b",
        f"tail lobby --url {PAGE}",
        f"say --url {PAGE} hello",
        "tail",
        "export --history chat.db",
        "tail lobby --since xyz",
        "tail lobby --since 1",
        "tail lobby --lines -1",
        "tail lobby --lines 999999999999999999999999999999",
        "tail lobby --patience nan",
        "tail lobby --patience -1",
        "export lobby --patience 1e300",
        "export lobby --exact",
        "import --room a%20b --history chat.db",
    ],
)
def test_what_cannot_be_is_refused_as_a_wrong_use(words: str):
    done = CliRunner().invoke(chatroom, words.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert not list(Path().iterdir())


# -- how long --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("10m", 600), ("2h", 7200), ("1d", 86400), ("366d", 31622400)],
)
def test_a_span_of_time_has_a_unit(text: str, seconds: int):
    assert Span().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "10", "0s", "-1m", "1.5h", "10 m", "367d", "1w", "999999999d"]
)
def test_what_is_no_span_of_time_is_refused_with_the_way_out(text: str):
    with pytest.raises(click.BadParameter, match=r"wanted: such as 30s, 10m, 2h or 1d"):
        Span().convert(text, None, None)


# -- what was typed --------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "utf-8"])
def test_letters_are_those_that_were_typed_in_whichever_locale(
    encoding: str, monkeypatch: pytest.MonkeyPatch
):
    """A name, a code, a key, a text: as the terminal sends it, or as a script has it, in UTF-8."""
    sent = "Gr\u00fc\u00dfe".encode("iso8859-1" if encoding == "iso8859-1" else "utf-8")
    word = sent.decode(encoding, "surrogateescape")
    monkeypatch.setattr("os.fsencode", lambda text: text.encode(encoding, "surrogateescape"))

    assert Words().convert(word, None, None) == "Gr\u00fc\u00dfe"
    assert RoomName().convert(word, None, None) == "Gr\u00fc\u00dfe"


def test_what_is_no_text_can_still_be_sent():
    assert Words().convert("a\udcff", None, None) == "a\ufffd"
