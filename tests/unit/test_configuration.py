"""Settings: what is read, and the one line with which each mistake stops the start."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from chatroom.configuration import Configuration, load_configuration
from chatroom.errors import ConfigurationError
from chatroom.serving.start import CHECKOUT
from chatroom.settings import SETTINGS

Write = Callable[[Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration file: text and bytes as they are, anything else as JSON."""

    def write(content: Any) -> Path:
        path = tmp_path / "config.json"
        if not isinstance(content, bytes):
            content = (content if isinstance(content, str) else json.dumps(content)).encode()
        path.write_bytes(content)
        return path

    return write


def load(path: Path, **environ: str) -> Configuration:
    return load_configuration({"CHATROOM_CONFIG": str(path), **environ})


def refusal(path: Path | str, **environ: str) -> str:
    """The one line that says why it does not start."""
    with pytest.raises(ConfigurationError) as caught:
        load_configuration({"CHATROOM_CONFIG": str(path), **environ})
    line = str(caught.value)
    assert len(line.splitlines()) == 1
    return line


# -- what is read ------------------------------------------------------------------------------


def test_the_checkout_has_a_file_with_every_default_in_order():
    path = CHECKOUT / "config.json"

    assert list(json.loads(path.read_text()).items()) == [(s.name, s.default) for s in SETTINGS]
    assert load_configuration({}).path == path


def test_every_setting_is_a_field_and_every_field_a_setting():
    fields = [field.name for field in dataclasses.fields(Configuration)]

    assert fields == ["path", *(setting.field for setting in SETTINGS)]
    assert all(setting.help for setting in SETTINGS)


def test_a_key_that_is_left_out_has_its_default(write):
    configuration = load(write({"port": 80}))

    assert configuration.port == 80
    assert configuration.host_name == "localhost"
    assert configuration.history == "sqlite:chat.db"
    assert configuration.host_names == ()
    assert configuration.allowed_origins == ()
    assert configuration.trusted_proxies == (ip_network("127.0.0.1"), ip_network("::1"))


def test_a_configuration_never_changes(write):
    with pytest.raises(dataclasses.FrozenInstanceError):
        load(write({})).port = 80  # type: ignore[misc]


def test_relative_paths_start_at_the_folder_of_the_file(write, tmp_path):
    configuration = load(write({"logfilePath": "logs/chat.log"}))

    assert configuration.folder == tmp_path
    assert configuration.logfile == tmp_path / "logs/chat.log"


def test_an_absolute_log_file_stays_where_it_is(write):
    assert load(write({"logfilePath": "/var/log/chat.log"})).logfile == Path("/var/log/chat.log")


def test_a_dash_for_the_log_is_no_file(write):
    assert load(write({"logfilePath": "-"})).logfile is None


def test_a_relative_name_of_the_file_starts_at_the_working_directory(write, tmp_path, monkeypatch):
    write({"port": 81})
    monkeypatch.chdir(tmp_path)

    configuration = load(Path("config.json"))

    assert (configuration.port, configuration.folder) == (81, tmp_path)


def test_a_byte_order_mark_is_no_mistake(write):
    assert load(write(b'\xef\xbb\xbf{"port": 82}')).port == 82


def test_port_in_the_environment_listens_there_on_all_interfaces(write):
    configuration = load(write({"port": 80, "hostName": "localhost"}), PORT="8080")

    assert (configuration.port, configuration.host_name) == (8080, "0.0.0.0")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::0"])
def test_a_host_that_means_all_interfaces_stays_where_a_platform_sets_the_port(
    write: Write, host: str
):
    """IPv6's has clients of both families."""
    configuration = load(write({"hostName": host}), PORT="8080")

    assert (configuration.host_name, configuration.port) == (host, 8080)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://chat.example", "https://chat.example"),
        ("HTTPS://Chat.Example:443", "https://chat.example"),
        ("http://chat.example:80", "http://chat.example"),
        ("http://chat.example:443", "http://chat.example:443"),
        ("http://10.0.0.7:8080", "http://10.0.0.7:8080"),
        ("http://[0:0::1]:8080", "http://[::1]:8080"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("tauri://localhost", "tauri://localhost"),
        ("ionic://localhost:8100", "ionic://localhost:8100"),
        ("app://.", "app://."),
        ("app://obsidian.md", "app://obsidian.md"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://6ba7b810-9dad-11d1", "moz-extension://6ba7b810-9dad-11d1"),
        ("vscode-webview://0a1b2c", "vscode-webview://0a1b2c"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://B\u00dcCHER.example:8443", "https://xn--bcher-kva.example:8443"),
        ("https://stra\u00dfe.example", "https://xn--strae-oqa.example"),
        ("https://\u4f8b\u3048.example", "https://xn--r8jz45g.example"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_kept_as_a_browser_writes_it(write, written, kept):
    assert load(write({"allowedOrigins": [written]})).allowed_origins == (kept,)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Chat.Example", "chat.example"),
        ("chat", "chat"),
        ("b\u00fccher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher\u3002example", "xn--bcher-kva.example"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940.example", "xn--j2bd4cyah0f.example"),
    ],
)
def test_a_host_name_is_kept_as_a_browser_sends_it(write, written, kept):
    assert load(write({"hostNames": [written]})).host_names == (kept,)


def test_a_trusted_proxy_is_an_address_or_a_network(write):
    written = ["10.0.0.7", "10.1.0.0/16", "fd00::/8"]

    assert load(write({"trustedProxies": written})).trusted_proxies == tuple(
        ip_network(text) for text in written
    )


GOOD = {
    "port": [1, 65535],
    "hostName": ["localhost", "0.0.0.0", "::", "fe80::1%eth0", "chat_1.example"],
    "logfilePath": ["-", "a b.log"],
    "history": ["memory:", "sqlite:chat.db", "sqlite:/var/lib/chat.db", "postgres://chat@db/chat"],
    "historySync": ["full", "normal"],
    "replayLimit": [0, 1_000_000],
    "workers": [1],
    "maxUsers": [1, 1_000_000],
    "maxMessageBytes": [1, 522_240],
    "maxFileBytes": [1, 2**30],
    "filesBytes": [0, 2**50],
    "filesFolder": ["", "files", "/srv/chat files"],
    "maxNameLength": [1, 1000],
    "userQueueBytes": [135_168, 2**30],
    "hostNames": [[], ["chat.example.com"]],
    "allowedOrigins": [[]],
    "trustedProxies": [[], ["0.0.0.0/0"]],
    "metricsFrom": [[], ["10.0.0.8", "fd00::/8"]],
    "metricsKey": ["", "!" * 16, "~" * 200],
    "pingInterval": [1, 3600],
}


@pytest.mark.parametrize(
    ("key", "value"), [(key, value) for key, values in GOOD.items() for value in values]
)
def test_a_value_at_the_edge_is_taken(write, key, value):
    load(write({key: value}))


# -- what is refused ---------------------------------------------------------------------------

NUMBERS = {
    "port": (1, 65535),
    "replayLimit": (0, 1_000_000),
    "workers": (1, 64),
    "maxUsers": (1, 1_000_000),
    "maxMessageBytes": (1, 16 * 2**20),
    "maxFileBytes": (1, 2**30),
    "maxNameLength": (1, 1000),
    "userQueueBytes": (1, 2**30),
    "pingInterval": (1, 3600),
}


@pytest.mark.parametrize("value", [True, False, 25.0, "25", None, [25], {}, -1, 2**31])
@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_that_is_none_or_far_off_stops_the_start(write, key, value):
    low, high = NUMBERS[key]
    path = write({key: value})

    wanted = f"a whole number from {low} to {high}"
    assert refusal(path) == f"{path}: {key} is {value!r}; wanted: {wanted}"


@pytest.mark.parametrize("key", NUMBERS)
def test_a_number_just_out_of_range_stops_the_start(write, key):
    low, high = NUMBERS[key]
    for value in low - 1, high + 1:
        path = write({key: value})

        wanted = f"a whole number from {low} to {high}"
        assert refusal(path) == f"{path}: {key} is {value}; wanted: {wanted}"


INTERFACE = "the name or address of an interface: localhost, 0.0.0.0 or ::1"
LOG_FILE = 'the path of a file, or "-" for standard error'
HISTORY = "sqlite:PATH, memory: or postgresql://USER@HOST/DATABASE"
ORIGINS = "origins such as https://chat.example:8443, without a path"
HOST_NAMES = "host names such as chat.example.com, without a port"
NETWORKS = "addresses or networks such as 10.0.0.7, 10.0.0.0/8 or ::1"


@pytest.mark.parametrize(
    ("key", "wanted", "values"),
    [
        (
            "hostName",
            INTERFACE,
            ["", " ", "a b", "http://a", "localhost:80", "[::1]", "-a", "a\n", "é", "*", 1, None],
        ),
        ("logfilePath", LOG_FILE, ["", 1, None, False, ["a"]]),
        (
            "history",
            HISTORY,
            ["", "sqlite:", "redis:", "chat.db", "memory:x", "a\nb", "postgresql:/db", 1, None],
        ),
        ("historySync", "full or normal", ["", "FULL", "off", 1, True, None]),
        ("hostNames", f"a list of {HOST_NAMES}", ["*", "a.example", None, {}, 1, True]),
        ("allowedOrigins", f"a list of {ORIGINS}", ["*", "https://a.example", None, {}, 1, True]),
        ("trustedProxies", f"a list of {NETWORKS}", ["10.0.0.7", None, {}, 1, True]),
    ],
)
def test_a_text_or_list_that_is_none_or_unfit_stops_the_start(write, key, wanted, values):
    for value in values:
        path = write({key: value})

        assert refusal(path) == f"{path}: {key} is {value!r}; wanted: {wanted}"


@pytest.mark.parametrize(
    ("key", "wanted", "entries"),
    [
        (
            "allowedOrigins",
            ORIGINS,
            [
                *("", "*", "null", "a.example", "//a.example", "ftp://a.example", "https://"),
                *("file://", "app://", "app://a b", "://a.example", "capacitor://localhost/"),
                *("https://b\u00fccher .example", "https://" + "\u00fc" * 60, "data:text/html,x"),
                *("https://a.example/", "https://a.example/chat", "https://a.example?q"),
                *("https://a.example:", "https://a.example:0", "https://a.example:65536"),
                *("https://me@a.example", "https://a b", "ws://a.example", "https://[::g]"),
                *("https://a.example\n", 1, None, True, ["https://a.example"]),
            ],
        ),
        (
            "hostNames",
            HOST_NAMES,
            [
                *("", "*", "*.a.example", "a.example:80", "https://a.example", "a.example/", "a b"),
                *("[::1]", "a..b/", "x" * 64 + ".\u00fc" * 64, 1, None, True, []),
            ],
        ),
        (
            "trustedProxies",
            NETWORKS,
            ["", "*", "localhost", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", 1, None, True, []],
        ),
        ("metricsFrom", NETWORKS, ["", "localhost", "10.0.0.1/8", 1, None]),
    ],
)
def test_a_list_names_its_unfit_entry(write, key, wanted, entries):
    good = {"allowedOrigins": "https://good.example", "hostNames": "good.example"}
    good = good.get(key, "10.0.0.7")
    for entry in entries:
        path = write({key: [good, entry]})

        assert refusal(path) == f"{path}: {key}[1] is {entry!r}; wanted: only {wanted}"


@pytest.mark.parametrize(
    "value",
    ["fifteen-letters", "x" * 201, "a key with spaces", "a-k\u00e9y-of-some-letters", 987654321],
)
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(write, value):
    line = refusal(write({"metricsKey": value}))

    assert ": metricsKey is '...'; wanted: at least 16 characters without spaces" in line
    assert str(value) not in line.partition("wanted")[0]


@pytest.mark.parametrize(
    ("settings", "message_bytes", "least"),
    [
        ({"userQueueBytes": 135_167}, 65_536, 135_168),
        ({"maxMessageBytes": 2**20}, 2**20, 2_101_248),
    ],
)
def test_a_queue_that_cannot_hold_two_messages_stops_the_start(
    write, settings, message_bytes, least
):
    path = write(settings)
    queue_bytes = settings.get("userQueueBytes", 2**20)

    assert refusal(path) == (
        f"{path}: userQueueBytes is {queue_bytes}; wanted: at least {least}, "
        f"enough for two messages of maxMessageBytes ({message_bytes})"
    )


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("prot", "port"),
        ("hostname", "hostName"),
        ("max_users", "maxUsers"),
        ("MAXUSERS", "maxUsers"),
        ("logFilePath", "logfilePath"),
        ("allowedOrigin", "allowedOrigins"),
    ],
)
def test_an_unknown_key_is_told_the_nearest_known_one(write, key, nearest):
    path = write({key: 1})

    assert refusal(path) == f"{path}: {key} is 1; wanted: a known key; the nearest is {nearest}"


def test_a_key_like_no_other_is_told_all_of_them(write):
    path = write({"zzz\n\u202e": "q"})
    keys = ", ".join(setting.name for setting in SETTINGS)

    assert refusal(path) == f"{path}: zzz\\n\\u202e is 'q'; wanted: one of the keys {keys}"


@pytest.mark.parametrize(
    "written",
    [
        {"history": "postgresql:/chat:sesame@db"},
        {"history": "postgresql://chat:ses ame@db"},
        {"history": "chat:sesame@db"},
        {"histroy": "postgresql://chat:sesame@db/chat"},
        '{"history": "postgresql://chat:sesame@db/", "history": "postgresql://chat:sesame@db/"}',
    ],
)
def test_a_databases_password_is_not_shown(write, written):
    line = refusal(write(written))

    assert "***@db" in line
    assert "ame@" not in line


@pytest.mark.parametrize("history", ["sqlite:chat.db", "memory:"])
def test_several_processes_need_a_history_that_they_can_share(write, history):
    path = write({"workers": 2, "history": history})

    wanted = "1, or in config.json a history that processes can share"
    form = "postgresql://USER@HOST/DATABASE"
    assert refusal(path) == f"{path}: workers is 2; wanted: {wanted}: {form}"


def test_64_processes_can_share_a_database(write):
    assert load(write({"workers": 64, "history": "postgresql://chat@db/chat"})).workers == 64


@pytest.mark.parametrize("url", ["postgresql://chat:sesame@db/chat", "postgres://db"])
def test_a_platforms_database_is_taken_where_the_history_leaves_that_to_it(write, url):
    path = write({"history": "postgresql:", "workers": 2})

    assert load(path, DATABASE_URL=url).history == url


def test_a_platforms_database_is_left_alone_otherwise(write):
    path = write({"history": "memory:"})

    assert load(path, DATABASE_URL="no address").history == "memory:"


@pytest.mark.parametrize("environ", [{}, {"DATABASE_URL": ""}])
def test_a_database_that_the_environment_does_not_name_stops_the_start(write, environ):
    path = write({"history": "postgresql:"})

    line = refusal(path, **environ)

    assert line.startswith("environment: DATABASE_URL is missing; wanted: the database's address")
    assert f"as {path} has 'postgresql:' for history: postgresql://USER@HOST/DATABASE" in line


@pytest.mark.parametrize(
    "url", ["mysql://chat:sesame@db/chat", "postgresql:/chat:sesame@db", "chat:sesame@db"]
)
def test_a_database_in_the_environment_that_is_none_is_shown_without_its_password(write, url):
    line = refusal(write({"history": "postgresql:"}), DATABASE_URL=url)

    assert line.startswith("environment: DATABASE_URL is ")
    assert "***@db" in line
    assert "sesame" not in line


@pytest.mark.parametrize(
    "settings",
    [
        '{"Password": "Open sesame"}',
        '{"passwrd": "Open sesame"}',
        '{"roomPass": "Open sesame"}',
        '{"password": "Open sesame", "password": "Open sesame"}',
    ],
)
def test_a_password_by_a_wrong_name_is_not_shown(write, settings: str):
    """The error stands in a log, and on screens of others."""
    told = refusal(write(settings))

    assert "sesame" not in told
    assert "ass" in told


def test_a_key_that_stands_twice_stops_the_start(write):
    path = write('{"port": 80, "port": 81}')

    assert refusal(path) == f"{path}: port is 81; wanted: this key only once"


def test_a_value_that_would_fill_the_screen_is_abridged(write):
    path = write({"port": "9" * 100_000})

    assert refusal(path) == (
        f"{path}: port is '999999999999...9999999999999'; wanted: a whole number from 1 to 65535"
    )


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "not JSON (line 1, column 1: Expecting value)"),
        (
            '{\n  "port": 80\n  "maxUsers": 1\n}',
            "not JSON (line 3, column 3: Expecting ',' delimiter)",
        ),
        (
            "{'port': 80}",
            "not JSON (line 1, column 2: Expecting property name enclosed in double quotes)",
        ),
        (b'{"hostName": "\xff"}', "not UTF-8 (byte 14)"),
        ("[1, 2]", "not an object but [1, 2]"),
        ("null", "not an object but None"),
        ('"port"', "not an object but 'port'"),
    ],
)
def test_a_file_that_is_no_json_object_is_told_why(write, content, cause):
    path = write(content)

    assert refusal(path) == f"{path}: the file is {cause}; wanted: a JSON object with settings"


@pytest.mark.parametrize("content", ["[" * 200_000, f'{{"port": {"9" * 5000}}}'])
def test_a_file_that_overwhelms_the_parser_stops_the_start_too(write, content):
    path = write(content)

    assert refusal(path).startswith(f"{path}: the file is too much for a setting (")


def test_a_missing_file_is_named_with_the_way_out(tmp_path):
    path = tmp_path / "none.json"

    assert refusal(path) == (
        f"{path}: the file is missing; wanted: a JSON file; CHATROOM_CONFIG names another"
    )


def test_a_file_that_cannot_be_read_is_told_why(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path}: the file is unreadable (Is a directory); wanted: a readable file"
    )


def test_an_empty_name_of_the_file_stops_the_start():
    assert refusal("") == ("environment: CHATROOM_CONFIG is ''; wanted: the path of a JSON file")


@pytest.mark.parametrize(
    "value", ["", "0", "65536", "-1", "+80", " 80", "80 ", "8_0", "80.0", "http", "٨٠", "080808"]
)
def test_a_port_in_the_environment_that_is_none_stops_the_start(write, value):
    assert refusal(write({}), PORT=value) == (
        f"environment: PORT is {value!r}; wanted: a number from 1 to 65535"
    )
