"""What gunicorn is told, what is refused before it listens, and what the terminal says."""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config

from chatroom.configuration import Configuration, load_configuration
from chatroom.engine import STOP_TIMEOUT
from chatroom.errors import HistoryAway
from chatroom.serving import costs, demands, gunicorn, start
from chatroom.serving.worker import Worker
from chatroom.serving.worker_hooks import LEFTOVER
from chatroom.web.invitation import print_code
from tests.support.ports import idle_port


@pytest.fixture
def configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """The settings that the hooks load, too."""
    path = tmp_path / "config.json"
    path.write_text(
        json.dumps({"port": idle_port().number, "hostName": "127.0.0.1", "maxUsers": 100})
    )
    monkeypatch.setenv("CHATROOM_CONFIG", str(path))
    monkeypatch.delenv("PORT", raising=False)
    return load_configuration()


def config(configuration: Configuration, **arguments: Any) -> Config:
    """gunicorn's own, as ``gunicorn.conf.py`` and then the command line make it."""
    cfg = Config()
    for name, value in {**gunicorn.settings(configuration), **arguments}.items():
        cfg.set(name, value)
    return cfg


def start_up(cfg: Config) -> None:
    gunicorn.on_starting(SimpleNamespace(cfg=cfg))


def refusal(cfg: Config, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which the start ends."""
    with pytest.raises(SystemExit) as caught:
        start_up(cfg)
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("chatroom: ")
    return line.removeprefix("chatroom: ")


# -- settings ----------------------------------------------------------------------------------


def test_gunicorn_takes_every_setting(configuration: Configuration):
    cfg = config(configuration)

    assert cfg.worker_class is Worker
    assert cfg.workers == 1
    assert cfg.max_requests == 0
    assert cfg.address == [("127.0.0.1", configuration.port)]


def test_every_user_gets_a_thread_and_some_are_left_for_pages(configuration: Configuration):
    cfg = config(configuration)

    assert cfg.threads == 100 + demands.RESERVE
    assert cfg.worker_connections > cfg.threads


def test_an_ipv6_address_is_bound_in_brackets(configuration: Configuration):
    cfg = config(replace(configuration, host_name="::1", port=9999))

    assert cfg.address == [("::1", 9999)]


def test_gunicorn_trusts_the_proxies_that_we_trust(configuration: Configuration):
    """Networks and addresses of both families."""
    proxies = tuple(map(ip_network, ("127.0.0.1", "10.0.0.0/8", "::1")))
    cfg = config(replace(configuration, trusted_proxies=proxies))

    assert [str(entry) for entry in cfg.forwarded_allow_ips] == list(map(str, proxies))


# -- before it listens -------------------------------------------------------------------------


def test_a_good_start_says_nothing(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
):
    start_up(config(configuration))

    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"workers": 2}, "workers is 2; wanted: 1. The room lives in one process, unless its"),
        ({"workers": 0}, "workers is 0; wanted: 1."),
        ({"worker_class": "gevent"}, "worker_class is gevent; wanted: gthread"),
        ({"max_requests": 1000}, "max_requests is 1000; wanted: 0."),
        ({"certfile": "chat.pem"}, "certfile is chat.pem; wanted: none."),
        ({"threads": 50}, "threads is 50; wanted: at least 156, which is maxUsers and 56 more"),
        ({"worker_connections": 131}, "worker_connections is 131; wanted: at least 156"),
    ],
)
def test_arguments_that_would_break_the_room_are_refused(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    arguments: dict[str, Any],
    line: str,
):
    assert refusal(config(configuration, **arguments), capsys).startswith(line)


@pytest.fixture
def shared(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    """Three workers; nobody looks for their database."""
    written = json.loads(configuration.path.read_text()) | {"workers": 3, **SHARED}
    configuration.path.write_text(json.dumps(written))
    monkeypatch.setattr(gunicorn, "make_history", lambda *_: SimpleNamespace(check=lambda: None))
    monkeypatch.setattr(gunicorn, "demand_notifications", lambda _: None)
    return load_configuration()


def test_workers_that_can_share_their_history_are_as_many_as_the_settings_say(
    shared: Configuration, capsys: pytest.CaptureFixture[str]
):
    cfg = config(shared)
    start_up(cfg)

    assert cfg.workers == 3
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("workers", "line"),
    [
        (0, "workers is 0; wanted: 1 to 64"),
        (65, "workers is 65; wanted: 1 to 64"),
        (2, "workers is 2; wanted: 3, as in config.json: change it there"),
    ],
)
def test_a_file_of_gunicorns_must_not_make_them_more_or_fewer(
    shared: Configuration, capsys: pytest.CaptureFixture[str], workers: int, line: str
):
    """The machine's limits are divided by what the settings say."""
    assert refusal(config(shared, workers=workers), capsys) == line


def load_with(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> dict[str, Any]:
    """The settings that gunicorn gets with this command line."""
    monkeypatch.setattr(sys, "argv", ["gunicorn", *arguments])
    monkeypatch.setattr(start, "_configuration", None)
    monkeypatch.setattr(start, "set_up_logging", lambda _: None)
    return gunicorn.load()


def test_gunicorns_command_line_may_say_how_many(
    shared: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GUNICORN_CMD_ARGS", "--workers 2")
    assert load_with(monkeypatch)["workers"] == 2
    assert load_with(monkeypatch, "-w4")["workers"] == 4
    assert start.app_settings().workers == 4
    start_up(config(shared, workers=4))

    assert capsys.readouterr() == ("", "")


def test_gunicorns_command_line_is_refused_where_they_could_not_share_the_history(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    with pytest.raises(SystemExit) as caught:
        load_with(monkeypatch, "-w", "2")

    assert caught.value.code == 2
    assert capsys.readouterr().err == (
        "chatroom: gunicorn: workers is 2; wanted: 1, or in config.json a history that processes "
        "can share: postgresql://USER@HOST/DATABASE\n"
    )


def test_workers_divide_what_the_machine_has_for_all(
    shared: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(start, "_limits", lambda: [costs.threads(600, "the limit is 600")])
    threads = load_with(monkeypatch)["threads"]

    users = (200 - costs.THREAD_HEADROOM - demands.RESERVE) // 2
    assert threads == users + demands.RESERVE
    assert start.app_settings().max_users == users
    start_up(config(start.app_settings()))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("threads: the limit is 600, for 3 workers")


def test_a_machine_that_carries_fewer_users_says_so_and_serves_those(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    cfg = config(configuration)
    tight = [costs.threads(200, "the limit is 200 (ulimit -u)")]
    monkeypatch.setattr(start, "_limits", lambda: tight)
    start_up(cfg)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("chatroom: maxUsers lowered from 100 to ")
    assert line.endswith("threads: the limit is 200 (ulimit -u)")


def test_a_machine_that_carries_nobody_is_refused(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(start, "_limits", lambda: [costs.threads(10, "the limit is 10")])

    assert "cannot carry a single user; threads: the limit is 10" in refusal(
        config(configuration), capsys
    )


def test_a_port_in_use_is_refused_with_the_way_out(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(start, "ADDRESS_PATIENCE", 0.05)
    with socket.create_server(("127.0.0.1", configuration.port)):
        line = refusal(config(configuration), capsys)

    assert line.startswith(f"cannot listen on 127.0.0.1:{configuration.port}: Address already in")
    assert "change port or hostName" in line


@pytest.mark.parametrize("prefix", ["talk", "/talk/", "/", "//talk", "/our talk", "/gespräch"])
def test_a_prefix_that_would_be_escaped_or_is_none_is_refused(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    prefix: str,
):
    monkeypatch.setenv("SCRIPT_NAME", prefix)

    assert refusal(config(configuration), capsys) == (
        f"environment: SCRIPT_NAME is {prefix!r}; wanted: a path such as /talk"
    )


def test_a_machine_without_a_place_for_temporary_files_is_refused(
    configuration: Configuration,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """As in a container with a read-only root; but one with /dev/shm has a place."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)

    assert "name one in TMPDIR" in refusal(config(configuration, worker_tmp_dir=None), capsys)
    start_up(config(configuration, worker_tmp_dir="/dev/shm"))
    monkeypatch.setattr(gunicorn, "MEMORY_FOLDER", "/no/such/folder")
    assert config(configuration).worker_tmp_dir is None


def test_a_history_that_cannot_be_used_is_refused(
    configuration: Configuration, capsys: pytest.CaptureFixture[str]
):
    database = configuration.folder / "chat.db"
    database.write_bytes(b"no database at all" * 1000)

    assert "sqlite:chat.db" in refusal(config(configuration), capsys)
    assert database.read_bytes() == b"no database at all" * 1000


def test_a_database_that_is_away_is_refused_so_that_it_can_be_tried_again(
    shared: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def check() -> None:
        raise HistoryAway("postgresql://chat@db.invalid/chat", "no answer", "start PostgreSQL")

    monkeypatch.setattr(gunicorn, "make_history", lambda *_: SimpleNamespace(check=check))

    with pytest.raises(SystemExit) as caught:
        start_up(config(shared))
    assert caught.value.code == 75
    assert "no answer; start PostgreSQL" in capsys.readouterr().err


def test_settings_that_are_wrong_end_the_start(
    configuration: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    configuration.path.write_text('{"port": "x"}')
    monkeypatch.setattr(start, "_configuration", None)

    with pytest.raises(SystemExit) as caught:
        start.configure()
    assert caught.value.code == 2
    assert "port is 'x'; wanted: a whole number" in capsys.readouterr().err


def test_settings_that_are_wrong_while_the_room_is_open_change_nothing(
    configuration: Configuration, capsys: pytest.CaptureFixture[str], monkeypatch: Any
):
    """They come with SIGHUP."""
    monkeypatch.setattr(start, "_configuration", configuration)
    configuration.path.write_text('{"port": "x"}')

    assert start.configure() is configuration
    assert "settings unchanged: " in capsys.readouterr().err


# -- when it listens ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "localhost"), ("127.0.0.2", "127.0.0.2"), ("::1", "[::1]")]
)
def test_the_address_to_open_is_printed(
    listen: Any, capsys: pytest.CaptureFixture[str], host: str, shown: str
):
    listener = listen(host)
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[listener]))

    expected = f"The chat room is open: http://{shown}:{listener.port} (Ctrl-C stops it)\n"
    assert capsys.readouterr().out == expected


def test_on_all_interfaces_the_address_for_others_is_printed_too(
    listen: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    listener = listen("0.0.0.0")
    monkeypatch.setattr(gunicorn, "lan_address", lambda: "192.168.1.7")
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[listener]))

    assert capsys.readouterr().out.splitlines() == [
        f"The chat room is open: http://localhost:{listener.port} (Ctrl-C stops it)",
        f"For others on the network: http://192.168.1.7:{listener.port}",
    ]


def test_without_a_network_there_is_no_address_for_others(
    listen: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gunicorn, "lan_address", lambda: None)
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[listen("0.0.0.0")]))

    assert len(capsys.readouterr().out.splitlines()) == 1


def test_a_unix_socket_is_printed_as_its_path(
    listen: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = str(tmp_path / "chat.sock")
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[SimpleNamespace(sock=listen(path).sock)]))

    assert capsys.readouterr().out == f"The chat room is listening on {path}\n"


def test_a_terminal_gets_a_code_for_the_phones_of_others(
    listen: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """And a file or a journal does not: see above."""
    listener = listen("0.0.0.0")
    monkeypatch.setattr(gunicorn, "lan_address", lambda: "192.168.1.7")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[listener]))

    code = print_code(f"http://192.168.1.7:{listener.port}", "utf-8")
    assert code
    assert capsys.readouterr().out.endswith(f":{listener.port}\n{code}")


def test_on_this_machine_alone_a_terminal_gets_no_code(
    listen: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    gunicorn.when_ready(SimpleNamespace(LISTENERS=[listen("127.0.0.1")]))

    assert len(capsys.readouterr().out.splitlines()) == 1


# -- later -------------------------------------------------------------------------------------


def master(configuration: Configuration, monkeypatch: pytest.MonkeyPatch) -> Arbiter:
    """gunicorn's, that has begun with these settings."""
    monkeypatch.setattr(start, "_configuration", configuration)
    arbiter = Arbiter.__new__(Arbiter)
    arbiter.cfg = config(configuration)
    arbiter._num_workers = None
    arbiter.num_workers = arbiter.cfg.workers
    return arbiter


def test_a_second_worker_is_refused_at_run_time(
    configuration: Configuration,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """SIGTTIN asks for one; it would find the history locked, over and over."""
    arbiter = master(configuration, monkeypatch)
    assert caplog.text == ""

    arbiter.num_workers += 1

    assert arbiter.num_workers == 1
    assert "refused: a second worker" in caplog.text


SHARED = {"history": "postgresql://chat@db.invalid/chat"}


def test_workers_that_share_their_history_come_and_go_at_run_time(
    configuration: Configuration,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """Up to as many as the setting takes."""
    arbiter = master(replace(configuration, workers=63, **SHARED), monkeypatch)

    arbiter.num_workers += 1
    assert (arbiter.num_workers, caplog.text) == (64, "")

    arbiter.num_workers += 1
    assert arbiter.num_workers == 64
    assert "refused: more than 64 workers" in caplog.text

    arbiter.num_workers -= 1
    assert arbiter.num_workers == 63


def test_a_second_master_is_let_be_where_both_share_the_history(
    configuration: Configuration,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    """SIGUSR2: the hook is called in the new one, which otherwise ends there."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    arbiter = master(replace(configuration, **SHARED), monkeypatch)
    arbiter.START_CTX = {"args": ["python", "/lib/gunicorn/__main__.py", "-w", "2", "app:app"]}

    gunicorn.pre_exec(arbiter)
    assert (ended, caplog.text) == ([], "")
    command = ["python", "-m", "gunicorn", "-w", "2", "app:app"]
    assert arbiter.START_CTX["args"] == command

    monkeypatch.setattr(start, "_configuration", configuration)
    gunicorn.pre_exec(arbiter)
    assert ended == [0]
    assert "refused: a second master" in caplog.text


def test_the_room_has_time_to_end_by_itself_before_the_master_kills_it(
    configuration: Configuration,
):
    """Also where somebody does not leave, or a page is read by nobody."""
    longest = STOP_TIMEOUT + LEFTOVER

    assert config(configuration).graceful_timeout >= longest + 1


def test_a_worker_shares_what_the_master_has(monkeypatch: pytest.MonkeyPatch):
    frozen: list[str] = []
    monkeypatch.setattr(gunicorn.gc, "freeze", lambda: frozen.append("before the fork"))
    gunicorn.pre_fork(SimpleNamespace(WORKERS={}, num_workers=1), SimpleNamespace(age=1))
    assert frozen


def test_several_workers_share_the_application_and_a_single_one_loads_its_own(
    monkeypatch: pytest.MonkeyPatch,
):
    loaded: list[str] = []
    monkeypatch.setattr(gunicorn, "import_module", loaded.append)

    gunicorn.pre_fork(SimpleNamespace(WORKERS={}, num_workers=1), SimpleNamespace(age=1))
    assert loaded == []

    gunicorn.pre_fork(SimpleNamespace(WORKERS={}, num_workers=2), SimpleNamespace(age=1))
    assert loaded == ["chatroom.application"]


def test_room_is_made_for_an_application_that_is_still_to_come(monkeypatch: pytest.MonkeyPatch):
    reserved: list[int] = []
    monkeypatch.setattr(gunicorn.huge_pages, "reserve", reserved.append)

    monkeypatch.setitem(sys.modules, "chatroom.application", ModuleType("chatroom.application"))
    gunicorn.post_fork(None, None)
    assert reserved == []

    monkeypatch.delitem(sys.modules, "chatroom.application")
    gunicorn.post_fork(None, None)
    assert reserved == [gunicorn.APPLICATION_BYTES]
