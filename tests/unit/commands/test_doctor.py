"""doctor: what is wrong is found and named, with a way to mend it; what is right is left alone."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatroom.commands import checks
from chatroom.commands.checks import Finding, Verdict, check_limits
from chatroom.commands.health import Health, ask
from chatroom.commands.proxy_checks import check_numbers, check_secrecy, examine_proxy
from chatroom.configuration import Configuration, load_configuration
from chatroom.serving import start
from chatroom.serving.demands import unmet
from chatroom.serving.machine import Carried
from tests.support.histories import at, left_behind, snapshot
from tests.support.http_answers import Answer, answering, body
from tests.support.ports import idle_port

NOBODY = Health(0, False, False, "refused")
WELL = '{"errors":0,"sockets":2,"status":"ok"}'


def configure(folder: Path, **settings: Any) -> Configuration:
    config = folder / "config.json"
    config.write_text(json.dumps({"port": idle_port().number, "hostName": "127.0.0.1", **settings}))
    return load_configuration({"CHATROOM_CONFIG": str(config)})


def texts(findings: list[Finding], verdict: Verdict = Verdict.WRONG) -> list[str]:
    return [finding.text for finding in findings if finding.verdict is verdict]


# -- port, log, history ----------------------------------------------------------------------


def test_a_port_that_another_program_has_is_wrong(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        configuration = configure(tmp_path, port=other.getsockname()[1])
        finding = checks.check_port(configuration, NOBODY)
    assert finding.verdict is Verdict.WRONG
    assert "in use" in finding.text
    assert finding.remedy


def test_an_address_of_another_machine_is_wrong(tmp_path: Path):
    configuration = configure(tmp_path, hostName="192.0.2.1")
    finding = checks.check_port(configuration, NOBODY)
    assert finding.verdict is Verdict.WRONG
    assert "hostName" in finding.remedy


def test_a_room_that_is_failing_is_wrong(tmp_path: Path):
    finding = checks.check_port(configure(tmp_path), Health(503, True, False, "disk full"))
    assert (finding.verdict, "disk full" in finding.text) == (Verdict.WRONG, True)


def test_a_log_that_cannot_be_written_is_wrong(tmp_path: Path):
    assert texts(checks.check_log(configure(tmp_path, logfilePath="no/such/folder.log")))
    assert texts(checks.check_log(configure(tmp_path, logfilePath=".")))
    assert not texts(checks.check_log(configure(tmp_path, logfilePath="new.log")))
    assert not checks.check_log(configure(tmp_path, logfilePath="-"))


def test_a_history_of_another_program_is_wrong(tmp_path: Path):
    (tmp_path / "chat.db").write_text("dear diary")
    (text,) = texts(checks.check_history(configure(tmp_path), NOBODY))
    assert "not an SQLite database" in text


def test_a_history_that_is_checked_stays_as_it_is(tmp_path: Path):
    left_behind(tmp_path / "chat.db", 3)
    configuration = configure(tmp_path)
    before = snapshot(tmp_path)
    assert not texts(checks.check_history(configuration, NOBODY))
    assert snapshot(tmp_path) == before


def test_a_history_that_another_process_uses_is_wrong_unless_it_is_the_room(tmp_path: Path):
    configuration = configure(tmp_path)
    with closing(at(tmp_path / "chat.db")) as history:
        history.open()
        (text,) = texts(checks.check_history(configuration, NOBODY))
        assert "in use by" in text
        assert not texts(checks.check_history(configuration, Health(200, True, True, "")))


def test_files_that_others_may_open_are_wrong(tmp_path: Path):
    configuration = configure(tmp_path, history="sqlite:chat.db", logfilePath="a log.txt")
    path, log = left_behind(tmp_path / "chat.db"), tmp_path / "a log.txt"
    log.touch(0o600)
    assert checks.check_privacy(configuration) == []

    path.chmod(0o644)
    log.chmod(0o640)

    (finding,) = checks.check_privacy(configuration)
    assert finding.verdict is Verdict.WRONG
    assert finding.text == f"everybody on this machine may open {log}, {path}"
    assert finding.remedy == f"chmod 600 '{log}' {path}"
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("key", ["password", "metricsKey"])
def test_settings_that_others_may_open_are_wrong_if_a_secret_is_in_them(tmp_path: Path, key: str):
    secret = "open-sesame-sesame"
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"history": "memory:", "logfilePath": "-"}))
    file.chmod(0o644)
    environ = {"CHATROOM_CONFIG": str(file)}
    assert checks.check_privacy(load_configuration(environ)) == []

    file.write_text(json.dumps({"history": "memory:", "logfilePath": "-", key: secret}))

    (finding,) = checks.check_privacy(load_configuration(environ))
    assert finding.remedy == f"chmod 600 {file}"
    assert secret not in finding.text


def test_files_that_a_group_may_open_are_noted(tmp_path: Path):
    """That may be meant."""
    configuration = configure(tmp_path, history="sqlite:chat.db", logfilePath="-")
    left_behind(tmp_path / "chat.db").chmod(0o640)

    (finding,) = checks.check_privacy(configuration)

    assert finding.verdict is Verdict.NOTE
    assert "their group may open" in finding.text


DATABASE = "postgresql://chat@db/chat"


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        ({}, None, ""),
        ({"history": "memory:", "filesFolder": "files"}, None, ""),
        ({"history": DATABASE, "filesBytes": 0}, None, ""),
        ({"history": DATABASE}, Verdict.NOTE, "set filesFolder"),
        ({"history": DATABASE, "filesFolder": "files"}, Verdict.OK, ""),
        ({"filesFolder": "files"}, Verdict.OK, ""),
        ({"history": DATABASE, "filesFolder": "nowhere"}, Verdict.WRONG, "mkdir -m 700"),
        ({"history": DATABASE, "filesFolder": "config.json"}, Verdict.WRONG, "mkdir -m 700"),
    ],
)
def test_the_folder_of_files_is_looked_at(
    tmp_path: Path, settings: Any, verdict: Verdict | None, words: str
):
    (tmp_path / "files").mkdir()
    findings = checks.check_files(configure(tmp_path, **settings))

    assert [finding.verdict for finding in findings] == ([verdict] if verdict else [])
    assert all(words in finding.remedy for finding in findings)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["files"]


def test_a_folder_of_files_that_cannot_be_written_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    configuration = configure(tmp_path, history=DATABASE, filesFolder=".")
    monkeypatch.setattr("os.access", lambda *_: False)
    (finding,) = checks.check_files(configuration)
    assert (finding.verdict, "filesFolder" in finding.remedy) == (Verdict.WRONG, True)


def test_a_full_disk_of_files_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    configuration = configure(tmp_path, filesFolder=".")
    monkeypatch.setattr(checks, "KEPT_FREE", 1 << 60)
    (finding,) = checks.check_files(configuration)
    assert (finding.verdict, "no file can be stored" in finding.text) == (Verdict.WRONG, True)


def test_a_history_that_forgets_is_noted(tmp_path: Path):
    findings = checks.check_history(configure(tmp_path, history="memory:"), NOBODY)
    assert "forgets" in texts(findings, Verdict.NOTE)[0]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7"])
def test_that_one_address_may_take_all_places_is_noted(tmp_path: Path, host: str):
    findings = checks.check_addresses(configure(tmp_path, hostName=host, maxUsers=50))
    assert texts(findings, Verdict.NOTE) == ["one address may take all 50 places"]


@pytest.mark.parametrize(
    "settings", [{"hostName": "localhost"}, {"hostName": "0.0.0.0", "maxUsersPerAddress": 5}]
)
def test_places_that_no_stranger_can_take_are_not_noted(tmp_path: Path, settings: Any):
    assert checks.check_addresses(configure(tmp_path, **settings)) == []


def test_a_disk_that_is_nearly_full_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path / "chat.db", 1)
    free = checks.shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _path: free)
    (text,) = texts(checks.check_history(configure(tmp_path), NOBODY))
    assert text.startswith("5 MiB are free")


# -- gunicorn and the machine ----------------------------------------------------------------


def test_an_app_that_does_not_start_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(start, "CHECKOUT", tmp_path)
    monkeypatch.chdir(tmp_path)
    Path("app.py").write_text("no app\n")
    finding = checks.check_gunicorn(configure(tmp_path))
    assert finding.verdict is Verdict.WRONG
    assert "does not start" in finding.text


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("workers", "2"),
        ("max_requests", "1000"),
        ("worker_class", "sync"),
        ("threads", "5"),
        ("worker_connections", "5"),
        ("certfile", "/etc/ssl/chat.pem"),
        ("keyfile", "/etc/ssl/chat.key"),
    ],
)
def test_each_option_that_serving_refuses_is_a_fault(option: str, value: str):
    good = {
        "workers": "1",
        "max_requests": "0",
        "worker_class": "<class 'gunicorn.workers.gthread.ThreadWorker'>",
        "threads": "66",
        "worker_connections": "98",
        "certfile": "None",
        "keyfile": "None",
    }
    assert list(unmet(good, users=10)) == []
    (flaw,) = unmet({**good, option: value}, users=10)
    assert flaw.startswith(f"{option} is {value}; wanted")
    assert list(unmet({**good, "workers": "4"}, 10, workers=4, is_shared=True)) == []


def test_a_machine_too_small_for_the_settings_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    configuration = replace(configure(tmp_path), max_users=500)
    carried = Carried(7, "descriptors: the limit is 100 (ulimit -n)")
    monkeypatch.setattr(checks, "affordable_users", lambda _wanted, _reserve, workers: carried)
    finding = check_limits(configuration, NOBODY)
    assert finding.verdict is Verdict.WRONG
    assert "a room started from this shell can carry 7 users" in finding.text
    assert "ulimit -n" in finding.text
    assert "set maxUsers to 7" in finding.remedy
    carried = carried._replace(users=0)
    assert check_limits(configuration, NOBODY).remedy == "raise that limit"

    carried = carried._replace(users=7)
    shared = replace(configuration, history="postgresql://chat@db/chat", workers=3)
    finding = check_limits(shared, NOBODY)
    assert "each of 3 workers started from this shell can carry 7 users" in finding.text


def test_a_running_room_knows_its_limits_better_than_this_shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It may have been started under others, as by systemd."""
    configuration = replace(configure(tmp_path), max_users=500)
    monkeypatch.setattr(
        checks, "affordable_users", lambda wanted, _reserve, workers: Carried(wanted, "")
    )
    with answering(body('{"errors":0,"maxUsers":7,"sockets":2,"status":"ok"}')) as (url, _):
        finding = check_limits(configuration, ask(url))
    assert finding.verdict is Verdict.WRONG
    assert finding.text == "the running room admits 7 users, but maxUsers is 500"
    assert "its log names the limit" in finding.remedy

    with answering(body('{"errors":0,"maxUsers":500,"sockets":2,"status":"ok"}')) as (url, _):
        finding = check_limits(configuration, ask(url))
    assert (finding.verdict, finding.text) == (Verdict.OK, "the running room admits 500 users")


@pytest.mark.parametrize(
    ("host", "is_noted"),
    [("0.0.0.0", True), ("::", True), ("192.0.2.1", True), ("127.0.0.1", False), ("::1", False)],
)
def test_tokens_that_neighbours_could_take_are_noted(tmp_path: Path, host: str, is_noted: bool):
    findings = checks.check_wire(configure(tmp_path, hostName=host))

    assert len(texts(findings, Verdict.NOTE)) == is_noted
    for finding in findings:
        assert "take the token of a host" in finding.text
        assert "certificate" in finding.remedy


# -- a proxy ---------------------------------------------------------------------------------


def refusing(text: str, status: int) -> Answer:
    return body(text, "text/plain", status)


@pytest.mark.parametrize(
    ("answers", "wrong", "mend"),
    [
        ([refusing("Bad Gateway", 502)], "does not reach the room", "start the room"),
        ([body("<h1>Welcome to nginx</h1>", "text/html")], "not a chat room's answer", "/healthz"),
        ([body('{"status":"failing","reason":"disk full"}', status=503)], "disk full", "log"),
        ([body(WELL), refusing("Upgrade, please", 426)], "status 426", "Upgrade"),
        ([body(WELL), refusing("Full", 503)], "nobody in: Full", "maxUsers"),
    ],
)
def test_what_a_proxy_does_wrong_is_named(answers: list[Answer], wrong: str, mend: str):
    with answering(*answers) as (url, _asked):
        findings = examine_proxy(url)
    (finding,) = [finding for finding in findings if finding.verdict is Verdict.WRONG]
    assert wrong in finding.text
    assert mend in finding.remedy


def test_a_proxy_that_is_not_there_is_named():
    (finding,) = examine_proxy("http://127.0.0.1:1")
    assert "cannot be reached" in finding.text


def test_numbers_that_everybody_can_read_are_noted():
    with answering(body("chatroom_up 1.0\n", "text/plain")) as (url, asked):
        (text,) = texts(check_numbers(url), Verdict.NOTE)

    assert text == f"the server's numbers can be read at {url}/metrics"
    assert asked == ["/metrics"]


@pytest.mark.parametrize("answer", [refusing("No.", 403), body("<h1>Welcome to nginx</h1>")])
def test_numbers_that_nobody_gets_are_not(answer: Answer):
    with answering(answer) as (url, _):
        assert check_numbers(url) == []
    assert check_numbers("http://127.0.0.1:1") == []


def test_health_of_what_is_no_chat_room_is_told_in_words():
    with answering(body("[]")) as (url, _):
        assert ask(url) == Health(200, False, False, "status 200, but not a chat room's answer")
    assert ask("http://127.0.0.1:1").status == 0


def test_plain_http_from_afar_is_noted():
    (text,) = texts(check_secrecy("http://chat.example.com"), Verdict.NOTE)
    assert "tokens by which hosts are known" in text
    assert not check_secrecy("https://chat.example.com")
    assert not check_secrecy("http://localhost:8080")
