"""The log: where it goes, and that no client can forge a line of it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chatroom.configuration import Configuration, load_configuration
from chatroom.errors import ConfigurationError
from chatroom.log import printable, set_up_logging

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ")
log = logging.getLogger("chatroom")


@pytest.fixture(autouse=True)
def leave_no_handler() -> Iterator[None]:
    """The logger is the process's: give it back as it was."""
    level = log.level
    yield
    log.setLevel(level)
    for handler in log.handlers[:]:
        log.removeHandler(handler)
        handler.close()


@pytest.fixture
def configuration(tmp_path: Path) -> Any:
    def configure(logfile: str = "logs.log") -> Configuration:
        path = tmp_path / "config.json"
        path.write_text(f'{{"logfilePath": "{logfile}"}}')
        return load_configuration({"CHATROOM_CONFIG": str(path)})

    return configure


def lines(path: Path) -> list[str]:
    """The log's lines without their date and time, which each must have."""
    found = path.read_text("utf-8").split("\n")
    assert found.pop() == ""
    assert all(STAMP.match(line) for line in found), found
    return [STAMP.sub("", line, count=1) for line in found]


def test_a_record_is_one_line_with_date_and_level(configuration, tmp_path):
    set_up_logging(configuration())

    log.info("hello %s", "Ann")
    log.debug("not this")
    logging.getLogger("chatroom.server").warning("slow")

    assert lines(tmp_path / "logs.log") == ["INFO hello Ann", "WARNING slow"]


def test_of_several_processes_each_line_says_whose_it_is(configuration, tmp_path):
    """Each counts its users for itself."""
    set_up_logging(replace(configuration(), workers=2))

    log.info("joined: user 1")

    assert lines(tmp_path / "logs.log") == [f"{os.getpid()} INFO joined: user 1"]


def test_a_name_forges_no_line(configuration, tmp_path):
    set_up_logging(configuration())

    log.info("joined: %s", "Ann\n2026-11-23 10:42:00,123 INFO joined: the admin\u202e\ud800 é")

    assert lines(tmp_path / "logs.log") == [
        "INFO joined: Ann\\u000a2026-11-23 10:42:00,123 INFO joined: the admin\\u202e\\ud800 é"
    ]


def test_a_traceback_is_indented_below_its_record(configuration, tmp_path):
    set_up_logging(configuration())

    try:
        raise ValueError("forged\n2026-11-23 10:42:00,123 INFO all is well\x1b[2J")
    except ValueError:
        log.exception("failed")

    first, *rest = (tmp_path / "logs.log").read_text().splitlines()
    assert first.endswith("ERROR failed")
    assert rest[-2:] == [
        "    ValueError: forged",
        "    2026-11-23 10:42:00,123 INFO all is well\\u001b[2J",
    ]
    assert all(line.startswith("    ") for line in rest)


def test_set_up_twice_still_writes_each_record_once(configuration, tmp_path):
    set_up_logging(configuration("first.log"))
    set_up_logging(configuration())
    set_up_logging(configuration())

    log.info("once")

    assert lines(tmp_path / "logs.log") == ["INFO once"]
    assert lines(tmp_path / "first.log") == []


def test_another_handler_is_left_alone(configuration):
    other = logging.NullHandler()
    log.addHandler(other)

    set_up_logging(configuration())

    assert other in log.handlers


def test_a_log_that_logrotate_moved_away_begins_anew(configuration, tmp_path):
    set_up_logging(configuration())
    log.info("old")

    (tmp_path / "logs.log").rename(tmp_path / "logs.log.1")
    log.info("new")

    assert lines(tmp_path / "logs.log.1") == ["INFO old"]
    assert lines(tmp_path / "logs.log") == ["INFO new"]


def test_a_log_that_cannot_be_opened_anew_ends_no_thread(configuration, tmp_path, monkeypatch):
    """A log that fails at run time costs its lines, not the Server thread that logged."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    folder = tmp_path / "logs"
    folder.mkdir()
    set_up_logging(configuration("logs/chat.log"))

    folder.rename(tmp_path / "moved")
    log.info("lost")
    folder.mkdir()
    log.info("found")

    assert lines(folder / "chat.log") == ["INFO found"]


def test_a_dash_logs_to_standard_error(configuration, tmp_path, capsys):
    set_up_logging(configuration("-"))

    log.info("hello")

    assert STAMP.sub("", capsys.readouterr().err) == "INFO hello\n"
    assert not (tmp_path / "-").exists()


@pytest.mark.parametrize(
    ("logfile", "cause"),
    [
        ("", "Is a directory"),
        ("none/logs.log", "No such file or directory"),
        ("config.json/logs.log", "Not a directory"),
        ("a\\u0000b", "embedded null byte"),
        ("\\ud800", "surrogates not allowed"),
    ],
)
def test_a_log_file_that_cannot_be_opened_stops_the_start(configuration, tmp_path, logfile, cause):
    set_up_logging(configuration("before.log"))
    unusable = configuration(logfile or str(tmp_path))

    with pytest.raises(ConfigurationError) as caught:
        set_up_logging(unusable)

    line = str(caught.value)
    assert line.startswith(f"{tmp_path / 'config.json'}: logfilePath is ")
    assert f"{unusable.logfile_path!r}; wanted: a writable file (" in line
    assert cause in line
    assert line.isprintable()

    log.info("still here")
    assert lines(tmp_path / "before.log") == ["INFO still here"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Ann", "Ann"),
        (
            "Zoë Ångström 李小龍 علي 😀 e\u0301 a\u3000b\xa0c",
            "Zoë Ångström 李小龍 علي 😀 e\u0301 a\u3000b\xa0c",
        ),
        (
            "a\0b\tc\nd\re\x1bf\x7fg\x85h",
            "a\\u0000b\\u0009c\\u000ad\\u000de\\u001bf\\u007fg\\u0085h",
        ),
        ("\u202eevil\u2066\u200f", "\\u202eevil\\u2066\\u200f"),
        ("a\u200bb\u200dc\ufeffd\xade", "a\\u200bb\\u200dc\\ufeffd\\u00ade"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\ud800 \ue000 \uffff", "\\ud800 \\ue000 \\uffff"),
        ("\U000e0041\U0010ffff", "\\U000e0041\\U0010ffff"),
    ],
)
def test_only_what_hides_or_misleads_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown
